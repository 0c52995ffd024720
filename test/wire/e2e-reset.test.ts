/**
 * Resets of room keys, room state and stream events, over real sockets. Titles cite sections of
 * test/contract/rocketchat-e2e.md. E and T are rows of beyond.md there.
 */
import { expect } from 'chai';
import { dropCachedSetting } from '../../methods/model/settings/workspace.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { Frame, RawClient } from '../support/ddp.js';
import { sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { get, post } from '../support/rest.js';

const IDENTITY = { e2e: { public_key: 'public', private_key: 'private' } };
const OLD = 'old-key';
const NEW = 'new-key';

interface StreamEvent {
	readonly eventName: string;
	readonly args: Record<string, unknown>[];
}

const announceSetting = method({
	name: 'test.announceSetting',
	args: {},
	summary: 'for a test',
	run: (_, { events }) =>
		events.emit('notify', {
			stream: 'notify-all',
			eventName: 'public-settings-changed',
			args: ['updated', { _id: 'E2E_Enable', value: false }],
		}),
});

describe('reset and room state, over the wire', () => {
	let app: TestApp;
	let alice: Person;
	let bob: Person;
	let admin: Person;
	let rid: string;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ methods: [announceSetting] });
		alice = await addPerson(app.store, IDENTITY);
		bob = await addPerson(app.store, IDENTITY);
		admin = await addPerson(app.store, { roles: ['admin'] });
	});
	after(() => app.close());
	beforeEach(async () => {
		rid = await addRoom(app.store, [], { encrypted: true, e2eKeyId: OLD });
		await addMember(app.store, rid, alice, { E2EKey: sealed(OLD), roles: ['owner'] });
		await addMember(app.store, rid, bob, { E2EKey: sealed(OLD) });
	});

	async function connect(as: Person | null): Promise<RawClient> {
		const client = await clients.connect(app.webSocketUrl);
		if (as) await client.call('login', { resume: as.token });
		return client;
	}

	async function subscribe(client: RawClient, name: string, eventName: string): Promise<Frame> {
		client.send({ msg: 'sub', id: eventName, name, params: [eventName, false] });
		return client.next();
	}

	/** The events before the answer to a ping. */
	async function eventsOf(client: RawClient): Promise<StreamEvent[]> {
		client.send({ msg: 'ping', id: 'end' });
		const events: StreamEvent[] = [];
		for (let frame = await client.next(); frame.msg !== 'pong'; frame = await client.next())
			events.push(frame.fields as never);
		return events;
	}

	const reset = (as: Person | null, body: object) => post(`${app.url}/api/v1/e2e.resetRoomKey`, as, body);

	describe('POST e2e.resetRoomKey (6.1)', () => {
		it('answers 200 after a reset', async () => {
			const { status, body } = await reset(alice, { rid, e2eKey: sealed(NEW), e2eKeyId: NEW });
			expect([status, body]).to.deep.equal([200, { success: true }]);
		});

		it('answers 401 without credentials', async () => {
			const { status, body } = await reset(null, { rid, e2eKey: 'k', e2eKeyId: NEW });
			expect([status, body]).to.deep.equal([401, { success: false, error: 'unauthorized' }]);
		});

		it('answers 403 error-not-allowed to a member without the permission', async () => {
			const { status, body } = await reset(bob, { rid, e2eKey: sealed(NEW), e2eKeyId: NEW });
			expect([status, body]).to.deep.equal([403, { success: false, error: 'error-not-allowed' }]);
		});

		it('answers 400 while another reset is in progress, with only the error code', async () => {
			const until = new Date(Date.now() + 60_000);
			await app.store.rooms.updateOne(
				{ _id: rid },
				{ $set: { e2eReset: { id: 'x', userId: bob.id, keyId: 'x', until } } },
			);
			const { status, body } = await reset(alice, { rid, e2eKey: sealed(NEW), e2eKeyId: NEW });
			expect([status, body]).to.deep.equal([400, { success: false, error: 'error-e2e-key-reset-in-progress' }]);
		});

		it('answers 400 error-not-allowed to a user without access to the room, with no errorType', async () => {
			const { status, body } = await reset(admin, { rid, e2eKey: sealed(NEW), e2eKeyId: NEW });
			expect([status, body]).to.deep.equal([400, { success: false, error: 'error-not-allowed' }]);
		});

		it('answers 400 error-e2e-key-reset-failed for a room that is not encrypted', async () => {
			await app.store.rooms.updateOne({ _id: rid }, { $set: { encrypted: false } });
			const { status, body } = await reset(alice, { rid, e2eKey: sealed(NEW), e2eKeyId: NEW });
			expect([status, body]).to.deep.equal([400, { success: false, error: 'error-e2e-key-reset-failed' }]);
		});

		it('answers 400 if an argument is missing', async () => {
			const { status, body } = await reset(alice, { rid, e2eKeyId: NEW });
			expect([status, body]).to.deep.equal([
				400,
				{ success: false, error: 'Match error: Expected string, got undefined' },
			]);
		});
	});

	it('GET e2e.roomState counts the holders of the key, as over DDP (E2, T3)', async () => {
		const url = `${app.url}/api/v1/e2e.roomState?rid=${rid}&count=1&offset=0`;
		const { status, body } = await get(url, bob);
		expect(status).to.equal(200);
		expect(body).to.include({
			success: true,
			rid,
			encrypted: true,
			keyID: OLD,
			hasHolder: true,
			holders: 2,
			count: 1,
			total: 2,
		});
		expect(await (await connect(bob)).call('e2e.roomState', rid)).to.have.nested.property('result.holders', 2);
	});

	it('a reset sends each member the own membership, and then the room (10.4)', async () => {
		const [owner, member] = [await connect(alice), await connect(bob)];
		for (const [client, { id }] of [
			[owner, alice],
			[member, bob],
		] as const) {
			await subscribe(client, 'stream-notify-user', `${id}/subscriptions-changed`);
			await subscribe(client, 'stream-notify-user', `${id}/rooms-changed`);
		}
		owner.send({ msg: 'method', id: '1', method: 'e2e.resetRoomKey', params: [rid, sealed(NEW), NEW] });
		const frames = await owner.take(4);
		expect(frames.map(({ msg }) => msg)).to.include.members(['result', 'updated']);
		const own = frames.filter(({ msg }) => msg === 'changed').map(({ fields }) => fields as { eventName: string });
		expect(own.map(({ eventName }) => eventName)).to.deep.equal([
			`${alice.id}/subscriptions-changed`,
			`${alice.id}/rooms-changed`,
		]);
		const [lost, room] = await eventsOf(member);
		expect(lost).to.deep.include({ eventName: `${bob.id}/subscriptions-changed` });
		expect(lost?.args[1]).to.have.nested.property('oldRoomKeys[0].e2eKeyId', OLD);
		expect(lost?.args[1]).to.not.have.property('E2EKey');
		expect(room?.args[1]).to.include({ e2eKeyId: NEW }).and.not.have.property('e2eReset');
	});

	describe('a new subscriber of stream-notify-user (E7)', () => {
		it('receives an event for each offered key, but earlier subscribers receive none', async () => {
			const carol = await addPerson(app.store);
			const offerRids: string[] = [];
			// More offers than the 100 that the server reads by one query.
			for (let i = 0; i < 130; i++) {
				const offerRid = await addRoom(app.store, []);
				await addMember(app.store, offerRid, carol, { E2ESuggestedKey: `offer-${i}` });
				offerRids.push(offerRid);
			}
			await addRoom(app.store, [carol]);
			const eventName = `${carol.id}/subscriptions-changed`;
			const [first, second] = [await connect(carol), await connect(carol)];
			expect(await subscribe(first, 'stream-notify-user', eventName)).to.include({ msg: 'ready' });
			const events = (await first.take(130)).map(({ msg, id, collection, fields }) => {
				expect({ msg, id, collection }).to.deep.equal({ msg: 'changed', id: 'id', collection: 'stream-notify-user' });
				return fields as { eventName: string; args: [string, { rid: string; E2ESuggestedKey: string }] };
			});
			expect(new Set(events.map((event) => event.eventName))).to.deep.equal(new Set([eventName]));
			expect(new Set(events.map(({ args }) => args[0]))).to.deep.equal(new Set(['updated']));
			expect(events.map(({ args }) => args[1].rid)).to.have.members(offerRids);
			expect(events.every(({ args }) => args[1].E2ESuggestedKey.startsWith('offer-'))).to.equal(true);
			await subscribe(second, 'stream-notify-user', eventName);
			await second.take(130);
			expect(await eventsOf(first)).to.deep.equal([]);
		});

		it('receives no event for another event name, or without an offer', async () => {
			const carol = await addPerson(app.store);
			await addMember(app.store, rid, carol, { E2ESuggestedKey: 'offer' });
			const client = await connect(carol);
			await subscribe(client, 'stream-notify-user', `${carol.id}/rooms-changed`);
			expect(await eventsOf(client)).to.deep.equal([]);
			const other = await connect(bob);
			await subscribe(other, 'stream-notify-user', `${bob.id}/subscriptions-changed`);
			expect(await eventsOf(other)).to.deep.equal([]);
		});
	});

	it('with E2E_Enable off, events contain nothing about encryption; the stored data stays (E13)', async () => {
		const client = await connect(bob);
		await subscribe(client, 'stream-room-data', rid);
		await subscribe(client, 'stream-notify-user', `${bob.id}/rooms-changed`);
		await app.store.settings.insertOne({ _id: 'E2E_Enable', value: false });
		dropCachedSetting(app.store, 'E2E_Enable');
		// The `updated` of the call comes after all events.
		await (await connect(alice)).call('e2e.resetRoomKey', rid, sealed(NEW), NEW);
		const events = await eventsOf(client);
		expect(events).to.have.length(2);
		for (const { args } of events) {
			expect(args.at(-1)).to.include({ _id: rid });
			expect(args.at(-1)).to.not.have.any.keys('encrypted', 'e2eKeyId', 'usersWaitingForE2EKeys', 'e2eReset');
		}
		expect(await app.store.rooms.findOne({ _id: rid })).to.include({ encrypted: true, e2eKeyId: NEW });
		await app.store.settings.deleteOne({ _id: 'E2E_Enable' });
		dropCachedSetting(app.store, 'E2E_Enable');
	});

	it('a client that is not logged in may read stream-notify-all (10.2)', async () => {
		const client = await connect(null);
		expect(await subscribe(client, 'stream-notify-all', 'public-settings-changed')).to.include({ msg: 'ready' });
		await (await connect(alice)).call('test.announceSetting');
		expect((await client.next()).fields).to.deep.equal({
			eventName: 'public-settings-changed',
			args: ['updated', { _id: 'E2E_Enable', value: false }],
		});
	});
});
