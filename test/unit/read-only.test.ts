/** A server with `--read-only` answers reads, refuses writes, and writes nothing by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mock } from 'node:test';
import { expect } from 'chai';
import * as catalogue from '../../methods/index.js';
import { readOnlyMethods, readOnlyStore } from '../../server/core/readOnly.js';
import type { ServerOptions } from '../../server/options/serverOptions.js';
import { createApp } from '../../server/start/app.js';
import { type OpenServer, openServer } from '../../server/start/openServer.js';
import { MatchError } from '../../shared/errors.js';
import { type Method, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { RawClient } from '../support/ddp.js';
import { memoryLog } from '../support/log.js';
import { testOptions } from '../support/options.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { recordedStore } from '../support/recordedStore.js';
import { rejection } from '../support/rejection.js';
import { get, post } from '../support/rest.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { openTestStore } from '../support/store.js';

const REFUSED = { error: 'error-read-only', reason: 'This server is read-only' };

interface World {
	readonly admin: Person;
	readonly member: Person;
	readonly rid: string;
}

/** An admin who owns an encrypted room, and a member who waits for its key. */
async function populate(store: Store): Promise<World> {
	const identity = (name: string) => ({ e2e: { public_key: `public key of ${name}`, private_key: 'sealed' } });
	const admin = await addPerson(store, {
		username: 'root',
		roles: ['admin', 'user'],
		password: 'secret',
		...identity('root'),
	});
	const member = await addPerson(store, { username: 'member', ...identity('member') });
	const rid = await addRoom(store, [], {
		...{ name: 'room', encrypted: true, e2eKeyId: 'key-1', usersCount: 2 },
		// An interrupted call can leave an entry of a member who holds the key.
		usersWaitingForE2EKeys: [{ userId: admin.id, ts: new Date(0) }],
	});
	await addMember(store, rid, admin, { t: 'p', roles: ['owner'], E2EKey: 'key-1 of root' });
	await addMember(store, rid, member, { t: 'p' });
	return { admin, member, rid };
}

function argumentsOf({ args, name: methodName }: Method, { admin, member, rid }: World): unknown[] {
	const { username, id } = member;
	const values: Record<string, unknown> = {
		...{ rid, roomId: rid, roomName: 'room', roomIds: [rid], username, user: username },
		...{ userId: id, uid: id, usernames: ['member'], userIds: [id], members: ['member'], name: 'new-room' },
		...{ key: 'key-1 new', e2eKey: 'key-1 new', e2eKeyId: 'key-2', keyID: 'key-2', keyId: 'key-1' },
		...{ eventName: `${rid}/e2ekeyRequest`, settings: { roomTopic: 'x' }, encrypted: true, active: false },
		...{ keys: { public_key: 'new', private_key: 'new', force: true }, data: { name: 'Somebody' }, confirm: true },
		...{ public_key: 'new', private_key: 'new', force: true, e2eKeys: 'x', password: 'pass', email: 'a@example.com' },
		usersSuggestedGroupKeys: { [rid]: [{ _id: id, key: 'key-1 for member' }] },
		activeStatus: true,
		permissions: [{ _id: 'create-d', roles: ['user', 'admin'] }],
		...{ oldPassword: 'secret', newPassword: 'secret 2', _id: 'E2E_Enable' },
		...{ value: true, setting: 'roomTopic', roomDescription: 'x', updatedAt: new Date(0) },
	};
	if (methodName === 'rooms.adminRooms.getRoom') return [rid];
	if (methodName === 'saveSettings' || methodName === 'settings.bulk') return [[{ _id: 'E2E_Enable', value: true }]];
	if (methodName === 'login') return [{ resume: admin.token }];
	if (methodName === 'createUser') return [{ username: 'new-user', password: 'secret' }];
	return args.map(([argName]) => values[argName]);
}

/** Fails if the method has refused its arguments, because the call has then tested nothing. */
function requireValidArguments(name: string, error: unknown): void {
	if (error instanceof MatchError)
		expect.fail(`give ${name} its arguments in argumentsOf (test/unit/read-only.test.ts): ${error.message}`);
}

/** Calls each method as the admin and as the member. Returns the writes of each method. */
async function writesOf(methods: readonly Method[], open: typeof openRoomkey): Promise<Map<string, Set<string>>> {
	const writes = new Map<string, Set<string>>(methods.map(({ name }) => [name, new Set()]));
	let calledName = '';
	let roomkey: TestRoomkey | undefined;
	for (const each of methods) {
		for (const as of ['admin', 'member'] as const) {
			calledName = '';
			roomkey = await open(methods, {}, (store) => recordedStore(store, (write) => writes.get(calledName)?.add(write)));
			const world = await populate(roomkey.store);
			calledName = each.name;
			const caller = { userId: world[as].id, setUserId: () => {}, setToken: () => {} };
			const args = argumentsOf(each, world);
			await roomkey.callAs(caller, each.name, ...args).catch((error) => requireValidArguments(each.name, error));
			await roomkey.close();
		}
	}
	return writes;
}

/** Methods that read, but also store what they find, or tidy a queue, unless the server is read-only. */
const STORING_READS: readonly string[] = ['e2e.keyHistory', 'e2e.fetchUsersWaitingForGroupKey'];

describe('methods of the catalogue', () => {
	it('write nothing, except those defined with `writes` and those that store what they find', async () => {
		const writes = await writesOf(catalogue.methods, openRoomkey);
		const readers = catalogue.methods.filter(({ name, writes: may }) => !may && !STORING_READS.includes(name));
		const wrong = readers.filter(({ name }) => (writes.get(name)?.size ?? 0) > 0);
		for (const name of STORING_READS) expect(writes.get(name)?.size, name).to.be.greaterThan(0);
		expect(wrong.map(({ name }) => [name, ...(writes.get(name) as Set<string>)])).to.deep.equal([]);
		// If the calls wrote little, the test would prove nothing.
		const writers = catalogue.methods.filter(({ name }) => (writes.get(name)?.size ?? 0) > 0);
		expect(writers.length).to.be.greaterThan(20);
	});

	it('write nothing at all in a server that only reads', async () => {
		const writes = await writesOf(readOnlyMethods(catalogue.methods), (methods, changed, wrap = (store) => store) =>
			openRoomkey(methods, changed, (store) => readOnlyStore(wrap(store))),
		);
		for (const [name, operations] of writes) expect([name, ...operations]).to.deep.equal([name]);
	});

	it('are accepted by a server that only reads if their task is to read', async () => {
		const reads = catalogue.methods.filter(({ rest, parallel }) => rest?.verb === 'GET' || parallel);
		expect(reads.map(({ name }) => name)).to.include.members([...STORING_READS, 'e2e.fetchMyKeys', 'rooms/get']);
		for (const each of reads) {
			for (const as of ['admin', 'member'] as const) {
				const roomkey = await openRoomkey(readOnlyMethods([each]), {}, readOnlyStore);
				const world = await populate(roomkey.store);
				const call = roomkey.call(world[as], each.name, ...argumentsOf(each, world));
				const code = await call.then(
					() => 'answered',
					({ error }) => error,
				);
				expect(code, each.name).not.to.equal(REFUSED.error);
				await roomkey.close();
			}
		}
	});
});

describe('background work', () => {
	/** The writes that a server makes by itself in eleven minutes. It removes expired tokens every ten minutes. */
	async function writesIn(readOnly: boolean): Promise<string[]> {
		const writes: string[] = [];
		const { store, onChange, close } = await openTestStore();
		await populate(store);
		const recorded = recordedStore(store, (write) => writes.push(write));
		mock.timers.enable({ apis: ['setInterval'] });
		const app = createApp({
			...testOptions,
			catalogue,
			store: readOnly ? readOnlyStore(recorded) : recorded,
			readOnly,
			onChange,
			log: memoryLog(),
		});
		try {
			mock.timers.tick(11 * 60_000);
			await app.close();
		} finally {
			mock.timers.reset();
		}
		await close();
		return writes;
	}

	it('writes nothing in a server that only reads', async () => expect(await writesIn(true)).to.deep.equal([]));

	it('removes expired tokens in a server that writes', async () =>
		expect(await writesIn(false)).to.include('users.updateMany'));
});

describe('a server that only reads', () => {
	const folder = mkdtempSync(path.join(tmpdir(), 'roomkey-read-only-'));
	const options: ServerOptions = { port: 0, store: { data: folder }, keys: true, grace: 100 };
	const sneaky = method({
		name: 'own.sneaky',
		summary: 'Says that it only reads',
		args: {},
		rest: 'POST',
		writes: false,
		run: (_, { store }) => store.roles.deleteMany({}),
	});
	let server: OpenServer;
	let world: World;
	let contentsBefore: string;
	let historyBefore: unknown;

	const contents = async (store: Store) => {
		const all = Object.entries(store).map(async ([key, each]) => [key, await each.find({}).toArray()]);
		return JSON.stringify(await Promise.all(all));
	};

	before(async () => {
		const writer = await openServer({ ...options, log: memoryLog() });
		world = await populate(writer.store);
		for (const key of ['second', 'third']) {
			const keys = { public_key: key, private_key: 'sealed', force: true };
			await writer.call('e2e.setUserPublicAndPrivateKeys', [keys], { userId: world.admin.id });
		}
		const answer = await writer.call('e2e.keyHistory', [world.admin.id], { userId: world.admin.id });
		historyBefore = JSON.parse(JSON.stringify((answer as { history: unknown }).history));
		// Rocket.Chat replaces a key in this way, and adds nothing to the history.
		await writer.store.users.updateOne({ _id: world.admin.id }, { $set: { 'e2e.public_key': 'fourth' } });
		await writer.close();
		server = await openServer({
			...options,
			log: memoryLog(),
			readOnly: true,
			methods: [sneaky],
			// A server that writes would store this permission.
			permissions: { x: [] },
		});
		contentsBefore = await contents(server.store);
	});
	after(async () => {
		await server.close();
		rmSync(folder, { recursive: true });
	});
	afterEach(async () => expect(await contents(server.store)).to.equal(contentsBefore));

	it('answers reads over REST', async () => {
		const { status, body } = await get(`${server.url}/api/v1/e2e.fetchMyKeys`, world.admin);
		expect(status).to.equal(200);
		expect(body.public_key).to.equal('fourth');
	});

	it('lists the stored history of public keys, even without the current key', async () => {
		const ask = (as: Person) => get(`${server.url}/api/v1/e2e.keyHistory?uid=${as.id}`, world.admin);
		const stored = await ask(world.admin);
		expect(stored.status).to.equal(200);
		expect(stored.body.history).to.deep.equal(historyBefore);
		expect(await ask(world.admin)).to.deep.equal(stored);
		expect((await ask(world.member)).body).to.include({ total: 0, success: true });
	});

	it('refuses writes over REST with 400 and error-read-only', async () => {
		const key = { rid: world.rid, keyID: 'key-2' };
		const { status, body } = await post(`${server.url}/api/v1/e2e.setRoomKeyID`, world.admin, key);
		expect(status).to.equal(400);
		expect(body.errorType).to.equal(REFUSED.error);
		expect(body.error).to.equal(`${REFUSED.reason} [${REFUSED.error}]`);
	});

	it('accepts a login with a token, answers reads and refuses writes over DDP', async () => {
		const client = await RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
		const { result } = await client.call('login', { resume: world.member.token });
		expect(result).to.include({ id: world.member.id, type: 'resume' });
		const read = await client.call('e2e.fetchMyKeys');
		expect(read.result).to.include({ public_key: 'public key of member' });
		const { error } = await client.call('e2e.requestSubscriptionKeys');
		expect(error).to.include(REFUSED);
		await client.close();
	});

	it('refuses a login with a password, which would store a token', async () => {
		const { status, body } = await post(`${server.url}/api/v1/login`, null, { user: 'root', password: 'secret' });
		// REST answers every failed login with 401.
		expect([status, body.error]).to.deep.equal([401, REFUSED.error]);
	});

	it('refuses the write of a method with `writes: false`', async () => {
		const { status, body } = await post(`${server.url}/api/v1/own.sneaky`, world.admin, {});
		expect([status, body.errorType]).to.deep.equal([400, REFUSED.error]);
	});

	it('refuses writes by the application itself', async () => {
		expect((await rejection(server.store.roles.insertOne({ _id: 'x', name: 'x' } as never))).message).to.include(
			REFUSED.error,
		);
	});

	it('does not start with a setting that requires writes', async () => {
		for (const [option, text] of [
			[{ demo: true, store: undefined }, 'demo writes example users'],
			[{ adminPass: 'secret' }, 'admin-pass makes the first admin'],
			[{ signUps: true }, 'sign-ups lets users register'],
		] as const) {
			const error = await rejection(openServer({ ...options, ...option, readOnly: true } as ServerOptions));
			expect(error.message).to.include(text);
		}
	});
});
