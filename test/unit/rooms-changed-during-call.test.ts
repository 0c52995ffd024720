/** Calls for a room that another call changes meanwhile, and aborted calls. */
import { expect } from 'chai';
import { recordEvents } from '../support/announced.js';
import { type HookedStore, openHookedRoomkey } from '../support/hooks.js';
import { sealed } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import type { TestRoomkey } from '../support/roomkey.js';

const OWNER = { roles: ['owner'] };
const identity = { e2e: { public_key: 'public', private_key: 'private' } };

describe('while a room changes,', () => {
	let hooked: HookedStore;
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;

	beforeEach(async () => {
		({ roomkey, hooked } = await openHookedRoomkey());
		alice = await addPerson(roomkey.store, { username: 'alice', ...identity });
		bob = await addPerson(roomkey.store, { username: 'bob', ...identity });
	});
	afterEach(() => roomkey.close());

	async function room(fields = {}, membershipFields = {}): Promise<string> {
		const rid = await addRoom(roomkey.store, [], { name: 'before', usersCount: 1, ...fields });
		await addMember(roomkey.store, rid, alice, { name: 'before', ...OWNER, ...membershipFields });
		return rid;
	}

	const roomOf = (rid: string) => roomkey.store.rooms.findOne({ _id: rid });
	const membershipOf = (rid: string, { id }: Person) => roomkey.store.subscriptions.findOne({ rid, 'u._id': id });
	const rename = (rid: string, name: string) =>
		roomkey.call(alice, 'rooms.saveRoomSettings', rid, undefined, name) as Promise<unknown>;
	const invite = (rid: string, person: Person) => roomkey.call(alice, 'groups.invite', rid, undefined, person.id);

	it('a deletion aborted after the room is deleted is completed and announced', async () => {
		const rid = await room();
		const aborter = new AbortController();
		hooked.before('rooms', 'deleteOne', async () => aborter.abort());
		const received = await recordEvents(roomkey.bus, async () => {
			await roomkey.callAs({ userId: alice.id, signal: aborter.signal }, 'groups.delete', rid).catch(() => {});
		});
		expect(await roomOf(rid)).to.equal(null);
		expect(await membershipOf(rid, alice)).to.equal(null);
		expect(received.of('rooms')).to.deep.equal([`removed ${rid}`]);
	});

	it('a leaving member who is invited again is queued for the key', async () => {
		const key = sealed('k');
		const rid = await room({ t: 'p', encrypted: true, e2eKeyId: 'k', usersCount: 2 }, { t: 'p', E2EKey: key });
		await addMember(roomkey.store, rid, bob, { t: 'p', name: 'before' });
		// The invitation ends between the removal of the membership and the next write of the call.
		hooked.before('subscriptions', 'deleteOne', async () => {
			hooked.before('users', 'updateOne', () => invite(rid, bob));
		});
		await roomkey.call(bob, 'groups.leave', rid);
		expect(await membershipOf(rid, bob)).to.not.equal(null);
		expect((await roomkey.store.users.findOne({ _id: bob.id }))?.__rooms).to.deep.equal([rid]);
		expect((await roomOf(rid))?.usersWaitingForE2EKeys?.map(({ userId }) => userId)).to.deep.equal([bob.id]);
	});

	it('a deletion is announced even if the last memberships cannot be removed', async () => {
		const rid = await room();
		const failure = new Error('the store fails');
		// With one member there is only one removal, after the room was deleted.
		hooked.before('subscriptions', 'deleteMany', () => Promise.reject(failure));
		const received = await recordEvents(roomkey.bus, async () => {
			expect(await rejection(roomkey.call(alice, 'groups.delete', rid))).to.be.an('error');
		});
		expect(received.of('rooms')).to.deep.equal([`removed ${rid}`]);
		await roomkey.call(alice, 'groups.delete', rid);
		expect(await membershipOf(rid, alice)).to.equal(null);
	});

	it('a leaving member who gets the new room key is the last holder', async () => {
		const rid = await room({ encrypted: true, e2eKeyId: 'old' });
		await addMember(roomkey.store, rid, bob, { ...OWNER, E2EKey: sealed('old') });
		// The room is read before the reset, the membership after it.
		hooked.before('subscriptions', 'findOne', () =>
			roomkey.call(bob, 'e2e.resetRoomKey', rid, sealed('new'), 'new').then(() => {}),
		);
		expect(await roomkey.call(bob, 'groups.leave', rid)).to.deep.equal({ lastKeyHolder: true });
		expect((await roomOf(rid))?.e2eStale).to.include({ reason: 'member-left' });
	});

	it('a leaving member without the new room key does not make it stale', async () => {
		const rid = await room({ encrypted: true, e2eKeyId: 'old' }, { E2EKey: sealed('old') });
		await addMember(roomkey.store, rid, bob, { E2EKey: sealed('old') });
		hooked.before('subscriptions', 'findOne', () =>
			roomkey.call(alice, 'e2e.resetRoomKey', rid, sealed('new'), 'new').then(() => {}),
		);
		await roomkey.call(bob, 'groups.leave', rid);
		expect(await roomOf(rid))
			.to.include({ e2eKeyId: 'new' })
			.and.not.have.property('e2eStale');
	});

	it('the memberships get the name of the last of two concurrent renames', async () => {
		const rid = await room();
		await addMember(roomkey.store, rid, bob, { name: 'before' });
		// The second rename runs between the first one's writes to the room and to the memberships.
		hooked.before('subscriptions', 'updateOne', () => rename(rid, 'second'));
		await rename(rid, 'first');
		expect(await roomOf(rid)).to.include({ name: 'second', fname: 'second' });
		for (const person of [alice, bob])
			expect(await membershipOf(rid, person)).to.include({ name: 'second', fname: 'second' });
	});

	it('a new membership has the name that the room got meanwhile', async () => {
		const rid = await room();
		hooked.before('subscriptions', 'insertOne', () => rename(rid, 'after'));
		const received = await recordEvents(roomkey.bus, () => invite(rid, bob));
		expect(await membershipOf(rid, bob)).to.include({ name: 'after', fname: 'after' });
		const inserted = received.changes.find(({ action }) => action === 'inserted');
		expect(inserted?.document).to.include({ name: 'after' });
	});

	it('a new membership has the username that the user got meanwhile', async () => {
		const rid = await room();
		const admin = await addPerson(roomkey.store, { roles: ['admin'] });
		hooked.before('subscriptions', 'insertOne', () =>
			roomkey.call(admin, 'users.update', bob.id, { username: 'robert' }),
		);
		await invite(rid, bob);
		expect((await membershipOf(rid, bob))?.u).to.include({ username: 'robert' });
	});

	for (const [name, ...args] of [
		['groups.create', 'made', ['bob']],
		['im.create', 'bob'],
	] as const)
		it(`the room of ${name} is found by rooms.get with a date during the call`, async () => {
			let since = new Date();
			hooked.before('subscriptions', 'insertOne', async () => {
				since = new Date();
				while (Date.now() <= since.getTime()) await new Promise(setImmediate);
			});
			await roomkey.call(alice, name, ...args);
			const { update } = (await roomkey.call(bob, 'rooms.get', since)) as { update: { usersCount: number }[] };
			expect(update.map(({ usersCount }) => usersCount)).to.deep.equal([2]);
		});

	it('a default channel without members is not replaced by its creator', async () => {
		const u = { _id: alice.id, username: 'alice' };
		const fields = { t: 'c', name: 'general', u, ts: new Date(0), usersCount: 0 } as const;
		await addRoom(roomkey.store, [], { _id: 'general', ...fields, default: true });
		expect(await rejection(roomkey.call(alice, 'channels.create', 'general'))).to.include({
			error: 'error-duplicate-channel-name',
		});
		expect(await roomOf('general')).to.include({ default: true });
	});
});
