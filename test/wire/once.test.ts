/** A repeated call gets the answer of the first call, over both transports (test/contract/beyond.md E1). */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { Outcome, RawClient } from '../support/ddp.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { headersOf, post, type RestAnswer, request } from '../support/rest.js';
import { WaitingMethod } from '../support/waitingMethod.js';

const EXISTS = 'error-room-e2e-key-already-exists';
const MISMATCH = 'error-idempotency-mismatch';

const waitingMethod = new WaitingMethod();

describe('repeated calls of methods with `once` (E1)', () => {
	let app: TestApp;
	let alice: Person;
	let bob: Person;
	let rid: string;

	before(async () => {
		app = await startApp({ methods: [waitingMethod.method] });
	});
	after(() => app.close());
	beforeEach(async () => {
		alice = await addPerson(app.store);
		bob = await addPerson(app.store);
		rid = await addRoom(app.store, [alice, bob]);
	});

	describe('over DDP', () => {
		const clients = clientsOfEachTest();

		const connect = (former?: string) => clients.connect(app.webSocketUrl, {}, former);

		async function logIn(person: Person, former?: string): Promise<RawClient> {
			const client = await connect(former);
			await client.call('login', { resume: person.token });
			return client;
		}

		async function terminate(client: RawClient): Promise<string> {
			client.socket.terminate();
			await client.closed;
			return client.session;
		}

		/** Sets the key id as alice, and ends her connection before the answer. @returns her session id */
		async function setKeyIdAndTerminate(): Promise<string> {
			const client = await logIn(alice);
			client.send({ msg: 'method', id: '7', method: 'e2e.setRoomKeyID', params: [rid, 'key'] });
			while (!(await keyIdOf(app.store, rid))) await new Promise(setImmediate);
			return terminate(client);
		}

		/** Repeats the call of `setKeyIdAndTerminate` by default. */
		const setKeyId = (client: RawClient, keyID = 'key', id = '7'): Promise<Outcome> =>
			client.callWithId(id, 'e2e.setRoomKeyID', rid, keyID);

		it('a client that lost its connection repeats a successful call and gets its result', async () => {
			const former = await setKeyIdAndTerminate();
			expect(await setKeyId(await logIn(alice, former))).to.deep.equal({ msg: 'result', id: '7' });
			expect(await keyIdOf(app.store, rid)).to.equal('key');
		});

		it('a client may send connect, login and the repeated call at once', async () => {
			const former = await setKeyIdAndTerminate();
			const client = await clients.open(app.webSocketUrl);
			client.send({ msg: 'connect', version: '1', support: ['1'], session: former });
			client.send({ msg: 'method', id: '6', method: 'login', params: [{ resume: alice.token }] });
			expect(await setKeyId(client)).to.deep.equal({ msg: 'result', id: '7' });
		});

		it('a client that loses its connection again gets the result again', async () => {
			const first = await setKeyIdAndTerminate();
			const second = await terminate(await connect(first));
			const third = await logIn(alice, second);
			expect((await setKeyId(third)).error).to.equal(undefined);
			const fourth = await logIn(alice, await terminate(third));
			expect((await setKeyId(fourth)).error).to.equal(undefined);
		});

		it('a client that lost its connection repeats a refused call and gets its error', async () => {
			const client = await logIn(bob);
			expect((await setKeyId(await logIn(alice), 'hers')).error).to.equal(undefined);
			expect((await setKeyId(client, 'his')).error?.error).to.equal(EXISTS);
			const later = await logIn(bob, await terminate(client));
			expect((await setKeyId(later, 'his')).error).to.deep.include({
				error: EXISTS,
				details: { method: 'e2e.setRoomKeyID' },
			});
		});

		it('a call without the former session, or with another id, is a new call', async () => {
			const former = await setKeyIdAndTerminate();
			expect((await setKeyId(await logIn(alice))).error?.error).to.equal(EXISTS);
			expect((await setKeyId(await logIn(alice, former), 'key', '8')).error?.error).to.equal(EXISTS);
		});

		it('the same call of another user in the former session is new', async () => {
			const former = await setKeyIdAndTerminate();
			expect((await setKeyId(await logIn(bob, former))).error?.error).to.equal(EXISTS);
			expect((await setKeyId(await connect(former))).error?.error).to.equal('error-invalid-user');
		});

		it('a repeated call with other arguments is refused', async () => {
			const former = await setKeyIdAndTerminate();
			const client = await logIn(alice, former);
			expect((await setKeyId(client, 'another')).error).to.deep.include({
				error: MISMATCH,
				details: { method: 'e2e.setRoomKeyID' },
			});
			expect((await setKeyId(client)).error).to.equal(undefined);
		});

		it('a call with a used id in the same connection is a new call', async () => {
			const client = await logIn(alice);
			expect((await setKeyId(client)).error).to.equal(undefined);
			expect((await setKeyId(client)).error?.error).to.equal(EXISTS);
		});

		it('a repeated call waits for the first call while it runs', async () => {
			const begun = waitingMethod.begun();
			const client = await logIn(alice);
			client.send({ msg: 'method', id: '7', method: 'test.wait', params: [] });
			await begun;
			const later = await logIn(alice, await terminate(client));
			later.send({ msg: 'method', id: '7', method: 'test.wait', params: [] });
			later.send({ msg: 'ping', id: 'is waiting' });
			// The server has received the call before the ping, and has not answered it.
			expect(await later.next()).to.deep.equal({ msg: 'pong', id: 'is waiting' });
			waitingMethod.end('done');
			expect(await later.nextThat(({ msg }) => msg === 'result')).to.deep.equal({
				msg: 'result',
				id: '7',
				result: 'done',
			});
			expect(waitingMethod.runs).to.equal(1);
		});

		for (const session of [5, null, {}, '', 'x'.repeat(1000), 'too short', ['A'.repeat(17)]]) {
			it(`the session id ${JSON.stringify(session).slice(0, 20)} counts as none`, async () => {
				const client = await clients.open(app.webSocketUrl);
				client.send({ msg: 'connect', version: '1', support: ['1'], session });
				expect((await client.next()).msg).to.equal('connected');
				await client.call('login', { resume: alice.token });
				expect((await setKeyId(client)).error).to.equal(undefined);
			});
		}
	});

	describe('over REST', () => {
		const send = (path: string, as: Person | null, idempotencyKey: string, body: object): Promise<RestAnswer> =>
			post(`${app.url}/api/v1/${path}`, as, body, { 'Idempotency-Key': idempotencyKey });
		const set = (as: Person, idempotencyKey: string, keyID = 'key') =>
			send('e2e.setRoomKeyID', as, idempotencyKey, { rid, keyID });

		function methodCall(idempotencyKey: string, keyID = 'key'): Promise<RestAnswer> {
			const message = JSON.stringify({ msg: 'method', id: '3', method: 'e2e.setRoomKeyID', params: [rid, keyID] });
			return send('method.call/e2e.setRoomKeyID', alice, idempotencyKey, { message });
		}

		it('a call without Idempotency-Key is always a new call', async () => {
			const url = `${app.url}/api/v1/e2e.setRoomKeyID`;
			expect((await post(url, alice, { rid, keyID: 'key' })).text).to.equal('{"success":true}');
			expect((await post(url, alice, { rid, keyID: 'key' })).body).to.include({ errorType: EXISTS });
		});

		it('a repeated Idempotency-Key gets the first answer, a result or an error', async () => {
			const success = await set(alice, 'a');
			const error = await set(bob, 'b');
			expect([success.status, success.text]).to.deep.equal([200, '{"success":true}']);
			expect([error.status, error.body.errorType]).to.deep.equal([400, EXISTS]);
			for (const [as, key, first] of [
				[alice, 'a', success],
				[bob, 'b', error],
			] as const) {
				const { status, text } = await set(as, key);
				expect({ status, text }).to.deep.equal({ status: first.status, text: first.text });
			}
		});

		it('a call with another Idempotency-Key or of another user is new', async () => {
			await set(alice, 'a');
			expect((await set(alice, 'another')).body).to.include({ errorType: EXISTS });
			expect((await set(bob, 'a')).body).to.include({ errorType: EXISTS });
		});

		it('a repeated call with other arguments is refused', async () => {
			await set(alice, 'a');
			const { status, body } = await set(alice, 'a', 'another');
			expect({ status, body }).to.deep.equal({
				status: 400,
				body: {
					success: false,
					error: `This call was made before with other arguments [${MISMATCH}]`,
					errorType: MISMATCH,
					details: { method: 'e2e.setRoomKeyID' },
				},
			});
		});

		it('twenty concurrent calls with one Idempotency-Key get the same answer', async () => {
			const answers = await Promise.all(Array.from({ length: 20 }, () => set(alice, 'many')));
			for (const { text } of answers) expect(text).to.equal('{"success":true}');
		});

		it('an Idempotency-Key counts for method.call and the path of the method together', async () => {
			const first = await methodCall('c');
			expect(first.body).to.deep.equal({ message: '{"msg":"result","id":"3"}', success: true });
			expect((await methodCall('c')).text).to.equal(first.text);
			expect((await set(alice, 'c')).text).to.equal('{"success":true}');
			expect((await methodCall('c', 'another')).body.message).to.include(MISMATCH);
			expect((await methodCall('d')).body.message).to.include(EXISTS);
		});

		it('an Idempotency-Key has 1 to 128 visible characters', async () => {
			for (const key of ['!', '~', `"${'x'.repeat(126)}"`]) {
				rid = await addRoom(app.store, [alice]);
				for (const _ of ['first', 'again']) expect((await set(alice, key)).status, key).to.equal(200);
			}
		});

		for (const [what, key] of [
			['an empty text', ''],
			['129 characters', 'x'.repeat(129)],
			['a text with a space', 'a b'],
			['a text with a tab', 'a\tb'],
			['a text with letters beyond ASCII', 'é'],
		] as const) {
			it(`refuses ${what} as Idempotency-Key for every method`, async () => {
				const refused = {
					success: false,
					error: 'Idempotency-Key must be 1 to 128 visible ASCII characters [error-invalid-idempotency-key]',
					errorType: 'error-invalid-idempotency-key',
				};
				for (const answer of [await set(alice, key), await methodCall(key), await send('login', null, key, {})]) {
					expect([answer.status, answer.body]).to.deep.equal([400, refused]);
				}
				expect(await keyIdOf(app.store, rid)).to.equal(undefined);
			});
		}

		it('refuses two headers Idempotency-Key, but checks the credentials before the header', async () => {
			const headers = new Headers({ ...headersOf(alice), 'Idempotency-Key': 'a' });
			headers.append('Idempotency-Key', 'b');
			expect((await request(`${app.url}/api/v1/me`, { headers })).status).to.equal(400);
			expect((await send('e2e.setRoomKeyID', null, 'a b', {})).status).to.equal(401);
		});
	});
});
