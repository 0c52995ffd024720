/** How rooms are created (test/contract/rocketchat-e2e.md sections 2.2, 2.3, 5.7). */
import { expect } from 'chai';
import type { Room } from '../../shared/documents.js';
import { MatchError } from '../../shared/errors.js';
import { recordEvents } from '../support/announced.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { during } from '../support/settings.js';

let lastNumber = 0;
const newName = () => `room-${++lastNumber}`;

const identity = { e2e: { public_key: 'public', private_key: 'private' } };

describe('creating a room', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;
	let carol: Person;

	before(async () => {
		roomkey = await openRoomkey();
		alice = await addPerson(roomkey.store, { username: 'alice', name: 'Alice', ...identity });
		bob = await addPerson(roomkey.store, { username: 'bob', ...identity });
		carol = await addPerson(roomkey.store, { username: 'carol' });
	});
	after(() => roomkey.close());

	async function create(as: Person, ...args: unknown[]): Promise<Room> {
		return ((await roomkey.call(as, 'groups.create', ...args)) as { group: Room }).group;
	}

	const membershipsIn = (rid: string) => roomkey.store.subscriptions.find({ rid }).toArray();

	for (const [plural, single, t] of [
		['groups', 'group', 'p'],
		['channels', 'channel', 'c'],
	] as const) {
		it(`${plural}.create returns the whole ${single}`, async () => {
			const name = newName();
			const answer = (await roomkey.call(alice, `${plural}.create`, name, ['bob', 'nobody', 'bob'], true, {
				a: 1,
			})) as {
				[single: string]: Room;
			};
			const { _id, ts, _updatedAt, ...room } = answer[single] as Room;
			expect(_id).to.match(/^\w{17}$/);
			expect(ts).to.be.a('date');
			expect(_updatedAt).to.be.a('date');
			expect(room).to.deep.equal({
				t,
				name,
				fname: name,
				u: { _id: alice.id, username: 'alice', name: 'Alice' },
				msgs: 0,
				usersCount: 2,
				ro: true,
				default: false,
				sysMes: true,
				customFields: { a: 1 },
			});
			const memberships = await membershipsIn(_id);
			expect(Object.fromEntries(memberships.map(({ u, roles }) => [u.username, roles]))).to.deep.equal({
				alice: ['owner'],
				bob: undefined,
			});
			const membership = memberships.find(({ u }) => u._id === alice.id);
			expect(membership).to.deep.include({ rid: _id, t, name, fname: name, open: true, alert: false, unread: 0 });
		});
	}

	it('announces each new membership, and then the room, once', async () => {
		let room: Room | undefined;
		const received = await recordEvents(roomkey.bus, async () => {
			room = await create(alice, newName(), ['bob']);
		});
		expect(received.of('subscriptions')).to.have.length(2);
		expect(received.of('subscriptions').every((line) => line.startsWith('inserted '))).to.equal(true);
		expect(received.of('rooms')).to.deep.equal([`inserted ${room?._id}`]);
		expect(received.changes.at(-1)?.collection).to.equal('rooms');
	});

	it('refuses more than 1,000 members before anything is written', async () => {
		const name = newName();
		const many = Array.from({ length: 1001 }, (_, i) => `nobody-${i}`);
		expect(await rejection(create(alice, name, many))).to.include({ error: 'error-too-many-users' });
		expect(await roomkey.store.rooms.countDocuments({ name })).to.equal(0);
		expect((await create(alice, name, many.slice(1))).usersCount).to.equal(1);
	});

	it('leaves no room if the call is interrupted', async () => {
		const name = newName();
		const call = new AbortController();
		const received = await recordEvents(roomkey.bus, async () => {
			roomkey.bus.on('changed', ({ collection }) => {
				if (collection === 'subscriptions') call.abort();
			});
			const caller = { userId: alice.id, signal: call.signal };
			expect(await rejection(roomkey.callAs(caller, 'groups.create', name, ['bob', 'carol']))).to.include({
				error: 'error-timeout',
			});
		});
		expect(received.of('subscriptions')).to.have.length(2);
		expect(await roomkey.store.rooms.countDocuments({ name })).to.equal(0);
		expect(await roomkey.store.subscriptions.countDocuments({ name })).to.equal(0);
	});

	it('gives a name to only one of 20 concurrent callers', async () => {
		const name = newName();
		const outcomes = await Promise.allSettled(
			Array.from({ length: 20 }, (_, i) =>
				roomkey.call(i % 2 ? alice : bob, `${i % 3 ? 'groups' : 'channels'}.create`, name),
			),
		);
		expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
		for (const outcome of outcomes) {
			if (outcome.status === 'rejected') expect(outcome.reason.error).to.equal('error-duplicate-channel-name');
		}
		const rooms = await roomkey.store.rooms.find({ name }).toArray();
		expect(rooms).to.have.length(1);
		expect(await membershipsIn(rooms[0]?._id as string)).to.have.length(1);
	});

	it('replaces an abandoned room without members only for its creator', async () => {
		const name = newName();
		// A room that is younger than a minute counts as still being created.
		const ts = new Date(Date.now() - 120_000);
		const broken = await addRoom(roomkey.store, [], { name, u: { _id: alice.id }, ts, encrypted: true });
		const duplicate = { error: 'error-duplicate-channel-name' };
		expect(await rejection(create(bob, name))).to.include(duplicate);
		const outcomes = await Promise.allSettled([create(alice, name), create(alice, name)]);
		const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
		expect(made).to.have.length(1);
		expect(made[0]).not.to.have.property('encrypted');
		expect(await roomkey.store.rooms.countDocuments({ _id: broken })).to.equal(0);
		expect(await membershipsIn(made[0]?._id as string)).to.have.length(1);
		expect(await rejection(create(alice, name))).to.include(duplicate);
	});

	it('does not replace a room that is still being created', async () => {
		const name = newName();
		await addRoom(roomkey.store, [], { name, u: { _id: alice.id }, ts: new Date() });
		expect(await rejection(create(alice, name))).to.include({ error: 'error-duplicate-channel-name' });
	});

	for (const name of ['', ' ', 'two words', 'ümlaut', 'x'.repeat(121), 'a/b']) {
		it(`refuses the name '${name.slice(0, 20)}' (${name.length} characters)`, async () => {
			expect(await rejection(create(alice, name))).to.deep.include({
				error: 'error-invalid-room-name',
				details: { method: 'groups.create' },
			});
		});
	}

	it('refuses custom fields of more than eight levels', async () => {
		const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
		expect(await rejection(create(alice, newName(), [], false, { a: nested(8) }))).to.be.instanceOf(MatchError);
		expect(await create(alice, newName(), [], false, { a: nested(7) })).to.deep.include({
			customFields: { a: nested(7) },
		});
	});

	it('refuses a user without the permission, and rooms of teams', async () => {
		const guest = await addPerson(roomkey.store, { roles: ['guest'] });
		expect(await rejection(create(guest, newName()))).to.include({ error: 'error-not-allowed' });
		expect(await rejection(create(alice, newName(), [], false, undefined, { teamId: 't' }))).to.include({
			error: 'error-not-allowed',
		});
	});

	describe('encryption (5.7)', () => {
		const extra = (encrypted: boolean) => [[], false, undefined, { encrypted }] as const;

		it('is on or off as the creator says, and queues members with identity keys', async () => {
			const room = await create(alice, newName(), ['bob', 'carol'], false, undefined, { encrypted: true });
			expect(room.encrypted).to.equal(true);
			expect(room.usersWaitingForE2EKeys?.map(({ userId }) => userId)).to.have.members([alice.id, bob.id]);
			expect((await create(alice, newName(), ...extra(false))).encrypted).to.equal(false);
			expect(await create(alice, newName())).not.to.have.property('encrypted');
		});

		it('is on by default in groups only, with E2E_Enabled_Default_PrivateRooms', async () => {
			await during(roomkey.store, 'E2E_Enabled_Default_PrivateRooms', true, async () => {
				expect((await create(alice, newName())).encrypted).to.equal(true);
				expect((await create(alice, newName(), ...extra(false))).encrypted).to.equal(false);
				const { channel } = (await roomkey.call(alice, 'channels.create', newName())) as { channel: Room };
				expect(channel).not.to.have.property('encrypted');
				const { room } = (await roomkey.call(alice, 'im.create', 'carol')) as { room: Room };
				expect(room).not.to.have.property('encrypted');
			});
		});

		it('is not on by default while E2E_Enable is off, even with E2E_Enabled_Default_PrivateRooms', async () => {
			await during(roomkey.store, 'E2E_Enabled_Default_PrivateRooms', true, () =>
				during(roomkey.store, 'E2E_Enable', false, async () => {
					const { _id } = await create(alice, newName());
					expect(await roomkey.store.rooms.findOne({ _id })).not.to.have.property('encrypted');
				}),
			);
		});

		it('is on by default in direct rooms, with E2E_Enabled_Default_DirectRooms', async () => {
			const [one, two] = [await addPerson(roomkey.store), await addPerson(roomkey.store)];
			await during(roomkey.store, 'E2E_Enabled_Default_DirectRooms', true, async () => {
				const { room } = (await roomkey.call(one, 'im.create', two.username)) as { room: Room };
				expect(room.encrypted).to.equal(true);
			});
		});

		it('is required in groups, but not in channels, with E2E_Force_Encryption_For_Private_Rooms', async () => {
			await during(roomkey.store, 'E2E_Force_Encryption_For_Private_Rooms', true, async () => {
				expect(await rejection(create(alice, newName(), ...extra(false)))).to.deep.include({
					error: 'error-encrypted-private-rooms-enforced',
					reason: 'Workspace policy requires all private rooms to be encrypted.',
				});
				expect((await create(alice, newName())).encrypted).to.equal(true);
				const { channel } = (await roomkey.call(alice, 'channels.create', newName())) as { channel: Room };
				expect(channel).not.to.have.property('encrypted');
			});
		});

		it('is refused for a channel', async () => {
			expect(await rejection(roomkey.call(alice, 'channels.create', newName(), ...extra(true)))).to.include({
				error: 'error-action-not-allowed',
			});
		});
	});

	describe('im.create', () => {
		async function direct(as: Person, ...args: unknown[]): Promise<Room & { rid: string }> {
			return ((await roomkey.call(as, 'im.create', ...args)) as { room: Room & { rid: string } }).room;
		}

		it('returns the room of two users, whose id consists of their ids', async () => {
			const [one, two] = [await addPerson(roomkey.store), await addPerson(roomkey.store)];
			const id = [one.id, two.id].sort().join('');
			const room = await direct(one, two.username);
			expect(room).to.deep.include({ _id: id, rid: id, t: 'd', msgs: 0, usersCount: 2 });
			expect(room.usernames).to.have.members([one.username, two.username]);
			expect(room.uids).to.deep.equal([one.id, two.id].sort());
			const memberships = await membershipsIn(id);
			expect(Object.fromEntries(memberships.map(({ u, name }) => [u._id, name]))).to.deep.equal({
				[one.id]: two.username,
				[two.id]: one.username,
			});
		});

		it('creates the room once for concurrent calls', async () => {
			const [one, two] = [await addPerson(roomkey.store), await addPerson(roomkey.store)];
			const rooms = await Promise.all(
				Array.from({ length: 20 }, (_, i) => (i % 2 ? direct(one, two.username) : direct(two, one.username))),
			);
			expect(new Set(rooms.map(({ _id }) => _id)).size).to.equal(1);
			expect(await membershipsIn(rooms[0]?._id as string)).to.have.length(2);
			expect(await roomkey.store.rooms.countDocuments({ uids: one.id })).to.equal(1);
		});

		it('creates one room for several users, in whatever order they are named', async () => {
			const names = [alice, bob, carol].map(({ username }) => username);
			const rooms = await Promise.all([
				direct(alice, undefined, 'bob, carol'),
				direct(bob, undefined, ['carol', 'alice']),
				direct(carol, 'alice', ['bob']),
			]);
			expect(new Set(rooms.map(({ _id }) => _id)).size).to.equal(1);
			expect(rooms[0]?.usernames).to.have.members(names);
		});

		it('finds a room that Rocket.Chat has created', async () => {
			const [one, two] = [await addPerson(roomkey.store), await addPerson(roomkey.store)];
			const rid = await addRoom(roomkey.store, [one, two, alice], { t: 'd', uids: [alice.id, two.id, one.id] });
			expect((await direct(one, undefined, [two.username, 'alice']))._id).to.equal(rid);
		});

		it('opens a hidden room again, and otherwise writes nothing', async () => {
			const { _id: rid } = await direct(alice, 'bob');
			await roomkey.store.subscriptions.updateOne({ rid, 'u._id': alice.id }, { $set: { open: false } });
			expect((await recordEvents(roomkey.bus, () => direct(alice, 'bob'))).of('subscriptions')).to.have.length(1);
			expect((await recordEvents(roomkey.bus, () => direct(alice, 'bob'))).changes).to.deep.equal([]);
		});

		it('creates a room for the caller alone', async () => {
			const room = await direct(alice, 'alice');
			expect(room.usernames).to.deep.equal(['alice']);
			expect((await direct(alice, 'alice'))._id).to.equal(room._id);
			expect(await membershipsIn(room._id)).to.have.length(1);
		});

		it('lets an admin create a room for other users, with excludeSelf', async () => {
			const admin = await addPerson(roomkey.store, { roles: ['admin', 'user'] });
			const room = await direct(admin, undefined, 'bob,carol', true);
			expect(room.usernames).to.have.members(['bob', 'carol']);
			expect(await rejection(direct(alice, undefined, 'bob,carol', true))).to.include({ error: 'error-not-allowed' });
			expect(await rejection(direct(admin, 'bob', undefined, true))).to.include({
				error: 'error-users-params-not-provided',
			});
		});

		it('refuses a call without users, unknown names and too many users', async () => {
			expect(await rejection(direct(alice))).to.include({ error: 'error-users-params-not-provided' });
			expect(await rejection(direct(alice, 'nobody'))).to.include({ error: 'error-invalid-user' });
			const nine = Array.from({ length: 9 }, (_, i) => `n${i}`);
			expect(await rejection(direct(alice, undefined, nine))).to.include({
				error: 'error-direct-message-max-user-exceeded',
			});
		});
	});
});
