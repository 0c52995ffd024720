/** The queue of a room: test/contract/rocketchat-e2e.md 4.3, 5.1, 5.2; test/contract/beyond.md E9, T1. */
import { expect } from 'chai';
import { dequeue, enqueue, enqueueEverywhere, MAX_WAITING, removeServedUsers } from '../../methods/model/keys/queue.js';
import type { Room, WaitingUser } from '../../shared/documents.js';
import { type HookedStore, openHookedRoomkey } from '../support/hooks.js';
import { announcedBy, identity, queueOf } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import type { TestRoomkey } from '../support/roomkey.js';

describe('the queue of members who need a key (5.1, 5.2)', () => {
	let roomkey: TestRoomkey;
	let hooked: HookedStore;
	let store: HookedStore['store'];
	let alice: Person;
	let bob: Person;

	before(async () => {
		({ roomkey, hooked } = await openHookedRoomkey());
		store = hooked.store;
		alice = await addPerson(roomkey.store, identity('alice'));
		bob = await addPerson(roomkey.store, identity('bob'));
	});
	after(() => roomkey.close());

	const addEncrypted = (fields: Partial<Room> = {}) =>
		addRoom(roomkey.store, [alice, bob], { encrypted: true, ...fields });
	const waiting = (...ids: string[]): WaitingUser[] => ids.map((userId) => ({ userId, ts: new Date() }));

	it('adds a member at the end, with the time, and notifies the room (5.1)', async () => {
		const rid = await addEncrypted();
		expect(await announcedBy(roomkey, () => enqueue(store, rid, alice.id))).to.deep.equal([`rooms ${rid}`]);
		await enqueue(store, rid, bob.id);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id, bob.id]);
		const room = await roomkey.store.rooms.findOne({ _id: rid });
		expect(room?.usersWaitingForE2EKeys?.[0]?.ts).to.be.instanceOf(Date);
	});

	it('notifies the room of a member who was added before the store failed', async () => {
		const rid = await addEncrypted();
		// The second check of the member follows the write.
		hooked.before('subscriptions', 'findOne', () => Promise.reject(new Error('down')), 1);
		const announced = await announcedBy(roomkey, () => rejection(enqueue(store, rid, alice.id)));
		expect(announced).to.deep.equal([`rooms ${rid}`]);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
	});

	it('adds a member once, and notifies the room once (5.1, T1)', async () => {
		const rid = await addEncrypted();
		await Promise.all(Array.from({ length: 10 }, () => enqueue(store, rid, alice.id)));
		expect(
			await announcedBy(roomkey, async () => expect(await enqueue(store, rid, alice.id)).to.equal(false)),
		).to.deep.equal([]);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
	});

	it('keeps the newest 50 (5.1)', async () => {
		const ids = Array.from({ length: MAX_WAITING }, (_, i) => `user-${i}`);
		const rid = await addEncrypted({ usersWaitingForE2EKeys: waiting(...ids) });
		await enqueue(store, rid, alice.id);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([...ids.slice(1), alice.id]);
	});

	it('adds only members, and only in encrypted rooms (5.1)', async () => {
		const plain = await addEncrypted({ encrypted: false });
		const foreign = await addRoom(roomkey.store, [bob], { encrypted: true });
		for (const rid of [plain, foreign, 'nowhere']) expect(await enqueue(store, rid, alice.id)).to.equal(false);
	});

	it('adds no invited users, and none without identity keys or with the key (E9)', async () => {
		const carol = await addPerson(roomkey.store);
		const rid = await addRoom(roomkey.store, [carol], { encrypted: true });
		await addMember(roomkey.store, rid, alice, { E2EKey: `key of ${rid}` });
		await addMember(roomkey.store, rid, bob, { status: 'INVITED' });
		for (const { id } of [alice, bob, carol]) expect(await enqueue(store, rid, id)).to.equal(false);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('does not keep a member who receives the key concurrently (E9)', async () => {
		const rid = await addEncrypted();
		hooked.before('rooms', 'findOneAndUpdate', () =>
			roomkey.store.subscriptions.updateOne({ rid, 'u._id': alice.id }, { $set: { E2EKey: `key of ${rid}` } }),
		);
		expect(await enqueue(store, rid, alice.id)).to.equal(false);
		expect(await queueOf(roomkey.store, rid)).to.equal(null);
	});

	it('keeps a member who receives the key and loses it concurrently', async () => {
		const rid = await addEncrypted();
		const setKey = (update: object) => roomkey.store.subscriptions.updateOne({ rid, 'u._id': alice.id }, update);
		hooked.before('subscriptions', 'findOne', () => setKey({ $set: { E2EKey: 'a key' } }), 1);
		hooked.before('rooms', 'findOneAndUpdate', () => setKey({ $unset: { E2EKey: 1 } }), 1);
		await enqueue(store, rid, alice.id);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
	});

	it('notifies the room of each removal, and is removed when it is empty (5.2)', async () => {
		const rid = await addEncrypted({ usersWaitingForE2EKeys: waiting(alice.id, bob.id) });
		for (const [{ id }, left] of [
			[alice, [bob.id]],
			[bob, null],
		] as const) {
			expect(await announcedBy(roomkey, () => dequeue(store, rid, [id]))).to.deep.equal([`rooms ${rid}`]);
			expect(await queueOf(roomkey.store, rid)).to.deep.equal(left);
		}
	});

	it('ignores the removal of a member who is not in the queue (T1)', async () => {
		const rid = await addEncrypted({ usersWaitingForE2EKeys: waiting(alice.id) });
		expect(await announcedBy(roomkey, () => dequeue(store, rid, [bob.id, 'nobody']))).to.deep.equal([]);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
	});

	it('loses a member with an offer, and keeps one without, by removeServedUsers', async () => {
		const rid = await addEncrypted({ usersWaitingForE2EKeys: waiting(alice.id, bob.id) });
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { E2ESuggestedKey: 'offered' } });
		expect(await removeServedUsers(store, rid, [alice.id, bob.id])).to.equal(true);
		expect(await queueOf(roomkey.store, rid)).to.deep.equal([alice.id]);
	});

	it('adds a user in all encrypted rooms in which they have no `E2EKey` (4.3)', async () => {
		const dave = await addPerson(roomkey.store, identity('dave'));
		const rids: string[] = [];
		// The rooms of a user are read in pages of 200.
		for (let i = 0; i < 250; i++) rids.push(await addRoom(roomkey.store, [dave], { encrypted: i % 2 === 0 }));
		const keyed = await addRoom(roomkey.store, [], { encrypted: true });
		await addMember(roomkey.store, keyed, dave, { E2EKey: `key of ${keyed}` });
		await enqueueEverywhere(store, dave.id);
		for (const [i, rid] of rids.entries()) {
			expect(await queueOf(roomkey.store, rid)).to.deep.equal(i % 2 === 0 ? [dave.id] : null);
		}
		expect(await queueOf(roomkey.store, keyed)).to.equal(null);
	});
});
