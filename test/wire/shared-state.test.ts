/**
 * Several servers in this process share one store, as several processes do (`test/contract/beyond.md` E1, T1;
 * `test/contract/ddp.md` section 14).
 */
import { expect } from 'chai';
import { startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { RawClient } from '../support/ddp.js';
import { identity, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { get, post, type RestAnswer } from '../support/rest.js';
import { WaitingMethod } from '../support/waitingMethod.js';

const EXISTS = 'error-room-e2e-key-already-exists';

const waitingMethod = new WaitingMethod();

describe('several servers on one store', () => {
	let apps: TestApp[];
	let first: TestApp;
	let second: TestApp;
	let alice: Person;
	let bob: Person;
	let rid: string;
	const clients = clientsOfEachTest();

	async function start(options: TestAppOptions = {}): Promise<void> {
		first = await startApp({ ...options, methods: [waitingMethod.method], shared: true });
		const others = [1, 2].map(() =>
			startApp({ ...options, methods: [waitingMethod.method], shared: true, store: first.store }),
		);
		apps = [first, ...(await Promise.all(others))];
		second = apps[1] as TestApp;
		alice = await addPerson(first.store);
		bob = await addPerson(first.store);
		rid = await addRoom(first.store, [alice, bob]);
	}
	afterEach(async () => {
		// The first server also closes the store, so it is closed last.
		for (const app of [...apps].reverse()) await app.close();
	});

	const send = (app: TestApp, method: string, as: Person, key: string, body: object): Promise<RestAnswer> =>
		post(`${app.url}/api/v1/${method}`, as, body, { 'Idempotency-Key': key });

	describe('a repeated call over REST', () => {
		beforeEach(() => start());
		const set = (app: TestApp, as: Person, key: string) =>
			send(app, 'e2e.setRoomKeyID', as, key, { rid, keyID: 'key' });

		it('gets the first answer at every server, a result or an error', async () => {
			const success = await set(first, alice, 'a');
			expect(success.text).to.equal('{"success":true}');
			const error = await set(first, bob, 'b');
			expect(error.body.errorType).to.equal(EXISTS);
			for (const app of apps) {
				for (const [as, key, answer] of [
					[alice, 'a', success],
					[bob, 'b', error],
				] as const) {
					const { status, text } = await set(app, as, key);
					expect({ status, text }).to.deep.equal({ status: answer.status, text: answer.text });
				}
			}
		});

		it('gets the first answer with the same text, even if the answer contains dates', async () => {
			const made = await send(first, 'groups.create', alice, 'r', { name: 'a-group' });
			expect(made.status).to.equal(200);
			expect(made.text).to.match(/"ts":"\d{4}-/);
			expect((await send(second, 'groups.create', alice, 'r', { name: 'a-group' })).text).to.equal(made.text);
		});

		it('waits for the first call while it runs at another server', async () => {
			const begun = waitingMethod.begun();
			const asked = send(first, 'test.wait', alice, 'w', {});
			await begun;
			const again = send(second, 'test.wait', alice, 'w', {});
			waitingMethod.end('done');
			expect((await again).text).to.equal((await asked).text);
			expect(waitingMethod.runs).to.equal(1);
		});

		it('is a new call if it has the same key but another method', async () => {
			expect((await send(first, 'groups.create', alice, 'r', { name: 'a-group' })).status).to.equal(200);
			const channel = await send(second, 'channels.create', alice, 'r', { name: 'a-channel' });
			expect(channel.body).to.have.nested.property('channel.name', 'a-channel');
		});
	});

	describe('a repeated call over DDP', () => {
		beforeEach(() => start());

		async function logIn(app: TestApp, former?: string): Promise<RawClient> {
			const client = await clients.connect(app.webSocketUrl, {}, former);
			await client.call('login', { resume: alice.token });
			return client;
		}
		/** @returns the id of the session that has ended */
		async function terminate(client: RawClient): Promise<string> {
			client.socket.terminate();
			await client.closed;
			return client.session;
		}
		const repeat = (client: RawClient) => client.callWithId('7', 'e2e.setRoomKeyID', rid, 'key');

		it('gets the first answer each time the client resumes its session at another server', async () => {
			const client = await logIn(first);
			client.send({ msg: 'method', id: '7', method: 'e2e.setRoomKeyID', params: [rid, 'key'] });
			while (!(await keyIdOf(first.store, rid))) await new Promise(setImmediate);
			let formerSession = await terminate(client);
			for (const app of [...apps, ...apps].slice(1)) {
				const later = await logIn(app, formerSession);
				expect(await repeat(later)).to.deep.equal({ msg: 'result', id: '7' });
				formerSession = await terminate(later);
			}
		});
	});

	it('reserve a waiting member for one provider of the key, over all servers', async () => {
		await start();
		const providers = await Promise.all([1, 2, 3].map(() => addPerson(first.store)));
		const waiting = await Promise.all([1, 2, 3, 4].map((i) => addPerson(first.store, identity(`waiting ${i}`))));
		const room = await addRoom(first.store, waiting, { encrypted: true, e2eKeyId: 'k' });
		for (const provider of providers) await addMember(first.store, room, provider, { E2EKey: sealed('k') });
		const path = `/api/v1/e2e.fetchUsersWaitingForGroupKey?roomIds=${room}`;
		const answers = await Promise.all(providers.map((provider, i) => get(`${apps[i]?.url}${path}`, provider)));
		const reservedIds = answers.flatMap(({ body }) => {
			const rooms = body.usersWaitingForE2EKeys as Record<string, { _id: string }[]>;
			return (rooms[room] ?? []).map(({ _id }) => _id);
		});
		expect(reservedIds.sort()).to.deep.equal(waiting.map(({ id }) => id).sort());
	});

	it('check exactly ten of forty concurrent wrong passwords over three servers', async () => {
		// Ten attempts for one name from one address may fail in a minute.
		await start({ rateLimit: 'on', limits: [] });
		const statuses = await Promise.all(
			Array.from({ length: 40 }, (_, i) =>
				post(`${apps[i % 3]?.url}/api/v1/login`, null, { user: 'somebody', password: 'wrong' }).then(
					({ status }) => status,
				),
			),
		);
		expect(statuses.filter((status) => status === 429)).to.have.length(30);
		expect(statuses.filter((status) => status === 401)).to.have.length(10);
	});
});

describe('a server that is alone on its store', () => {
	it('writes no shared state', async () => {
		const app = await startApp({ rateLimit: 'on' });
		const alice = await addPerson(app.store);
		const rid = await addRoom(app.store, [alice]);
		const body = { rid, keyID: 'key' };
		await post(`${app.url}/api/v1/e2e.setRoomKeyID`, alice, body, { 'Idempotency-Key': 'a' });
		await post(`${app.url}/api/v1/login`, null, { user: 'somebody', password: 'wrong' });
		expect(await app.store.sharedState.countDocuments({})).to.equal(0);
		await app.close();
	});
});
