/**
 * Rooms and members over REST, with the answers that Rocket.Chat's own API tests expect, and the events of streams.
 * In titles, numbers are sections of test/contract/rocketchat-e2e.md. `E` and `T` are rules of test/contract/beyond.md.
 */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { Frame, RawClient } from '../support/ddp.js';
import { addPerson, type Person } from '../support/people.js';
import { get, headersOf, post, type RestAnswer, request } from '../support/rest.js';
import { during } from '../support/settings.js';

type Json = Record<string, unknown>;

let last = 0;
const newName = () => `e2e-room-${++last}`;

describe('rooms over REST', () => {
	let app: TestApp;
	let alice: Person;
	let bob: Person;
	let admin: Person;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp();
		const e2e = { public_key: 'public', private_key: 'private' };
		alice = await addPerson(app.store, { username: 'alice', e2e });
		bob = await addPerson(app.store, { username: 'bob', e2e });
		admin = await addPerson(app.store, { username: 'admin', roles: ['admin', 'user'] });
	});
	after(() => app.close());

	const url = (path: string) => `${app.url}/api/v1/${path}`;
	const send = (as: Person | null, path: string, body: unknown) => post(url(path), as, body);

	/** Expects success. @returns the body */
	function ok({ status, body, headers }: RestAnswer): Json {
		expect(body).to.deep.include({ success: true });
		expect(status).to.equal(200);
		expect(headers.get('content-type')).to.equal('application/json');
		return body;
	}

	function expectRefused({ status, body }: RestAnswer, errorType: string): void {
		expect(body).to.deep.include({ success: false, errorType });
		expect(status).to.equal(400);
	}

	async function create(as: Person, more: Json = {}, plural: 'groups' | 'channels' = 'groups'): Promise<Json> {
		const body = ok(await send(as, `${plural}.create`, { name: newName(), ...more }));
		return body[plural === 'groups' ? 'group' : 'channel'] as Json;
	}

	it('groups.create: returns the whole group, encrypted as extraData says', async () => {
		const name = newName();
		const group = await create(alice, { name, members: ['bob'], extraData: { encrypted: true } });
		expect(group).to.deep.include({ name, fname: name, t: 'p', msgs: 0, usersCount: 2, encrypted: true, ro: false });
		expect(group).to.include.keys('_id', 'u', 'ts', 'sysMes', 'default', '_updatedAt');
		expect(group.ts).to.match(/^\d{4}-.*Z$/);
		expectRefused(await send(bob, 'groups.create', { name }), 'error-duplicate-channel-name');
		expect((await send(alice, 'groups.create', {})).body).to.deep.equal({
			success: false,
			error: 'Match error: Expected string, got undefined',
		});
		expect((await send(null, 'groups.create', { name })).status).to.equal(401);
	});

	it('channels.create, channels.join, channels.leave, channels.kick return the channel', async () => {
		const { _id: roomId, name } = await create(alice, {}, 'channels');
		for (const [as, path, body] of [
			[bob, 'channels.join', { roomId }],
			[bob, 'channels.leave', { roomName: name }],
			[alice, 'channels.invite', { roomId, username: 'bob' }],
			[alice, 'channels.kick', { roomId, username: 'bob' }],
		] as const) {
			const { channel } = ok(await send(as, path, body)) as { channel: Json };
			expect(channel, path).to.include({ _id: roomId, name, t: 'c', msgs: 0 });
			expect(channel.usersCount, path).to.equal(/join|invite/.test(path) ? 2 : 1);
		}
	});

	it('groups.invite returns the group; groups.kick and groups.leave return only success', async () => {
		const { _id: roomId, name } = await create(alice);
		for (const who of [{ userId: bob.id }, { username: 'bob' }, { user: 'bob' }]) {
			const { group } = ok(await send(alice, 'groups.invite', { roomId, ...who })) as { group: Json };
			expect(group).to.include({ _id: roomId, name, t: 'p', msgs: 0, usersCount: 2 });
			expect(ok(await send(alice, 'groups.kick', { roomId, ...who }))).to.deep.equal({ success: true });
		}
		ok(await send(alice, 'groups.invite', { roomId, usernames: ['bob', 'admin'] }));
		expect(ok(await send(bob, 'groups.leave', { roomId }))).to.deep.equal({ success: true });
		expectRefused(await send(alice, 'groups.leave', { roomId }), 'error-you-are-last-owner');
		expectRefused(await send(alice, 'groups.invite', { roomId, userId: 'nobody' }), 'error-invalid-user');
		expectRefused(await send(bob, 'groups.kick', { roomId, userId: alice.id }), 'error-room-not-found');
	});

	it('groups.leave: says that the caller was the last holder of the key (E11)', async () => {
		const { _id: roomId } = await create(alice, { members: ['bob'], extraData: { encrypted: true } });
		await app.store.subscriptions.updateOne(
			{ rid: roomId as string, 'u._id': bob.id },
			{ $set: { E2EKey: `k-${roomId}` } },
		);
		expect(ok(await send(bob, 'groups.leave', { roomId }))).to.deep.equal({ success: true, lastKeyHolder: true });
	});

	it('groups.delete: an admin who is no member deletes a group', async () => {
		const { _id: roomId } = await create(alice);
		expect(ok(await send(admin, 'groups.delete', { roomId }))).to.deep.equal({ success: true });
		expectRefused(await get(url('groups.info'), alice, { roomId: roomId as string }), 'error-room-not-found');
		expectRefused(await get(url('rooms.info'), alice, { roomId: roomId as string }), 'error-room-not-found');
		expectRefused(await send(alice, 'groups.delete', { roomId }), 'error-room-not-found');
	});

	it('im.create: both users get the same room, which im.delete deletes', async () => {
		const room = ok(await send(alice, 'im.create', { username: 'bob' })).room as Json;
		const id = [alice.id, bob.id].sort().join('');
		expect(room).to.include({ _id: id, rid: id, t: 'd' });
		expect(room.usernames).to.have.members(['alice', 'bob']);
		const again = ok(await send(bob, 'im.create', { usernames: 'alice' })).room as Json;
		expect(again._id).to.equal(id);
		ok(await send(admin, 'im.delete', { roomId: id }));
	});

	it('im.delete: deletes only the direct room of the caller and the named user', async () => {
		const between = ok(await send(alice, 'im.create', { username: 'bob' })).room as Json;
		const own = ok(await send(admin, 'im.create', { username: 'bob' })).room as Json;
		ok(await send(admin, 'im.delete', { username: 'bob' }));
		expectRefused(await get(url('rooms.info'), bob, { roomId: own._id as string }), 'error-room-not-found');
		expect(ok(await get(url('rooms.info'), bob, { roomId: between._id as string })).room).to.include({
			_id: between._id,
		});
		expectRefused(await send(admin, 'im.delete', { username: 'bob' }), 'error-room-not-found');
		expectRefused(await send(admin, 'im.delete', { username: 'nobody' }), 'error-room-not-found');
		expectRefused(await send(admin, 'im.delete', {}), 'error-roomid-param-not-provided');
		ok(await send(admin, 'im.delete', { roomId: between._id }));
	});

	it('groups.kick: kicking a user who is no member needs kick-user-from-any-p-room', async () => {
		const { _id: roomId } = await create(alice);
		const allow = (roles: string[]) =>
			send(admin, 'permissions.update', { permissions: [{ _id: 'kick-user-from-any-p-room', roles }] });
		expectRefused(await send(alice, 'groups.kick', { roomId, userId: bob.id }), 'error-user-not-in-room');
		ok(await allow(['admin']));
		try {
			expect(ok(await send(admin, 'groups.kick', { roomId, userId: bob.id }))).to.deep.equal({ success: true });
			expect(
				(ok(await get(url('groups.info'), alice, { roomId: roomId as string })).group as Json).usersCount,
			).to.equal(1);
			ok(await send(alice, 'groups.invite', { roomId, userId: bob.id }));
			expect(ok(await send(admin, 'groups.kick', { roomId, userId: bob.id }))).to.deep.equal({ success: true });
			expect(
				(ok(await get(url('groups.info'), alice, { roomId: roomId as string })).group as Json).usersCount,
			).to.equal(1);
		} finally {
			ok(await allow([]));
		}
	});

	it('rooms.info: finds a room by id and by name, for members only', async () => {
		const group = await create(alice);
		const ways: Record<string, string>[] = [{ roomId: group._id as string }, { roomName: group.name as string }];
		for (const which of ways) {
			expect((ok(await get(url('rooms.info'), alice, which)).room as Json)._id).to.equal(group._id);
			expectRefused(await get(url('rooms.info'), bob, which), 'error-room-not-found');
		}
		expectRefused(await get(url('rooms.info'), alice), 'error-roomid-param-not-provided');
	});

	it('rooms.saveRoomSettings with encrypted returns rid; groups.setEncrypted returns the group', async () => {
		const { _id: rid } = await create(alice);
		expect(ok(await send(alice, 'rooms.saveRoomSettings', { rid, encrypted: true }))).to.deep.equal({
			rid,
			success: true,
		});
		const { group } = ok(await send(alice, 'groups.setEncrypted', { roomId: rid, encrypted: false })) as {
			group: Json;
		};
		expect(group).to.include({ _id: rid, encrypted: false });
		expect((await send(alice, 'groups.setEncrypted', { roomId: rid, encrypted: 'no-boolean' })).body).to.deep.equal({
			success: false,
			error: 'The bodyParam "encrypted" is required',
		});
	});

	it('groups.create: makes only encrypted groups while E2E_Force_Encryption_For_Private_Rooms is on', async () => {
		await during(app.store, 'E2E_Force_Encryption_For_Private_Rooms', true, async () => {
			expectRefused(
				await send(alice, 'groups.create', { name: newName(), extraData: { encrypted: false } }),
				'error-encrypted-private-rooms-enforced',
			);
			expect(await create(alice)).to.include({ encrypted: true });
		});
	});

	it('subscriptions.get, subscriptions.getOne, rooms.get: return the memberships and rooms of the caller', async () => {
		const { _id: roomId } = await create(alice);
		const { subscription } = ok(await get(url('subscriptions.getOne'), alice, { roomId: roomId as string }));
		expect(subscription).to.deep.include({ rid: roomId, alert: false, open: true, t: 'p', roles: ['owner'] });
		expect(ok(await get(url('subscriptions.getOne'), bob, { roomId: roomId as string })).subscription).to.equal(null);
		for (const path of ['subscriptions.get', 'rooms.get']) {
			const all = ok(await get(url(path), alice));
			expect(all.update).to.be.an('array').that.is.not.empty;
			expect(all.remove).to.deep.equal([]);
			const later = new Date(Date.now() + 60_000);
			for (const updatedSince of [later.toISOString(), String(later)]) {
				expect(ok(await get(url(path), alice, { updatedSince }))).to.deep.equal({
					update: [],
					remove: [],
					success: true,
				});
			}
		}
	});

	it('subscriptions.get, rooms.get: read updatedSince in several forms, and refuse impossible dates', async () => {
		for (const path of ['subscriptions.get', 'rooms.get']) {
			const noDates = [
				'x',
				'2026-02-30',
				'2026-02-30T23:30:00-05:00',
				'2026/02/30',
				'2/30/30',
				'Tue Feb 30 2027 12:00:00 GMT+0100',
			];
			for (const updatedSince of noDates) {
				expectRefused(await get(url(path), alice, { updatedSince }), 'error-updatedSince-param-invalid');
			}
			const dates = ['2024-02-29', '2026-01-31T23:30:00-05:00', '2026', 'Sat Jan 31 2026', '1/31/2026', '1/2/30'];
			for (const updatedSince of dates) {
				expect(ok(await get(url(path), alice, { updatedSince })), updatedSince).to.have.property('update');
			}
		}
	});

	it('groups.members: returns the part that count and offset ask for (T3)', async () => {
		const { _id: roomId } = await create(alice, { members: ['bob', 'admin'] });
		const page = ok(await get(url('groups.members'), alice, { roomId: roomId as string, count: '2', offset: '1' }));
		expect(page).to.deep.include({ count: 2, offset: 1, total: 3 });
		expect((page.members as Json[]).map(({ username }) => username)).to.deep.equal(['alice', 'bob']);
		expect((await get(url('groups.members'), alice, { roomId: roomId as string, count: 'many' })).status).to.equal(400);
	});

	it('a repeated call with the same idempotency key gets the first answer (E1)', async () => {
		const body = JSON.stringify({ name: newName() });
		const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'create-1', ...headersOf(alice) };
		const answers = [];
		for (let i = 0; i < 2; i++)
			answers.push(ok(await request(url('groups.create'), { method: 'POST', headers, body })));
		expect(answers[1]).to.deep.equal(answers[0]);
		const { _id: roomId } = (answers[0] as Json).group as Json;
		for (let i = 0; i < 2; i++) {
			const again = { ...headers, 'Idempotency-Key': 'delete-1' };
			ok(await request(url('groups.delete'), { method: 'POST', headers: again, body: JSON.stringify({ roomId }) }));
		}
	});

	describe('events of streams (10.2, 10.4)', () => {
		async function listen(as: Person): Promise<RawClient> {
			const client = await clients.connect(app.webSocketUrl);
			await client.call('login', { resume: as.token });
			for (const name of ['rooms-changed', 'subscriptions-changed']) {
				client.send({ msg: 'sub', id: name, name: 'stream-notify-user', params: [`${as.id}/${name}`, false] });
				expect(await client.next()).to.include({ msg: 'ready' });
			}
			return client;
		}

		/** Events as [event name without the user id, action, document], up to the first that `passes`. */
		async function until(client: RawClient, passes: (event: [string, string, Json]) => boolean) {
			const events: [string, string, Json][] = [];
			for (;;) {
				const { fields } = (await client.next()) as Frame & { fields: { eventName: string; args: [string, Json] } };
				const event: [string, string, Json] = [fields.eventName.split('/')[1] as string, ...fields.args];
				events.push(event);
				if (passes(event)) return events;
			}
		}

		it('join: the new member gets membership and room, the other member the room', async () => {
			const { _id: roomId } = await create(alice, { extraData: { encrypted: true } });
			const [toAlice, toBob] = [await listen(alice), await listen(bob)];
			await send(alice, 'groups.invite', { roomId, userId: bob.id });
			const events = await until(toBob, ([what]) => what === 'rooms-changed');
			expect(events.map(([what, action]) => `${what} ${action}`)).to.deep.equal([
				'subscriptions-changed inserted',
				'rooms-changed updated',
			]);
			expect(events[0]?.[2]).to.deep.include({ rid: roomId, u: { _id: bob.id, username: 'bob' }, t: 'p' });
			const notified = await until(toAlice, ([what]) => what === 'rooms-changed');
			expect(notified.at(-1)?.[2]).to.deep.include({ _id: roomId, usersCount: 2 });
		});

		it('delete: each member is notified that membership and room are removed', async () => {
			const { _id: roomId } = await create(alice, { members: ['bob'] });
			const listeners = [await listen(alice), await listen(bob)];
			await send(admin, 'groups.delete', { roomId });
			for (const client of listeners) {
				const events = await until(client, ([what]) => what === 'rooms-changed');
				expect(events.map(([what, action]) => `${what} ${action}`)).to.deep.equal([
					'subscriptions-changed removed',
					'rooms-changed removed',
				]);
				expect(events[0]?.[2]).to.include.keys('_id', 'rid', 'u', 't');
				expect(events[1]?.[2]).to.include({ _id: roomId });
			}
		});

		it('leave: the former member is notified of the membership, the others of the room', async () => {
			const { _id: roomId } = await create(alice, { members: ['bob'] });
			const [toAlice, toBob] = [await listen(alice), await listen(bob)];
			await send(bob, 'groups.leave', { roomId });
			const [gone] = await until(toBob, ([what]) => what === 'subscriptions-changed');
			expect(gone?.[1]).to.equal('removed');
			expect(gone?.[2]).to.deep.include({ rid: roomId, u: { _id: bob.id, username: 'bob' } });
			const notified = await until(toAlice, ([what]) => what === 'rooms-changed');
			expect(notified.at(-1)?.[2]).to.deep.include({ _id: roomId, usersCount: 1 });
		});

		it('the event names the user who switched encryption on (E14)', async () => {
			const { _id: rid } = await create(alice, { members: ['bob'] });
			const toBob = await listen(bob);
			await send(alice, 'rooms.saveRoomSettings', { rid, encrypted: true });
			const [[, action, room] = []] = await until(toBob, ([what]) => what === 'rooms-changed');
			expect(action).to.equal('updated');
			expect(room).to.deep.include({ _id: rid, encrypted: true });
			expect(room?.e2eToggled).to.deep.include({ encrypted: true, by: { _id: alice.id, username: 'alice' } });
		});
	});
});
