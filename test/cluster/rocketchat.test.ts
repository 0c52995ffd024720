/** Roomkey as a node of Rocket.Chat's broker, with a stock node of Moleculer over a real NATS. */
import { expect } from 'chai';
import { connect } from 'nats';
import { hashToken } from '../../methods/model/users/tokens.js';
import type { ServerOptions } from '../../server/options/serverOptions.js';
import { type OpenServer, openServer } from '../../server/start/openServer.js';
import { randomId } from '../../shared/ids.js';
import { method } from '../../shared/method.js';
import { RawClient } from '../support/ddp.js';
import { Gates } from '../support/gates.js';
import { memoryLog } from '../support/log.js';
import { type NatsServer, startNats } from '../support/nats.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { request } from '../support/rest.js';
import { RocketChatNode } from '../support/rocketChatNode.js';

/** For writes that Roomkey does not announce, like those of another program. */
const SILENT = { silent: true } as const;

describe("Roomkey at Rocket.Chat's broker", () => {
	let nats: NatsServer;
	let server: OpenServer;
	let node: RocketChatNode;
	let alice: Person;
	let client: RawClient | undefined;

	before(async () => {
		nats = await startNats();
	});
	after(() => nats.stop());

	beforeEach(async () => {
		client = undefined;
		server = await start();
		node = await new RocketChatNode(nats.url).start();
		await known();
		alice = await addPerson(server.store);
	});

	afterEach(async () => {
		client?.socket.terminate();
		await server.close();
		await node.stop();
	});

	const start = ({ rocketchatNamespace, ...others }: ServerOptions = {}) =>
		openServer({
			store: { memory: true },
			keys: true,
			port: 0,
			grace: 0,
			rocketchatBroker: nats.url,
			...(rocketchatNamespace && { rocketchatNamespace }),
			...others,
			log: memoryLog(),
		});

	async function health({ url } = server) {
		const { body } = await request(`${url}/readyz`);
		return (body.checks as Record<string, { status: string; details: { nodes: number; malformed: number } }>)
			.rocketchat;
	}

	/** Resolves when the node and the server know each other. */
	async function known(): Promise<void> {
		await node.knows('roomkey');
		while ((await health())?.details.nodes !== 1) await new Promise(setImmediate);
	}

	/** Subscribes alice. The first call logs her in. */
	async function subscribe(stream: string, eventName: string): Promise<void> {
		if (!client) {
			client = await RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
			const { error } = await client.call('login', { resume: alice.token });
			if (error) throw new Error(error.reason);
		}
		await client.subscribe(stream, eventName, false);
	}

	/** The arguments of the next event that alice receives. */
	async function nextEvent(): Promise<unknown[]> {
		for (;;) {
			const { msg, fields } = (await (client as RawClient).next()) as { msg?: string; fields?: { args?: unknown[] } };
			if (msg === 'changed' && fields?.args) return fields.args;
		}
	}

	async function firstOf(event: string): Promise<object> {
		const [first] = (await node.next(event)) as [object];
		return first;
	}

	it('announces rooms, memberships, users, settings and permissions', async () => {
		const { store } = server;
		const rid = randomId();
		await store.rooms.insertOne({ _id: rid, t: 'p', name: 'den' });
		expect(await firstOf('watch.rooms')).to.deep.nested.include({
			clientAction: 'inserted',
			'room._id': rid,
			'room.name': 'den',
		});
		const u = { _id: alice.id, username: alice.username };
		await store.subscriptions.insertOne({ _id: 's', rid, u });
		await store.subscriptions.updateOne({ _id: 's' }, { $set: { E2EKey: 'sealed', e2eKnownKeys: [] } });
		await store.subscriptions.deleteOne({ _id: 's' });
		const actions: unknown[] = [];
		for (let i = 0; i < 3; i++) {
			const [{ clientAction, subscription }] = (await node.next('watch.subscriptions')) as [
				{ clientAction: string; subscription: Record<string, unknown> },
			];
			expect(subscription).to.include({ _id: 's', rid }).and.not.have.property('e2eKnownKeys');
			actions.push([clientAction, subscription.E2EKey]);
		}
		expect(actions).to.deep.equal([
			['inserted', undefined],
			['updated', 'sealed'],
			['removed', undefined],
		]);
		await store.users.updateOne({ _id: alice.id }, { $set: { name: 'Alice' } });
		expect(await firstOf('watch.users')).to.deep.nested.include({
			id: alice.id,
			clientAction: 'updated',
			'diff.name': 'Alice',
		});
		await store.settings.insertOne({ _id: 'E2E_Enable', value: true });
		expect(await firstOf('watch.settings')).to.deep.nested.include({
			clientAction: 'inserted',
			'setting._id': 'E2E_Enable',
			'setting.value': true,
		});
		await store.permissions.insertOne({ _id: 'view-c-room', roles: ['user'] });
		expect(await firstOf('permission.changed')).to.deep.nested.include({
			'data._id': 'view-c-room',
			'data.roles': ['user'],
		});
		await store.rooms.deleteOne({ _id: rid });
		expect(await node.next('watch.rooms')).to.deep.equal([
			{ clientAction: 'removed', room: { _id: rid, t: 'p', name: 'den' } },
		]);
	});

	it('announces the end of all logins of a user, but not the end of one of several', async () => {
		const { store, app } = server;
		app.bus.publish('tokens-removed', { userId: alice.id, hashedTokens: ['another'] });
		await store.settings.insertOne({ _id: 'E2E_Enable', value: true });
		await node.next('watch.settings');
		expect(node.received).to.deep.equal([]);
		await store.users.updateOne({ _id: alice.id }, { $set: { 'services.resume.loginTokens': [] } }, SILENT);
		app.bus.publish('tokens-removed', { userId: alice.id, hashedTokens: [hashToken(alice.token)] });
		expect(await node.next('user.forceLogout')).to.deep.equal([alice.id]);
	});

	it("announces the events of Rocket.Chat's streams, but not those of other streams", async () => {
		const { bus } = server.app;
		bus.publish('notify', { stream: 'notify-room', eventName: 'r/e2e.keyRequest', args: ['k'] });
		expect(await node.next('notify.e2e.keyRequest')).to.deep.equal(['r', 'k']);
		bus.publish('notify', { stream: 'own-stream', eventName: 'x', args: ['private'] });
		bus.publish('notify', { stream: 'notify-user', eventName: 'u/e2ekeyRequest', args: ['r', 'k'] });
		expect(await node.next('stream')).to.deep.equal([['notify-user', 'u/e2ekeyRequest', ['r', 'k']]]);
	});

	it('announces what calls write while the server closes', async () => {
		const gates = new Gates();
		const write = method({
			name: 'write',
			args: {},
			summary: 'for a test',
			anonymous: true,
			async run(_, { store }) {
				await gates.wait('write');
				await store.permissions.insertOne({ _id: 'written-at-the-end', roles: [] });
			},
		});
		const last = await start({ grace: 10_000, methods: [write] });
		while ((await health(last))?.details.nodes !== 2) await new Promise(setImmediate);
		const caller = await RawClient.connect(`${last.url.replace('http', 'ws')}/websocket`);
		const called = caller.call('write');
		while (!gates.has('write')) await new Promise(setImmediate);
		const closed = last.close();
		gates.open('write');
		await called;
		await closed;
		expect(await firstOf('permission.changed')).to.deep.nested.include({ 'data._id': 'written-at-the-end' });
	});

	it('announces no secrets', async () => {
		const { store } = server;
		const secret = randomId();
		await store.settings.insertOne({ _id: 'SMTP_Password', value: secret });
		await store.users.updateOne(
			{ _id: alice.id },
			{ $set: { 'services.password.bcrypt': secret, 'e2e.private_key': secret, settings: { x: secret } } },
		);
		await store.rooms.insertOne({ _id: 'r', t: 'c', joinCode: secret } as never);
		const user = await node.next('watch.users');
		const received = JSON.stringify([user, await node.next('watch.rooms'), node.received]);
		expect(received).to.not.include(secret).and.not.include(hashToken(alice.token));
	});

	for (const clientAction of ['inserted', 'updated', 'changed']) {
		it(`passes on a membership that was ${clientAction} elsewhere`, async () => {
			const rid = await addRoom(server.store, [alice]);
			await subscribe('stream-notify-user', `${alice.id}/subscriptions-changed`);
			await server.store.subscriptions.updateOne({ rid }, { $set: { E2EKey: 'sealed' } }, SILENT);
			const membership = await server.store.subscriptions.findOne({ rid });
			const subscription = { _id: membership?._id, E2EKey: 'forged' };
			await node.broadcast('watch.subscriptions', { clientAction, subscription });
			expect((await nextEvent())[1]).to.include({ rid, E2EKey: 'sealed' });
		});
	}

	it('passes on a membership that was removed elsewhere', async () => {
		const rid = await addRoom(server.store, [alice]);
		await subscribe('stream-notify-user', `${alice.id}/subscriptions-changed`);
		const { _id, u } = (await server.store.subscriptions.findOne({ rid })) ?? {};
		await server.store.subscriptions.deleteOne({ rid }, SILENT);
		await node.broadcast('watch.subscriptions', { clientAction: 'removed', subscription: { _id, u, rid, t: 'p' } });
		expect(await nextEvent()).to.deep.equal(['removed', { _id, rid, u, t: 'p' }]);
	});

	it('passes on rooms, settings and users that were written elsewhere', async () => {
		const { store } = server;
		const rid = await addRoom(store, [alice]);
		await subscribe('stream-notify-user', `${alice.id}/rooms-changed`);
		await subscribe('stream-notify-all', 'public-settings-changed');
		await subscribe('stream-notify-user', `${alice.id}/userData`);
		await store.rooms.updateOne({ _id: rid }, { $set: { topic: 'new' } }, SILENT);
		await node.broadcast('watch.rooms', { clientAction: 'updated', room: { _id: rid } });
		expect((await nextEvent())[1]).to.include({ _id: rid, topic: 'new' });
		await store.settings.insertOne({ _id: 'E2E_Enable', value: true }, SILENT);
		await node.broadcast('watch.settings', { clientAction: 'changed', setting: { _id: 'E2E_Enable', value: false } });
		expect((await nextEvent())[1]).to.deep.equal({ _id: 'E2E_Enable', value: true });
		await store.users.updateOne({ _id: alice.id }, { $set: { name: 'Alice' } }, SILENT);
		await node.broadcast('watch.users', { id: alice.id, clientAction: 'updated', diff: { name: 'x' }, unset: {} });
		expect((await nextEvent())[0]).to.have.nested.property('diff.name', 'Alice');
	});

	it('passes on key requests from the events notify.e2e.keyRequest, stream and broadcast', async () => {
		const rid = await addRoom(server.store, [alice]);
		const eventName = `${rid}/e2e.keyRequest`;
		await subscribe('stream-notify-room', eventName);
		await node.broadcast('notify.e2e.keyRequest', rid, 'one');
		expect(await nextEvent()).to.deep.equal(['one']);
		await node.broadcast('stream', ['notify-room', eventName, ['two']]);
		expect(await nextEvent()).to.deep.equal(['two']);
		await node.send('broadcast', { streamName: 'notify-room', eventName, args: ['three'] });
		expect(await nextEvent()).to.deep.equal(['three']);
	});

	it('sends the stored document instead of the one in a stream event', async () => {
		const rid = await addRoom(server.store, [alice]);
		await subscribe('stream-notify-user', `${alice.id}/rooms-changed`);
		await server.store.rooms.updateOne({ _id: rid }, { $set: { topic: 'new' } }, SILENT);
		const args = ['updated', { _id: rid, topic: 'forged' }];
		await node.send('broadcast', { streamName: 'notify-user', eventName: `${alice.id}/rooms-changed`, args });
		expect((await nextEvent())[1]).to.include({ _id: rid, topic: 'new' });
	});

	it('ends the sessions of a user whose logins have ended elsewhere', async () => {
		await subscribe('stream-notify-user', `${alice.id}/force_logout`);
		await server.store.users.updateOne({ _id: alice.id }, { $set: { 'services.resume.loginTokens': [] } }, SILENT);
		await node.broadcast('user.forceLogout', alice.id);
		expect(await nextEvent()).to.deep.equal([]);
		await client?.closed;
	});

	it('does not announce what it has received', async () => {
		const rid = await addRoom(server.store, [alice]);
		await subscribe('stream-notify-user', `${alice.id}/rooms-changed`);
		await subscribe('stream-notify-room', `${rid}/e2e.keyRequest`);
		await server.store.rooms.updateOne({ _id: rid }, { $set: { topic: 'new' } }, SILENT);
		await node.broadcast('watch.rooms', { clientAction: 'updated', room: { _id: rid } });
		await nextEvent();
		await node.broadcast('notify.e2e.keyRequest', rid, 'k');
		await nextEvent();
		await server.store.settings.insertOne({ _id: 'E2E_Enable', value: true });
		await node.next('watch.settings');
		// `dropped` has the events that arrived before the one of the setting.
		expect(node.dropped).to.deep.equal([]);
	});

	it('neither knows nor notifies nodes of another namespace', async () => {
		const other = await start({ rocketchatNamespace: 'other' });
		try {
			await other.store.settings.insertOne({ _id: 'E2E_Enable', value: true });
			await server.store.permissions.insertOne({ _id: 'view-c-room', roles: [] });
			await node.next('permission.changed');
			expect(node.dropped).to.deep.equal([]);
			const { body } = await request(`${other.url}/readyz`);
			expect(body).to.have.nested.property('checks.rocketchat.details.nodes', 0);
		} finally {
			await other.close();
		}
	});

	it('survives malformed events and packets', async () => {
		const events = ['watch.rooms', 'watch.subscriptions', 'watch.users', 'watch.settings', 'watch.roles'];
		events.push('permission.changed', 'user.forceLogout', 'notify.e2e.keyRequest', 'stream', 'broadcast');
		for (const event of events) {
			for (const data of [undefined, null, 7, 'text', {}, [], [[]], [null], [{}], [{ clientAction: 'updated' }]])
				await node.send(event, data);
			await node.broadcast(event, { clientAction: { $ne: 1 }, room: { _id: {} }, id: {}, data: { _id: '__proto__' } });
			await node.broadcast(event, ['notify-user', {}, {}], {});
		}
		const raw = await connect({ servers: nats.url });
		const packets = ['', 'text', '{', '[]', 'null', '7', '{"ver":"4"}', '{"ver":"4","sender":7,"services":7}'];
		const topics = ['INFO', 'DISCOVER', 'HEARTBEAT', 'DISCONNECT', 'PING', 'EVENTB.roomkey.watch.rooms'];
		for (const topic of topics)
			for (const packet of [...packets, '['.repeat(100_000)]) raw.publish(`MOL.${topic}`, packet);
		await raw.drain();
		const rid = await addRoom(server.store, [alice]);
		await subscribe('stream-notify-room', `${rid}/e2e.keyRequest`);
		await node.broadcast('notify.e2e.keyRequest', rid, 'k');
		expect(await nextEvent()).to.deep.equal(['k']);
		expect((await health())?.status).to.equal('ok');
		expect((await health())?.details.malformed).to.be.greaterThan(0);
	});

	it('exchanges events with a node that replaces a dead one', async () => {
		await node.die();
		await server.store.settings.insertOne({ _id: 'E2E_Enable', value: true });
		const rid = await addRoom(server.store, [alice]);
		await subscribe('stream-notify-room', `${rid}/e2e.keyRequest`);
		const next = await new RocketChatNode(nats.url).start();
		try {
			await next.knows('roomkey');
			await next.broadcast('notify.e2e.keyRequest', rid, 'k');
			expect(await nextEvent()).to.deep.equal(['k']);
			await server.store.permissions.insertOne({ _id: 'view-c-room', roles: [] });
			await next.next('permission.changed');
		} finally {
			await next.stop();
		}
	});

	it('works while there is no broker, and joins it again', async () => {
		const rid = await addRoom(server.store, [alice]);
		await subscribe('stream-notify-user', `${alice.id}/rooms-changed`);
		await nats.stop();
		while ((await health())?.status !== 'degraded') await new Promise(setImmediate);
		await server.store.rooms.updateOne({ _id: rid }, { $set: { topic: 'meanwhile' } });
		expect((await nextEvent())[1]).to.include({ topic: 'meanwhile' });
		expect((await request(`${server.url}/readyz`)).status).to.equal(200);
		await nats.start();
		while ((await health())?.status !== 'ok') await new Promise(setImmediate);
		await node.reconnected();
		await server.store.rooms.updateOne({ _id: rid }, { $set: { topic: 'again' } });
		await node.next('watch.rooms');
	});

	it('starts while there is no broker', async () => {
		await nats.stop();
		const other = await start();
		try {
			expect((await request(`${other.url}/readyz`)).status).to.equal(200);
		} finally {
			await other.close();
			await nats.start();
		}
	});
});
