/** A server with `--shadow` replays mirrored requests, writes nothing, and logs differences. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import * as catalogue from '../../methods/index.js';
import { idsIn } from '../../server/shadow/mirrored.js';
import { Shadow } from '../../server/shadow/shadow.js';
import { type App, createApp } from '../../server/start/app.js';
import { openServer } from '../../server/start/openServer.js';
import type { OpenStore } from '../../server/store/collections.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { testOptions } from '../support/options.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { recordedStore } from '../support/recordedStore.js';
import { rejection } from '../support/rejection.js';
import { headersOf, post, request } from '../support/rest.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { openTestStore } from '../support/store.js';

describe('a server with --shadow', () => {
	let data: OpenStore;
	let original: TestRoomkey;
	let shadow: Shadow;
	let app: App;
	let url: string;
	let log: ReturnType<typeof memoryLog>;
	let writes: string[];
	/** What the shadow has scheduled. The tests run it. */
	let later: (() => void)[];
	let owner: Person;
	let member: Person;
	let rid: string;

	const roomExists = method({
		name: 'test.roomExists',
		summary: 'Whether a room exists',
		args: { rid: String },
		rest: 'POST',
		run: async ({ rid: _id }, { store }) => (await store.rooms.findOne({ _id }, { projection: { _id: 1 } })) !== null,
	});

	const findByName = method({
		name: 'test.findByName',
		summary: 'Finds a room',
		args: { name: String },
		rest: { verb: 'GET', path: 'test.find/:name' },
		run: ({ name }, { store }) => store.rooms.findOne({ name }, { projection: { _id: 1 } }),
	});

	/** Runs once, before the database answers who has a token. */
	let whileTokenIsRead: (() => Promise<unknown>) | undefined;

	function hookTokenReads(store: Store): Store {
		const find: Store['users']['find'] = (filter, options) => {
			const cursor = store.users.find(filter, options);
			if (!JSON.stringify(filter).includes('hashedToken')) return cursor;
			return {
				...cursor,
				async *[Symbol.asyncIterator]() {
					const run = whileTokenIsRead;
					whileTokenIsRead = undefined;
					await run?.();
					yield* cursor;
				},
			};
		};
		const users = new Proxy(store.users, {
			get: (target, name) => (name === 'find' ? find : Reflect.get(target, name).bind(target)),
		});
		return { ...store, users };
	}

	async function until(condition: () => boolean): Promise<void> {
		while (!condition()) await new Promise((resolve) => setImmediate(resolve));
	}
	/** Number of mirrored requests that have an outcome. */
	const countEnded = () => [...shadow.counts].reduce((sum, [, count]) => sum + count, 0);
	const contents = async (store: Store) =>
		JSON.stringify(await Promise.all(Object.values(store).map((each) => each.find({}).toArray())));

	beforeEach(async () => {
		data = await openTestStore();
		original = await openRoomkey(catalogue.methods, { shared: data });
		owner = await addPerson(data.store, { roles: ['user', 'admin'] });
		member = await addPerson(data.store);
		rid = await addRoom(data.store, [], { name: 'room', encrypted: true, usersCount: 2 });
		await addMember(data.store, rid, owner, { t: 'p', roles: ['owner'] });
		await addMember(data.store, rid, member, { t: 'p' });
		[log, writes, later] = [memoryLog(), [], []];
		const real = hookTokenReads(recordedStore(data.store, (write) => writes.push(write)));
		shadow = new Shadow({ real, declared: [], delay: 1, log, later: (run) => later.push(run) });
		const { store, preParsing, onUnknownRoute } = shadow;
		const { onChange } = data;
		const hooks = { preParsing, onUnknownRoute };
		const methods = [...catalogue.methods, roomExists, findByName];
		app = createApp({
			...testOptions,
			...hooks,
			catalogue: { ...catalogue, methods },
			store,
			once: { ttl: 0, max: 1 },
			readOnly: true,
			onChange,
			log,
		});
		url = `http://127.0.0.1:${await app.listen(0, '127.0.0.1')}/api/v1`;
	});
	afterEach(async () => {
		expect(writes).to.deep.equal([]);
		await shadow.close();
		await app.close();
		await original.close();
		await data.close();
	});

	/**
	 * Mirrors a call, compares, and returns the facts of the line in the log.
	 * @param originally what the original server does before the comparison
	 */
	async function mirror(as: Person | null, name: string, body: object, originally?: () => Promise<unknown>) {
		const before = countEnded();
		const answer = await post(`${url}/${name}`, as, body, { 'X-Request-Id': 'id-of-nginx' });
		expect([answer.status, answer.text]).to.deep.equal([204, '']);
		await until(() => later.length > 0 || countEnded() > before);
		await originally?.();
		for (const run of later.splice(0)) run();
		await until(() => countEnded() > before);
		// The comparison has scheduled a step in which the shadow forgets the request.
		for (const run of later.splice(0)) run();
		const line = log.lines.findLast(({ facts }) => 'shadow' in facts);
		return line?.facts as Record<string, unknown>;
	}
	const setKeyId = (keyID: string) => () => original.call(owner, 'e2e.setRoomKeyID', rid, keyID);

	it('agrees with a write that the original has made too', async () => {
		const line = await mirror(owner, 'e2e.setRoomKeyID', { rid, keyID: 'one' }, setKeyId('one'));
		expect(line).to.include({ agrees: true, status: 200, verb: 'POST', path: '/api/v1/e2e.setRoomKeyID' });
		expect(line).to.include({ proxyRequestId: 'id-of-nginx' });
		expect(line.requestId).to.be.a('string');
		expect(shadow.counts.get('agrees')).to.equal(1);
	});

	it('agrees with each call of a key exchange, when the original does the same', async () => {
		for (const person of [owner, member]) {
			const e2e = { public_key: `public key of ${person.id}`, private_key: 'sealed' };
			await data.store.users.updateOne({ _id: person.id }, { $set: { e2e } });
		}
		const offer = { usersSuggestedGroupKeys: { [rid]: [{ _id: member.id, key: 'key-1 for member' }] } };
		const calls: [as: Person, name: string, body: object][] = [
			[owner, 'e2e.setRoomKeyID', { rid, keyID: 'key-1' }],
			[owner, 'e2e.updateGroupKey', { rid, uid: owner.id, key: 'key-1 for owner' }],
			[member, 'e2e.requestSubscriptionKeys', {}],
			[owner, 'e2e.provideUsersSuggestedGroupKeys', offer],
			[member, 'e2e.acceptSuggestedGroupKey', { rid }],
			[owner, 'e2e.resetRoomKey', { rid, e2eKey: 'key-2 for owner', e2eKeyId: 'key-2' }],
		];
		for (const [as, name, body] of calls) {
			const line = await mirror(as, name, body, () => original.call(as, name, ...Object.values(body)));
			expect([name, line.status, line.differences ?? [], line.agrees]).to.deep.equal([name, 200, [], true]);
		}
		const membership = await data.store.subscriptions.findOne({ rid, 'u._id': owner.id });
		expect(membership?.E2EKey).to.equal('key-2 for owner');
	});

	it('names the field of a write that the original has not made', async () => {
		const line = await mirror(owner, 'e2e.setRoomKeyID', { rid, keyID: 'one' });
		expect(line).to.include({ agrees: false, status: 200 });
		expect(line.differences).to.deep.equal([{ collection: 'rooms', id: rid, field: 'e2eKeyId', found: 'missing' }]);
	});

	it('notices another value, and logs no value', async () => {
		const line = await mirror(owner, 'e2e.setRoomKeyID', { rid, keyID: 'key-one' }, setKeyId('key-two'));
		expect(line).to.include({ agrees: false });
		expect(line.differences).to.deep.equal([{ collection: 'rooms', id: rid, field: 'e2eKeyId', found: 'other' }]);
		expect(JSON.stringify(log.lines)).not.to.match(/key-one|key-two/);
	});

	it('agrees on a refused request only if the original has changed nothing', async () => {
		await setKeyId('one')();
		const call = ['e2e.setRoomKeyID', { rid, keyID: 'two' }] as const;
		const refused = { status: 400, errorType: 'error-room-e2e-key-already-exists' };
		expect(await mirror(owner, ...call)).to.include({ agrees: true, ...refused });
		const overwrite = () => data.store.rooms.updateOne({ _id: rid }, { $set: { e2eKeyId: 'two' } });
		const line = await mirror(owner, ...call, overwrite);
		expect(line).to.include({ agrees: false, ...refused });
		expect(line.differences).to.deep.equal([{ collection: 'rooms', id: rid, field: 'e2eKeyId', found: 'unexpected' }]);
	});

	it('counts a difference as unclear if concurrent requests change the same document', async () => {
		for (const keyID of ['one', 'two']) await post(`${url}/e2e.setRoomKeyID`, owner, { rid, keyID });
		await until(() => later.length === 2);
		await setKeyId('one')();
		for (const run of later.splice(0)) run();
		await until(() => countEnded() === 2);
		expect([shadow.counts.get('agrees'), shadow.counts.get('unclear')]).to.deep.equal([1, 1]);
	});

	it('agrees if the original writes while the shadow looks up the token', async () => {
		whileTokenIsRead = setKeyId('one');
		const line = await mirror(owner, 'e2e.setRoomKeyID', { rid, keyID: 'one' });
		expect(whileTokenIsRead).to.equal(undefined);
		expect(line).to.include({ agrees: true, status: 200 });
	});

	it('does not compare a request whose body arrives after the write of the original', async () => {
		const headers = { 'x-user-id': owner.id, 'x-auth-token': owner.token, 'content-type': 'application/json' };
		const late = httpRequest(`${url}/e2e.setRoomKeyID`, {
			method: 'POST',
			headers: { ...headers, expect: '100-continue' },
		});
		late.flushHeaders();
		await once(late, 'continue');
		// The headers have arrived, and the body has not.
		await post(`${url}/e2e.setRoomKeyID`, member, { rid, keyID: 'two' });
		await until(() => later.length === 1);
		await setKeyId('one')();
		late.end(JSON.stringify({ rid, keyID: 'one' }));
		const [answer] = await once(late, 'response');
		answer.resume();
		expect(answer.statusCode).to.equal(204);
		await until(() => shadow.counts.get('late') === 1);
		expect(log.lines.at(-1)?.facts).to.include({ outcome: 'late' }).and.not.to.have.property('agrees');
		for (const run of later.splice(0)) run();
		await until(() => countEnded() === 2);
		expect(shadow.counts.get('unclear')).to.equal(1);
	});

	it('answers a read with an empty answer too, and only counts it', async () => {
		for (const method of ['GET', 'HEAD']) {
			const { status, text } = await request(`${url}/rooms.get`, { method, headers: headersOf(owner) });
			expect([status, text]).to.deep.equal([204, '']);
		}
		await until(() => countEnded() === 2);
		expect(shadow.counts.get('read')).to.equal(2);
	});

	it('logs the path of the route, without the value of a parameter', async () => {
		await request(`${url}/test.find/a-secret`, { headers: headersOf(owner) });
		await until(() => countEnded() > 0);
		expect(log.lines.map(({ facts }) => (facts as { path: string }).path)).to.deep.equal(['/api/v1/test.find/:name']);
		expect(JSON.stringify(log.lines)).not.to.include('a-secret');
	});

	it('compares nothing if credentials or arguments are wrong', async () => {
		expect(await mirror(null, 'e2e.setRoomKeyID', { rid, keyID: 'x' })).to.include({
			outcome: 'not-compared',
			status: 401,
		});
		expect(await mirror(owner, 'e2e.setRoomKeyID', { rid })).to.include({ outcome: 'not-compared', status: 400 });
	});

	it('does not compare a document of which only the id was read', async () => {
		expect(await mirror(owner, 'test.roomExists', { rid })).to.include({ outcome: 'not-compared', status: 200 });
	});

	it('skips a body that is too large', async () => {
		expect((await post(`${url}/e2e.setRoomKeyID`, owner, { rid, keyID: 'x'.repeat(70_000) })).status).to.equal(204);
		expect(shadow.counts.get('skipped')).to.equal(1);
	});

	it('writes nothing and announces nothing for any method of the catalogue', async () => {
		const before = await contents(data.store);
		const values: Record<string, unknown> = {
			...{ rid, roomId: rid, userId: member.id, uid: member.id, username: member.username, keyID: 'k', keyId: 'k' },
			...{ key: 'k key', e2eKey: 'k key', e2eKeyId: 'k2', name: 'new-room', members: [], roomName: 'room' },
			...{ data: { name: 'Somebody' }, keys: { public_key: 'p', private_key: 'q' }, usersSuggestedGroupKeys: {} },
			...{ activeStatus: false, encrypted: false, permissions: [], confirmRelinquish: true },
		};
		let events = 0;
		for (const event of ['changed', 'tokens-removed'] as const) app.bus.on(event, () => void events++);
		let sent = 0;
		for (const { rest, args } of catalogue.methods) {
			if (rest?.verb !== 'POST') continue;
			const body = Object.fromEntries(args.map(([arg]) => [arg, values[arg]]));
			const { status } = await post(`${url}/${rest.path}`, owner, body);
			expect(status, rest.path).to.equal(204);
			sent += 1;
			await until(() => later.length + countEnded() >= sent);
		}
		expect(sent).to.be.greaterThan(20);
		expect(later.length).to.be.greaterThan(10);
		expect([events, await contents(data.store)]).to.deep.equal([0, before]);
		expect(log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
		expect([...shadow.counts].filter(([outcome]) => outcome === 'failed')).to.deep.equal([['failed', 0]]);
	});

	it('refuses writes by the application itself', async () => {
		expect((await rejection(shadow.store.roles.deleteMany({}))).message).to.include('error-read-only');
	});

	it('counts requests that no route answers, and does not log their paths', async () => {
		for (const [verb, path, status] of [
			['POST', '/e2e.noSuchMethod/a-secret', 404],
			['GET', '/../../other/a-secret', 404],
			['POST', '/noSuchMethod-a-secret', 404],
			['DELETE', '/e2e.setRoomKeyID', 405],
		] as const)
			expect([path, (await request(url + path, { method: verb })).status]).to.deep.equal([path, status]);
		expect(shadow.counts.get('unknown')).to.equal(4);
		expect(countEnded()).to.equal(4);
		expect(JSON.stringify(log.lines)).not.to.include('a-secret');
	});

	it('marks the audit lines of mirrored requests, whose writes it discards', async () => {
		const ownLog = memoryLog();
		const server = await openServer({ store: { memory: true }, shadow: true, port: 0, keys: true, log: ownLog });
		await post(`${server.url}/api/v1/login`, null, { user: 'nobody', password: 'wrong' });
		const audits = () => ownLog.lines.filter(({ facts }) => 'audit' in facts);
		await until(() => audits().length > 0);
		expect(audits().map(({ text, facts }) => [text, (facts as { shadow?: true }).shadow])).to.deep.equal([
			['Audit of a mirrored request, whose writes were discarded', true],
		]);
		await server.close();
	});

	it('does not start with read-only or sign-ups, and accepts no DDP', async () => {
		for (const [option, text] of [
			[{ readOnly: true }, 'choose one of shadow and read-only'],
			[{ signUps: true }, 'shadow makes no user, but sign-ups lets users register'],
		] as const)
			expect((await rejection(openServer({ store: { memory: true }, shadow: true, ...option }))).message).to.include(
				text,
			);
		const server = await openServer({ store: { memory: true }, shadow: true, port: 0, keys: true, log: memoryLog() });
		expect((await request(`${server.url}/readyz`)).status).to.equal(200);
		expect((await request(`${server.url}/api/v1/me`)).status).to.equal(204);
		const metrics = (await request(`${server.url}/metrics`)).text;
		expect(metrics).to.include('roomkey_shadow_requests_total{outcome="agrees"} 0');
		expect((await fetch(`${server.url}/sockjs/0/a/xhr`, { method: 'POST' })).status).to.equal(503);
		await server.close();
	});
});

describe('the ids in a mirrored request', () => {
	it('are the id of the caller, and the texts and object keys in the body', () => {
		// A text with spaces is no id, and does not count towards the maximum of 100 ids.
		const members = Array.from({ length: 90 }, (_, i) => ({ _id: `user-${i}`, key: 'a key with spaces' }));
		const body = Buffer.from(JSON.stringify({ usersSuggestedGroupKeys: { 'room-1': members } }));
		const ids = idsIn(body, { 'x-user-id': 'caller' });
		expect(ids).to.include.members(['caller', 'room-1', 'user-0', 'user-89']);
		expect(ids).to.not.include('0');
	});
});
