/** Deleting users. E10 and E11 in titles are rows of test/contract/beyond.md. */
import { expect } from 'chai';
import { hashToken } from '../../methods/model/users/tokens.js';
import type { Room } from '../../shared/documents.js';
import { crashingStore } from '../support/crash.js';
import { sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const encrypted: Partial<Room> = { encrypted: true, e2eKeyId: 'k' };

describe('users.delete', () => {
	let roomkey: TestRoomkey;
	let admin: Person;

	before(async () => {
		roomkey = await openRoomkey();
		admin = await addPerson(roomkey.store, { username: 'root', roles: ['admin'] });
	});
	after(() => roomkey.close());

	const remove = (id: string, confirmRelinquish?: boolean, confirm?: boolean, at = roomkey, as = admin) =>
		at.call(as, 'users.delete', id, undefined, undefined, confirmRelinquish, confirm);

	/**
	 * Stores a user who is a member of four rooms. The user holds the key of `keyed`, waits for that of `keyless`, and is the
	 * only member of `alone`. The room `gone` does not exist. The user has left `left`, but is still in its queue.
	 */
	async function addInvolved({ store } = roomkey) {
		const person = await addPerson(store, { e2e: { public_key: 'p', private_key: 'q' } });
		const other = await addPerson(store, { e2e: { public_key: 'r', private_key: 's' } });
		const waiting = { ...encrypted, usersWaitingForE2EKeys: [{ userId: person.id, ts: new Date() }] };
		const keyed = await addRoom(store, [], encrypted);
		await addMember(store, keyed, person, { E2EKey: sealed('k') });
		await addMember(store, keyed, other, { E2EKey: sealed('k') });
		const keyless = await addRoom(store, [person, other], waiting);
		const left = await addRoom(store, [other], waiting);
		const gone = 'no-such-room';
		await addMember(store, gone, person);
		const alone = await addRoom(store, [], encrypted);
		await addMember(store, alone, person, { roles: ['owner'], E2EKey: sealed('k') });
		return { alone, gone, person, other, keyed, keyless, left };
	}

	async function tracesOf(id: string, { store } = roomkey) {
		return {
			users: await store.users.countDocuments({ _id: id }),
			memberships: await store.subscriptions.countDocuments({ 'u._id': id }),
			queues: await store.rooms.countDocuments({ 'usersWaitingForE2EKeys.userId': id }),
		};
	}

	const nothing = { users: 0, memberships: 0, queues: 0 };

	it('removes the user, the memberships, the places in queues and the tokens (E10)', async () => {
		const { person, other, keyed, alone } = await addInvolved();
		const events: unknown[] = [];
		const stops = [
			roomkey.bus.on('tokens-removed', (event) => void events.push(event)),
			roomkey.bus.on('changed', (event) => {
				if (event.collection === 'users') events.push(event);
			}),
		];
		expect(await remove(person.id, true)).to.deep.equal({ deletedRooms: [alone] });
		for (const stop of stops) stop();
		expect(await tracesOf(person.id)).to.deep.equal(nothing);
		expect(events).to.deep.equal([
			{ collection: 'users', action: 'updated', document: { _id: person.id } },
			{ userId: person.id, hashedTokens: [hashToken(person.token)] },
			{ collection: 'users', action: 'removed', document: { _id: person.id } },
		]);
		const membership = await roomkey.store.subscriptions.findOne({ rid: keyed, 'u._id': other.id });
		expect(membership?.E2EKey).to.be.a('string');
		expect((await roomkey.store.rooms.findOne({ _id: keyed }))?.e2eStale).to.include({ reason: 'user-deleted' });
	});

	it('removes the tokens of a deactivated user (E10)', async () => {
		const person = await addPerson(roomkey.store, { active: false });
		const events: unknown[] = [];
		const stop = roomkey.bus.on('tokens-removed', (event) => void events.push(event));
		await remove(person.id);
		stop();
		expect(events).to.deep.equal([{ userId: person.id, hashedTokens: [hashToken(person.token)] }]);
	});

	it('is completed by a second call after a crash at any step (E10)', async () => {
		let crashing: ReturnType<typeof crashingStore> | undefined;
		const crashingRoomkey = await openRoomkey(undefined, {}, (store) => {
			crashing = crashingStore(store);
			return crashing.store;
		});
		const root = await addPerson(crashingRoomkey.store, { roles: ['admin'] });
		const removeOrCrash = (id: string) => remove(id, true, undefined, crashingRoomkey, root);
		/** Unknown in the first round, which ends by counting the writes. */
		let writesOfWholeCall = 1;
		for (let writes = 0; writes < writesOfWholeCall; writes++) {
			const { person, alone } = await addInvolved(crashingRoomkey);
			crashing?.crashAfter(writes);
			const error = await rejection(removeOrCrash(person.id));
			expect(error, `after ${writes} writes`).to.be.instanceOf(Error);
			crashing?.crashAfter(Number.POSITIVE_INFINITY);
			const user = await crashingRoomkey.store.users.findOne({ _id: person.id });
			if (writes > 0 && user)
				expect(user).to.include({ active: false }).and.nested.property('services.resume.loginTokens').that.is.empty;
			if (user) await removeOrCrash(person.id);
			expect(await crashingRoomkey.store.rooms.findOne({ _id: alone }), `after ${writes} writes`).to.equal(null);
			expect(await tracesOf(person.id, crashingRoomkey), `after ${writes} writes`).to.deep.equal(nothing);
			if (writesOfWholeCall > 1) continue;
			const uninterrupted = await addInvolved(crashingRoomkey);
			crashing?.crashAfter(Number.POSITIVE_INFINITY);
			await removeOrCrash(uninterrupted.person.id);
			writesOfWholeCall = crashing?.writes ?? 0;
			expect(writesOfWholeCall).to.be.greaterThan(5);
		}
		await crashingRoomkey.close();
	});

	it('leaves nothing for a new user with the same name (E10)', async () => {
		const { person, keyed } = await addInvolved();
		await remove(person.id, true);
		const again = (await roomkey.call(admin, 'users.create', 'a@x', 'Again', person.username, 'p')) as {
			user: { _id: string };
		};
		expect(again.user._id).not.to.equal(person.id);
		expect(await roomkey.store.subscriptions.countDocuments({ rid: keyed, 'u.username': person.username })).to.equal(0);
	});

	it('reports the rooms that lose the last holder of their key (E11)', async () => {
		const { store, bus } = roomkey;
		const [person, other] = [await addPerson(store), await addPerson(store)];
		const rid = await addRoom(store, [other], encrypted);
		await addMember(store, rid, person, { E2EKey: sealed('k') });
		const notified: unknown[] = [];
		const stop = bus.on('notify', ({ eventName }) => void notified.push(eventName));
		expect(await remove(person.id)).to.deep.equal({ deletedRooms: [], lastKeyHolder: true });
		stop();
		expect(notified).to.include(`${rid}/e2e.noKeyHolder`);
	});

	it('writes nothing without `confirm` if `confirmLastKeyHolder` requires it (E11)', async () => {
		const confirming = await openRoomkey(undefined, { confirmLastKeyHolder: true });
		const { store } = confirming;
		const root = await addPerson(store, { roles: ['admin'] });
		const [person, other] = [await addPerson(store), await addPerson(store)];
		const rid = await addRoom(store, [other], encrypted);
		await addMember(store, rid, person, { E2EKey: sealed('k') });
		expect(await rejection(remove(person.id, undefined, undefined, confirming, root))).to.include({
			error: 'error-last-key-holder',
		});
		expect(await tracesOf(person.id, confirming)).to.deep.equal({ users: 1, memberships: 1, queues: 0 });
		expect(await store.users.findOne({ _id: person.id })).to.include({ active: true });
		expect(await remove(person.id, undefined, true, confirming, root)).to.include({ lastKeyHolder: true });
		await confirming.close();
	});

	it('requires `confirm` if one of several rooms would lose its last holder (E11)', async () => {
		const confirming = await openRoomkey(undefined, { confirmLastKeyHolder: true });
		const { store } = confirming;
		const root = await addPerson(store, { roles: ['admin'] });
		const [person, other] = [await addPerson(store), await addPerson(store)];
		const onlyHolder = await addRoom(store, [other], encrypted);
		await addMember(store, onlyHolder, person, { E2EKey: sealed('k') });
		// Another user holds the keys of these rooms too. Their slower checks must not replace the result of `onlyHolder`.
		for (let i = 0; i < 5; i++) {
			const shared = await addRoom(store, [], encrypted);
			await addMember(store, shared, person, { E2EKey: sealed('k') });
			await addMember(store, shared, other, { E2EKey: sealed('k') });
		}
		const call = remove(person.id, undefined, undefined, confirming, root);
		expect(await rejection(call)).to.include({ error: 'error-last-key-holder' });
		await confirming.close();
	});

	it('hands over the rooms of a last owner, but only with `confirmRelinquish`', async () => {
		const { store } = roomkey;
		const [owner, other] = [await addPerson(store), await addPerson(store)];
		const rid = await addRoom(store, [other]);
		await addMember(store, rid, owner, { roles: ['owner'] });
		expect(await rejection(remove(owner.id))).to.include({ error: 'user-last-owner' });
		expect(await tracesOf(owner.id)).to.include({ users: 1, memberships: 1 });
		await remove(owner.id, true);
		expect((await store.subscriptions.findOne({ rid, 'u._id': other.id }))?.roles).to.deep.equal(['owner']);
	});

	it('makes the active member with the oldest membership the owner', async () => {
		const { store } = roomkey;
		const owner = await addPerson(store);
		const rid = await addRoom(store, []);
		await addMember(store, rid, owner, { roles: ['owner'] });
		const deactivated = await addPerson(store, { active: false });
		const others = [deactivated, await addPerson(store), await addPerson(store)];
		for (const [i, person] of others.entries()) await addMember(store, rid, person, { ts: new Date(i) });
		await remove(owner.id, true);
		const owners = await store.subscriptions.find({ rid, roles: 'owner' }).toArray();
		expect(owners.map(({ u }) => u._id)).to.deep.equal([others[1]?.id]);
	});

	it('deletes rooms without other members, except livechat rooms and default channels', async () => {
		const { store } = roomkey;
		const person = await addPerson(store);
		const channel = await addRoom(store, [person], { t: 'c', name: 'nobody-else' });
		const direct = await addRoom(store, [person], { t: 'd' });
		const livechat = await addRoom(store, [person], { t: 'l' });
		const defaultChannel = await addRoom(store, [person], { t: 'c', name: 'for-all', default: true });
		expect(await rejection(remove(person.id))).to.deep.include({
			error: 'user-last-owner',
			details: { shouldChangeOwner: [], shouldBeRemoved: [channel] },
		});
		const { deletedRooms } = (await remove(person.id, true)) as { deletedRooms: string[] };
		expect(deletedRooms).to.have.members([channel, direct]);
		expect(await store.rooms.countDocuments({ _id: { $in: [channel, direct, livechat, defaultChannel] } })).to.equal(2);
		// The name is free again.
		await roomkey.call(await addPerson(store), 'channels.create', 'nobody-else');
	});

	it('stores each removed membership in the trash, also those of missing rooms (rocketchat-e2e.md 2.4)', async () => {
		const { person, gone } = await addInvolved();
		const memberships = await roomkey.store.subscriptions.find({ 'u._id': person.id }).toArray();
		await remove(person.id, true);
		const trashed = await roomkey.store.trash.find({ 'u._id': person.id }).toArray();
		expect(trashed.map(({ rid }) => rid))
			.to.have.members(memberships.map(({ rid }) => rid))
			.and.include(gone);
	});

	it('finds users by name, requires delete-user, and reports errors', async () => {
		const person = await addPerson(roomkey.store);
		expect(await rejection(roomkey.call(person, 'users.delete', admin.id))).to.include({ error: 'error-unauthorized' });
		expect(await rejection(remove('nobody'))).to.include({ error: 'error-invalid-user' });
		expect(await rejection(remove(''))).to.include({ error: 'error-user-param-not-provided' });
		await roomkey.call(admin, 'users.delete', undefined, person.username);
		expect(await tracesOf(person.id)).to.deep.equal(nothing);
	});
});
