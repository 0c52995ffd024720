/** Several servers on one store, as processes are (`test/contract/beyond.md` E1, T1; `test/contract/ddp.md` section 14). */
import { expect } from 'chai';
import { startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { RawClient } from '../support/ddp.js';
import { HeldMethod } from '../support/heldMethod.js';
import { identity, sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { get, post, type RestAnswer } from '../support/rest.js';

const EXISTS = 'error-room-e2e-key-already-exists';

const held = new HeldMethod();

describe('several servers on one store', () => {
	let apps: TestApp[];
	let first: TestApp;
	let second: TestApp;
	let alice: Person;
	let bob: Person;
	let rid: string;
	const clients = clientsOfEachTest();

	async function start(options: TestAppOptions = {}): Promise<void> {
		first = await startApp({ ...options, methods: [held.method], shared: true });
		const others = [1, 2].map(() => startApp({ ...options, methods: [held.method], shared: true, store: first.store }));
		apps = [first, ...(await Promise.all(others))];
		second = apps[1] as TestApp;
		alice = await addPerson(first.store);
		bob = await addPerson(first.store);
		rid = await addRoom(first.store, [alice, bob]);
	}
	afterEach(async () => {
		for (const app of [...apps].reverse()) await app.close();
	});

	const send = (app: TestApp, method: string, as: Person, key: string, body: object): Promise<RestAnswer> =>
		post(`${app.url}/api/v1/${method}`, as, body, { 'Idempotency-Key': key });

	describe('first answers over REST', () => {
		beforeEach(() => start());
		const set = (app: TestApp, as: Person, key: string) =>
			send(app, 'e2e.setRoomKeyID', as, key, { rid, keyID: 'key' });

		it('the winner that repeats its call at another server learns that it won; the loser that it lost', async () => {
			expect((await set(first, alice, 'a')).text).to.equal('{"success":true}');
			const lost = await set(first, bob, 'b');
			expect(lost.body.errorType).to.equal(EXISTS);
			for (const app of apps) {
				expect((await set(app, alice, 'a')).text).to.equal('{"success":true}');
				const again = await set(app, bob, 'b');
				expect([again.status, again.text]).to.deep.equal([lost.status, lost.text]);
			}
		});

		it('a repeated answer with dates is the same text', async () => {
			const user = () => send(second, 'rooms.create', alice, 'r', {});
			const made = await send(first, 'groups.create', alice, 'r', { name: 'a-group' });
			expect(made.status).to.equal(200);
			expect((await send(second, 'groups.create', alice, 'r', { name: 'a-group' })).text).to.equal(made.text);
			expect((await user()).status).to.equal(404);
		});

		it('a call that runs at another server is waited for', async () => {
			const begun = held.begun();
			const asked = send(first, 'test.wait', alice, 'w', {});
			await begun;
			const again = send(second, 'test.wait', alice, 'w', {});
			held.end('done');
			expect((await again).text).to.equal((await asked).text);
			expect(held.runs).to.equal(1);
		});
	});

	describe('first answers over DDP', () => {
		beforeEach(() => start());

		async function logIn(app: TestApp, former?: string): Promise<RawClient> {
			const client = await clients.connect(app.webSocketUrl, {}, former);
			await client.call('login', { resume: alice.token });
			return client;
		}
		async function cut(client: RawClient): Promise<string> {
			client.socket.terminate();
			await client.closed;
			return client.session;
		}
		const again = (client: RawClient) => client.callWithId('7', 'e2e.setRoomKeyID', rid, 'key');

		it('a client that resumes its session at other servers again and again learns that it won', async () => {
			const client = await logIn(first);
			client.send({ msg: 'method', id: '7', method: 'e2e.setRoomKeyID', params: [rid, 'key'] });
			while (!(await keyIdOf(first.store, rid))) await new Promise(setImmediate);
			let former = await cut(client);
			for (const app of [...apps, ...apps].slice(1)) {
				const later = await logIn(app, former);
				expect(await again(later)).to.deep.equal({ msg: 'result', id: '7' });
				former = await cut(later);
			}
		});
	});

	it('a waiting member is reserved for one provider of the key, over all servers', async () => {
		await start();
		const providers = await Promise.all([1, 2, 3].map(() => addPerson(first.store)));
		const waiting = await Promise.all([1, 2, 3, 4].map((i) => addPerson(first.store, identity(`waiting ${i}`))));
		const room = await addRoom(first.store, waiting, { encrypted: true, e2eKeyId: 'k' });
		for (const provider of providers) await addMember(first.store, room, provider, { E2EKey: sealed('k') });
		const path = `/api/v1/e2e.fetchUsersWaitingForGroupKey?roomIds=${room}`;
		const answers = await Promise.all(providers.map((provider, i) => get(`${apps[i]?.url}${path}`, provider)));
		const given = answers.flatMap(({ body }) => {
			const rooms = body.usersWaitingForE2EKeys as Record<string, { _id: string }[]>;
			return (rooms[room] ?? []).map(({ _id }) => _id);
		});
		expect(given.sort()).to.deep.equal(waiting.map(({ id }) => id).sort());
	});

	it('forty wrong passwords at once over three servers: exactly ten are checked', async () => {
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
