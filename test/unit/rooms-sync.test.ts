/** How clients read their rooms and memberships (test/contract/rocketchat-e2e.md 2.4). */
import { expect } from 'chai';
import type { Room, Subscription } from '../../shared/documents.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

interface Delta<T> {
	update: T[];
	remove: { _id: string; _deletedAt: Date }[];
}

const LONG_AGO = new Date(1000);
const OWNER = { roles: ['owner'] };
const ids = (documents: { _id: string }[]) => documents.map(({ _id }) => _id);

describe('reading rooms and memberships', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	let bob: Person;

	beforeEach(async () => {
		roomkey = await openRoomkey();
		alice = await addPerson(roomkey.store, { username: 'alice' });
		bob = await addPerson(roomkey.store, { username: 'bob' });
	});
	afterEach(() => roomkey.close());

	async function oldRoom(...members: Person[]): Promise<string> {
		const rid = await addRoom(roomkey.store, [], { _updatedAt: LONG_AGO, usersCount: members.length });
		for (const member of members) await addMember(roomkey.store, rid, member, { _updatedAt: LONG_AGO, ...OWNER });
		return rid;
	}

	const rooms = (as: Person, since?: unknown) => roomkey.call(as, 'rooms.get', since) as Promise<Delta<Room>>;
	const memberships = (as: Person, since?: unknown) =>
		roomkey.call(as, 'subscriptions.get', since) as Promise<Delta<Subscription>>;
	const SINCE = new Date(2000);

	it("returns the caller's rooms and memberships", async () => {
		const [one, two] = [await oldRoom(alice, bob), await oldRoom(alice)];
		await oldRoom(bob);
		const mine = await rooms(alice);
		expect(ids(mine.update)).to.have.members([one, two]);
		expect(mine.remove).to.deep.equal([]);
		const { update, remove } = await memberships(alice);
		expect(update.map(({ rid }) => rid)).to.have.members([one, two]);
		expect(update.every(({ u }) => u._id === alice.id)).to.equal(true);
		expect(remove).to.deep.equal([]);
	});

	it('returns only rooms and memberships that have changed since a date', async () => {
		const changed = await oldRoom(alice, bob);
		await oldRoom(alice, bob);
		expect(await rooms(alice, SINCE)).to.deep.equal({ update: [], remove: [] });
		expect(await memberships(alice, SINCE)).to.deep.equal({ update: [], remove: [] });
		await roomkey.call(alice, 'e2e.setRoomKeyID', changed, 'k');
		expect(ids((await rooms(alice, SINCE)).update)).to.deep.equal([changed]);
		expect((await memberships(alice, SINCE)).update).to.deep.equal([]);
	});

	it('returns a room that the caller has joined since the date', async () => {
		const rid = await oldRoom(alice);
		await roomkey.call(alice, 'groups.invite', rid, undefined, bob.id);
		expect(ids((await rooms(bob, SINCE)).update)).to.deep.equal([rid]);
		expect((await memberships(bob, SINCE)).update.map((membership) => membership.rid)).to.deep.equal([rid]);
	});

	it('returns left and deleted rooms of the caller as removed', async () => {
		const [left, deleted, others] = [await oldRoom(alice, bob), await oldRoom(alice, bob), await oldRoom(alice)];
		const before = await memberships(bob);
		await roomkey.call(bob, 'groups.leave', left);
		await roomkey.call(alice, 'groups.delete', deleted);
		await roomkey.call(alice, 'groups.delete', others);
		const ofBob = await rooms(bob, SINCE);
		expect(ofBob.update).to.deep.equal([]);
		expect(ids(ofBob.remove)).to.have.members([left, deleted]);
		expect(ofBob.remove[0]?._deletedAt).to.be.a('date');
		expect(ids((await memberships(bob, SINCE)).remove)).to.have.members(ids(before.update));
		expect(ids((await rooms(alice, SINCE)).remove)).to.have.members([deleted, others]);
		const later = new Date(Date.now() + 60_000);
		expect((await rooms(bob, later)).remove).to.deep.equal([]);
	});

	it('returns only the former membership as removed after the caller has joined again', async () => {
		const rid = await oldRoom(alice, bob);
		const before = await memberships(bob);
		await roomkey.call(bob, 'groups.leave', rid);
		await roomkey.call(alice, 'groups.invite', rid, undefined, bob.id);
		expect(await rooms(bob, SINCE)).to.have.deep.property('remove', []);
		const { update, remove } = await memberships(bob, SINCE);
		expect(update).to.have.length(1);
		expect(ids(remove)).to.deep.equal(ids(before.update));
	});

	it('does not return a membership as removed if its removal was interrupted', async () => {
		const rid = await oldRoom(bob);
		const membership = (await memberships(bob)).update[0] as Subscription;
		// The interrupted removal has put a copy into the trash. The membership is still stored.
		await roomkey.store.trash.insertOne({
			_id: membership._id,
			__collection__: 'subscription',
			_deletedAt: new Date(),
			rid,
			u: membership.u,
		});
		expect((await memberships(bob, SINCE)).remove).to.deep.equal([]);
		expect((await rooms(bob, SINCE)).remove).to.deep.equal([]);
	});

	it('returns an invitation, but not yet its room', async () => {
		const rid = await oldRoom(alice);
		await addMember(roomkey.store, rid, bob, { status: 'INVITED' });
		expect((await memberships(bob)).update).to.have.length(1);
		expect((await rooms(bob)).update).to.deep.equal([]);
	});

	it('returns a plain list over DDP if no date is given', async () => {
		const rid = await oldRoom(alice);
		expect(ids((await roomkey.call(alice, 'rooms/get')) as Room[])).to.deep.equal([rid]);
		expect((await roomkey.call(alice, 'subscriptions/get')) as Subscription[]).to.have.length(1);
		for (const name of ['rooms/get', 'subscriptions/get']) {
			expect(await roomkey.call(alice, name, SINCE)).to.deep.equal({ update: [], remove: [] });
		}
	});

	it('accepts a date as an ISO text, and refuses other texts', async () => {
		await oldRoom(alice);
		expect(await rooms(alice, SINCE.toISOString())).to.deep.equal({ update: [], remove: [] });
		for (const name of ['rooms.get', 'subscriptions.get', 'rooms/get', 'subscriptions/get']) {
			expect(await rejection(roomkey.call(alice, name, 'yesterday'))).to.deep.include({
				error: 'error-updatedSince-param-invalid',
				details: { method: name },
			});
		}
	});

	it("returns the caller's membership in one room, or null, by subscriptions.getOne", async () => {
		const rid = await oldRoom(alice);
		const { subscription } = (await roomkey.call(alice, 'subscriptions.getOne', rid)) as { subscription: Subscription };
		expect(subscription).to.deep.include({ rid, u: { _id: alice.id, username: 'alice' } });
		expect(await roomkey.call(bob, 'subscriptions.getOne', rid)).to.deep.equal({ subscription: null });
	});

	it('returns more rooms than one query reads', async () => {
		const many = [];
		// A query reads 200 rooms.
		for (let i = 0; i < 250; i++) many.push(await oldRoom(alice));
		expect(ids((await rooms(alice)).update)).to.have.members(many);
	});
});
