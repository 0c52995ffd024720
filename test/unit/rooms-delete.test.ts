/** How rooms are deleted, and what remains stored after a crash (test/contract/rocketchat-e2e.md 2.4, 10.2). */
import { expect } from 'chai';
import { recordEvents } from '../support/announced.js';
import { type CrashingStore, crashingStore } from '../support/crash.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const OWNER = { roles: ['owner'] };

describe('deleting a room', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;
	let admin: Person;

	before(async () => {
		roomkey = await openRoomkey();
		alice = await addPerson(roomkey.store, { username: 'alice' });
		bob = await addPerson(roomkey.store, { username: 'bob' });
		admin = await addPerson(roomkey.store, { roles: ['admin'] });
	});
	after(() => roomkey.close());

	async function room(fields = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, [bob], { name: `room-${Math.random()}`, ...fields });
		await addMember(roomkey.store, rid, alice, OWNER);
		return rid;
	}

	async function isGone(rid: string): Promise<boolean> {
		const { rooms, subscriptions } = roomkey.store;
		return (await rooms.countDocuments({ _id: rid })) + (await subscriptions.countDocuments({ rid })) === 0;
	}

	it('deletes memberships, notifies members, and notes the documents in the trash', async () => {
		const rid = await room();
		const memberships = await roomkey.store.subscriptions.find({ rid }).toArray();
		const { name } = (await roomkey.store.rooms.findOne({ _id: rid })) ?? {};
		const received = await recordEvents(roomkey.bus, async () => {
			expect(await roomkey.call(alice, 'groups.delete', rid)).to.equal(undefined);
		});
		expect(await isGone(rid)).to.equal(true);
		expect(received.of('subscriptions')).to.have.members(memberships.map(({ _id }) => `removed ${_id}`));
		expect(received.of('rooms')).to.deep.equal([`removed ${rid}`]);
		expect(received.notices).to.have.deep.members(
			[alice, bob].map(({ id }) => ({
				name: `notify-user ${id}/rooms-changed`,
				args: ['removed', { _id: rid, t: 'p', name }],
			})),
		);
		const notes = await roomkey.store.trash
			.find({ _id: { $in: [rid, ...memberships.map(({ _id }) => _id)] } })
			.toArray();
		expect(notes.map(({ _id, __collection__ }) => `${__collection__} ${_id}`)).to.have.members([
			`room ${rid}`,
			...memberships.map(({ _id }) => `subscription ${_id}`),
		]);
	});

	it('is only for owners and admins, whether or not the admin is a member', async () => {
		const rid = await room();
		expect(await rejection(roomkey.call(bob, 'groups.delete', rid))).to.include({ error: 'error-not-allowed' });
		const stranger = await addPerson(roomkey.store);
		expect(await rejection(roomkey.call(stranger, 'groups.delete', rid))).to.include({ error: 'error-room-not-found' });
		await roomkey.call(admin, 'groups.delete', rid);
		expect(await isGone(rid)).to.equal(true);
	});

	it('finds a room by its name, but not of another type', async () => {
		const name = `named-${Math.random()}`;
		const rid = await room({ name });
		expect(await rejection(roomkey.call(alice, 'channels.delete', rid))).to.include({ error: 'error-room-not-found' });
		expect(await rejection(roomkey.call(alice, 'groups.delete'))).to.include({
			error: 'error-roomid-param-not-provided',
		});
		await roomkey.call(alice, 'groups.delete', undefined, name);
		expect(await isGone(rid)).to.equal(true);
		expect(await rejection(roomkey.call(alice, 'groups.delete', rid))).to.include({ error: 'error-room-not-found' });
	});

	it('refuses the main room of a team', async () => {
		const rid = await room({ teamMain: true });
		expect(await rejection(roomkey.call(admin, 'groups.delete', rid))).to.include({ error: 'error-not-allowed' });
	});

	it('is only for admins in a direct room, which can be created again', async () => {
		for (let i = 0; i < 2; i++) {
			const { room: made } = (await roomkey.call(alice, 'im.create', 'bob')) as { room: { _id: string } };
			expect(await rejection(roomkey.call(alice, 'im.delete', made._id))).to.include({ error: 'error-not-allowed' });
			await roomkey.call(admin, 'im.delete', made._id);
			expect(await isGone(made._id)).to.equal(true);
		}
	});

	it('leaves no membership of users who join meanwhile', async () => {
		for (let i = 0; i < 20; i++) {
			const rid = await room();
			const people = await Promise.all([1, 2, 3].map(() => addPerson(roomkey.store)));
			await Promise.allSettled([
				...people.map(({ id }) => roomkey.call(alice, 'groups.invite', rid, undefined, id)),
				roomkey.call(alice, 'groups.delete', rid),
			]);
			expect(await isGone(rid)).to.equal(true);
		}
	});
});

describe('a call that is repeated after a crash', () => {
	let crashing: CrashingStore;
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;

	beforeEach(async () => {
		roomkey = await openRoomkey(undefined, {}, (store) => {
			crashing = crashingStore(store);
			return crashing.store;
		});
		alice = await addPerson(roomkey.store, { username: 'alice' });
		bob = await addPerson(roomkey.store, { username: 'bob', e2e: { public_key: 'p' } });
	});
	afterEach(() => roomkey.close());

	/**
	 * Crashes a call before each of its writes, repeats the call, and checks the result. Returns the number of writes of an
	 * uninterrupted call.
	 */
	async function afterEachWrite(
		makeRoom: () => Promise<string>,
		call: (rid: string) => Promise<unknown>,
		check: (rid: string) => Promise<void>,
	): Promise<number> {
		for (let writes = 0; ; writes++) {
			const rid = await makeRoom();
			crashing.crashAfter(writes);
			const crashed = await call(rid).then(
				() => false,
				() => true,
			);
			crashing.crashAfter(Number.POSITIVE_INFINITY);
			if (crashed) await call(rid).catch((error) => expect(error).to.include({ isClientSafe: true }));
			await check(rid);
			if (!crashed) return writes;
		}
	}

	async function room(membershipOfBob = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, [], { encrypted: true, e2eKeyId: 'k', usersCount: 2 });
		await addMember(roomkey.store, rid, alice, { ...OWNER, E2EKey: `k-${Math.random()}` });
		await addMember(roomkey.store, rid, bob, membershipOfBob);
		return rid;
	}

	it('deletes the room and its memberships (groups.delete)', async () => {
		const writes = await afterEachWrite(
			room,
			(rid) => roomkey.call(alice, 'groups.delete', rid),
			async (rid) => {
				expect(await roomkey.store.rooms.countDocuments({ _id: rid })).to.equal(0);
				expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(0);
				expect(await roomkey.store.trash.countDocuments({ rid })).to.equal(2);
			},
		);
		expect(writes).to.be.greaterThan(5);
	});

	it('deletes the room that its last member leaves (groups.leave)', async () => {
		const writes = await afterEachWrite(
			() => addRoom(roomkey.store, [bob], { usersCount: 1 }),
			(rid) => roomkey.call(bob, 'groups.leave', rid),
			async (rid) => {
				expect(await roomkey.store.rooms.countDocuments({ _id: rid })).to.equal(0);
				expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(0);
			},
		);
		expect(writes).to.be.greaterThan(2);
	});

	it('removes the member from room and queue, and marks the key stale (groups.kick)', async () => {
		const writes = await afterEachWrite(
			async () => {
				const rid = await room({ E2ESuggestedKey: 'offered' });
				const usersWaitingForE2EKeys = [{ userId: bob.id, ts: new Date() }];
				await roomkey.store.rooms.updateOne({ _id: rid }, { $set: { usersWaitingForE2EKeys } });
				return rid;
			},
			(rid) => roomkey.call(alice, 'groups.kick', rid, undefined, bob.id),
			async (rid) => {
				expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(1);
				const after = await roomkey.store.rooms.findOne({ _id: rid });
				expect(after?.usersWaitingForE2EKeys ?? []).to.deep.equal([]);
				expect(after?.e2eStale?.reason).to.equal('member-removed');
				expect(await roomkey.store.trash.countDocuments({ rid })).to.equal(1);
			},
		);
		expect(writes).to.be.greaterThan(4);
	});

	it('makes one membership, and queues the new member (groups.invite)', async () => {
		const writes = await afterEachWrite(
			async () => {
				const rid = await addRoom(roomkey.store, [], { encrypted: true, usersCount: 1 });
				await addMember(roomkey.store, rid, alice, OWNER);
				return rid;
			},
			(rid) => roomkey.call(alice, 'groups.invite', rid, undefined, bob.id),
			async (rid) => {
				expect(await roomkey.store.subscriptions.countDocuments({ rid, 'u._id': bob.id })).to.equal(1);
				const after = await roomkey.store.rooms.findOne({ _id: rid });
				expect(after?.usersWaitingForE2EKeys?.map(({ userId }) => userId)).to.deep.equal([bob.id]);
			},
		);
		expect(writes).to.equal(4);
	});

	it('makes the room and both memberships (im.create)', async () => {
		let made = '';
		await afterEachWrite(
			// The room has the same id in each round. This deletes the room of the round before.
			async () => {
				if (made) {
					await roomkey.store.rooms.deleteOne({ _id: made });
					await roomkey.store.subscriptions.deleteMany({ rid: made });
				}
				made = [alice.id, bob.id].sort().join('');
				return made;
			},
			() => roomkey.call(alice, 'im.create', 'bob'),
			async (rid) => {
				expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(2);
			},
		);
	});
});
