/** Several servers on one bus. Their clients receive what the other servers write. */
import { expect } from 'chai';
import { method } from '../../shared/method.js';
import { liveQuery, publication } from '../../shared/publication.js';
import { stream } from '../../shared/stream.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { type Frame, RawClient } from '../support/ddp.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { openSameData, type TestLink, TestNetwork } from '../support/processes.js';

const anyone = { summary: 'for a test', anonymous: true } as const;

const topics = publication({
	...anyone,
	name: 'topics',
	args: {},
	run: () => liveQuery('rooms', { topic: { $exists: true } }, { topic: 1 }),
});
const open = stream({ name: 'open', summary: 'for a test', mayRead: () => true });
const notifyOpen = method({
	...anyone,
	name: 'notifyOpen',
	args: { text: String },
	run: ({ text }, { events }) => events.emit('notify', { stream: 'open', eventName: 'e', args: [text, new Date(0)] }),
});

const HOUR = 3_600_000;

describe('several servers', () => {
	let apps: TestApp[];
	let links: TestLink[];
	let network: TestNetwork;
	let alice: Person;
	let bob: Person;
	let rid: string;
	const clients = clientsOfEachTest();

	async function start(count = 2, linkOptions = {}): Promise<void> {
		network = new TestNetwork();
		const stores = await openSameData(count);
		links = stores.map(() => network.link(linkOptions));
		apps = await Promise.all(
			stores.map(({ store, onChange }, i) =>
				startApp({
					store,
					onChange,
					link: links[i],
					publications: [topics],
					streams: [open],
					methods: [notifyOpen],
					// Only the bus ends sessions here, not the check of tokens.
					tokenCheckInterval: HOUR,
				}),
			),
		);
		const { store } = app(0);
		alice = await addPerson(store);
		bob = await addPerson(store);
		rid = await addRoom(store, [alice, bob], { encrypted: true });
	}

	beforeEach(() => start());
	afterEach(() => Promise.all(apps.map((app) => app.close())));

	const app = (index: number) => apps[index] as TestApp;
	const link = (index: number) => links[index] as TestLink;

	async function connect(index: number, as?: Person): Promise<RawClient> {
		const client = await clients.connect(app(index).webSocketUrl);
		if (as) await client.call('login', { resume: as.token });
		return client;
	}

	const eventArgs = ({ fields }: Frame) => (fields as { args: unknown[] }).args;
	const isEvent = ({ msg }: Frame) => msg === 'changed';

	async function busState(index: number) {
		const response = await fetch(`${app(index).url}/readyz`);
		const { checks } = (await response.json()) as { checks: { bus: { status: string; details?: object } } };
		return { code: response.status, ...checks.bus };
	}

	const metricsOf = async (index: number) => (await fetch(`${app(index).url}/metrics`)).text();

	it('send live queries what another server has inserted, changed and removed', async () => {
		const client = await connect(1);
		await client.subscribe('topics');
		const { store } = app(0);
		await store.rooms.updateOne({ _id: rid }, { $set: { topic: 'one' } });
		expect(await client.next()).to.deep.include({ msg: 'added', id: rid, fields: { topic: 'one' } });
		await store.rooms.updateOne({ _id: rid }, { $set: { topic: 'two' } });
		expect(await client.next()).to.deep.include({ msg: 'changed', id: rid, fields: { topic: 'two' } });
		await store.rooms.deleteOne({ _id: rid });
		expect(await client.next()).to.deep.include({ msg: 'removed', id: rid });
	});

	it('send streams the events of another server, dates included', async () => {
		const client = await connect(1);
		await client.subscribe('stream-open', 'e', false);
		await (await connect(0)).call('notifyOpen', 'hello');
		expect(eventArgs(await client.next())).to.deep.equal(['hello', new Date(0)]);
	});

	it('send members the change of a room by a call at another server', async () => {
		const client = await connect(1, bob);
		await client.subscribe('stream-notify-user', `${bob.id}/rooms-changed`, false);
		await (await connect(0, alice)).call('e2e.setRoomKeyID', rid, 'the-key-id');
		const [action, room] = eventArgs(await client.next());
		expect([action, (room as { e2eKeyId: string }).e2eKeyId]).to.deep.equal(['updated', 'the-key-id']);
	});

	it('notify a user of a membership that another server has removed', async () => {
		const client = await connect(1, bob);
		await client.subscribe('stream-notify-user', `${bob.id}/subscriptions-changed`, false);
		await app(0).store.subscriptions.deleteOne({ rid, 'u._id': bob.id });
		const [action, membership] = eventArgs(await client.next());
		expect(action).to.equal('removed');
		expect(membership).to.deep.include({ rid, u: { _id: bob.id, username: bob.username } });
	});

	it('end the sessions of a token that is revoked at another server', async () => {
		const client = await connect(1, alice);
		await (await connect(0, alice)).call('logout');
		await client.closed;
	});

	it('apply a permission immediately after another server has changed it', async () => {
		const client = await connect(1, alice);
		const watcher = await connect(1, bob);
		await watcher.subscribe('stream-notify-logged', 'permissions-changed', false);
		// This call puts the permission into the cache.
		expect(await client.call('groups.create', 'one')).to.have.property('result');
		await app(0).store.permissions.insertOne({ _id: 'create-p', roles: [] });
		const [, permission] = eventArgs(await watcher.next());
		expect(permission).to.deep.equal({ _id: 'create-p', roles: [] });
		expect((await client.call('groups.create', 'two')).error).to.include({ error: 'error-not-allowed' });
	});

	it('report whether they are connected to the bus, and stay ready without it', async () => {
		await Promise.all(apps.map((each) => each.caughtUp()));
		expect(await busState(0)).to.deep.include({ code: 200, status: 'ok' });
		link(0).cut();
		// A health report is reused for a second.
		while ((await busState(0)).status === 'ok');
		expect(await busState(0)).to.deep.include({ code: 200, status: 'degraded' });
		expect(await metricsOf(0))
			.to.include('roomkey_ready 1')
			.and.include('roomkey_bus_connected 0');
		expect(await metricsOf(1)).to.include('roomkey_bus_connected 1');
	});

	describe('after an outage of the bus', () => {
		async function whileCut(run: () => Promise<unknown>): Promise<void> {
			for (const each of links) each.cut();
			await run();
			for (const each of links) each.restore();
		}

		it('end the sessions of a token that was revoked meanwhile', async () => {
			const client = await connect(1, alice);
			const other = await connect(0, alice);
			await whileCut(() => other.call('logout'));
			await client.closed;
		});

		it('send live queries the difference', async () => {
			const client = await connect(1);
			await client.subscribe('topics');
			await whileCut(() => app(0).store.rooms.updateOne({ _id: rid }, { $set: { topic: 'one' } }));
			expect(await client.next()).to.deep.include({ msg: 'added', id: rid, fields: { topic: 'one' } });
		});

		it('send subscribers of a stream the events that were emitted meanwhile', async () => {
			const client = await connect(1);
			await client.subscribe('stream-open', 'e', false);
			const other = await connect(0);
			await whileCut(async () => {
				await other.call('notifyOpen', 'one');
				await other.call('notifyOpen', 'two');
			});
			const received = [eventArgs(await client.next())[0], eventArgs(await client.next())[0]];
			expect(received).to.deep.equal(['one', 'two']);
		});

		it('send members the key id and the offer that were stored meanwhile', async () => {
			const client = await connect(1, bob);
			await client.subscribe('stream-notify-user', `${bob.id}/rooms-changed`, false);
			await client.subscribe('stream-notify-user', `${bob.id}/subscriptions-changed`, false);
			await whileCut(async () => {
				await (await connect(0, alice)).call('e2e.setRoomKeyID', rid, 'the-key-id');
				await app(0).store.subscriptions.updateOne(
					{ rid, 'u._id': bob.id },
					{ $set: { E2ESuggestedKey: 'the-key-id-sealed' } },
				);
			});
			const shown = new Set<unknown>();
			while (shown.size < 2) {
				const [, document] = eventArgs(await client.nextThat(isEvent)) as [unknown, Record<string, unknown>];
				shown.add(document.e2eKeyId ?? document.E2ESuggestedKey);
			}
			expect([...shown]).to.have.members(['the-key-id', 'the-key-id-sealed']);
		});

		it('send the last writes of a server that stays disconnected', async () => {
			const client = await connect(1, bob);
			await client.subscribe('stream-notify-user', `${bob.id}/rooms-changed`, false);
			for (const each of links) each.cut();
			await app(0).store.rooms.updateOne({ _id: rid }, { $set: { topic: 'last words' } });
			link(1).restore();
			const [, room] = eventArgs(await client.nextThat(isEvent));
			expect(room).to.include({ topic: 'last words' });
		});

		it('end the subscription of a reader who may not read any more', async () => {
			const client = await connect(1, bob);
			await client.subscribe('stream-room-messages', rid, false);
			await whileCut(() => app(0).store.subscriptions.deleteOne({ rid, 'u._id': bob.id }));
			await client.nextThat(({ msg }) => msg === 'nosub');
		});
	});

	it('drop and count invalid messages', async () => {
		const client = await connect(1);
		await client.subscribe('stream-open', 'e', false);
		const from = 'someone';
		const nonsense = [
			'',
			'{',
			'null',
			'[]',
			'{"v":2,"from":"x","n":1}',
			JSON.stringify({ v: 1, from, n: -1 }),
			JSON.stringify({ v: 1, from, n: 1e300, events: [] }),
			JSON.stringify({ v: 1, from, n: 1, events: 'all' }),
			JSON.stringify({ v: 1, from: '', n: 1 }),
			JSON.stringify({ v: 1, from, n: 0, ask: { of: 'x', missing: [0.5] } }),
			JSON.stringify({ v: 1, from, n: 1, events: [{ type: 'changed' }, { type: 'notify', stream: 'open' }, 7, null] }),
			JSON.stringify({
				v: 1,
				from,
				n: 2,
				events: [{ type: 'changed', collection: '__proto__', id: 'x', action: 'updated' }],
			}),
			Buffer.from([0xff, 0xfe, 0x00]),
			'9'.repeat(9 * 1024 * 1024),
		];
		// Two of the 14 are readable. One has four invalid events, the other a valid event of an unknown collection.
		for (const data of nonsense) link(0).inject(data);
		await (await connect(0)).call('notifyOpen', 'after');
		expect(eventArgs(await client.next())[0]).to.equal('after');
		expect(await metricsOf(1))
			.to.include('roomkey_bus_dropped_total{reason="unreadable"} 12')
			.and.include('roomkey_bus_dropped_total{reason="invalid"} 4');
	});
});

describe('a service with small messages', () => {
	it('splits events that do not fit into one message', async () => {
		const network = new TestNetwork();
		const stores = await openSameData(2);
		const apps = await Promise.all(
			stores.map(({ store, onChange }) =>
				startApp({ store, onChange, link: network.link({ maxBytes: 1024 }), publications: [topics] }),
			),
		);
		const [first, second] = apps as [TestApp, TestApp];
		const client = await RawClient.connect(second.webSocketUrl);
		client.send({ msg: 'sub', id: 't', name: 'topics', params: [] });
		expect(await client.next()).to.include({ msg: 'ready' });
		const rids = Array.from({ length: 100 }, (_, i) => `room-${i}`);
		await Promise.all(rids.map((_id) => first.store.rooms.insertOne({ _id, t: 'p', topic: 'x' })));
		const added = await client.take(100);
		expect(added.map(({ id }) => id)).to.have.members(rids);
		client.socket.close();
		await Promise.all(apps.map((each) => each.close()));
	});
});
