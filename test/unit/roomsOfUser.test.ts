/** The rooms and memberships of a user, read in pages. */
import { expect } from 'chai';
import { membershipsOfUser, roomsOfUser } from '../../methods/model/memberships/roomsOfUser.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { type OpenStore, openTestStore } from '../support/store.js';

describe('the rooms of a user', () => {
	let opened: OpenStore;
	let alice: Person;
	let bob: Person;
	before(async () => {
		opened = await openTestStore();
		alice = await addPerson(opened.store);
		bob = await addPerson(opened.store);
		for (let i = 0; i < 501; i++) await addRoom(opened.store, [alice], { name: `room-${i}`, encrypted: i % 2 === 0 });
		const rid = await addRoom(opened.store, [bob], { name: 'invited', encrypted: true });
		await addMember(opened.store, rid, alice, { status: 'INVITED' });
	});
	after(() => opened.close());

	it('are read in pages, once each, with memberships and without invitations', async () => {
		const names = new Set<string | undefined>();
		const sizes: number[] = [];
		for await (const { memberships, rooms } of roomsOfUser(opened.store, alice.id, { roomFields: { name: 1 } })) {
			expect(rooms.map(({ _id }) => _id)).to.have.members(memberships.map(({ rid }) => rid));
			for (const { name } of rooms) names.add(name);
			sizes.push(rooms.length);
		}
		// 500 memberships are read at a time, and then their rooms, 200 at a time.
		expect(sizes).to.deep.equal([200, 200, 100, 1]);
		expect(names.size).to.equal(501);
		expect(names.has('invited')).to.equal(false);
	});

	it('match the filters for rooms and for memberships', async () => {
		const found: (string | undefined)[] = [];
		const options = {
			rooms: { encrypted: true },
			roomFields: { name: 1 },
			memberships: { status: 'INVITED' },
		} as const;
		for await (const { rooms } of roomsOfUser(opened.store, alice.id, options)) {
			for (const { name } of rooms) found.push(name);
		}
		expect(found).to.deep.equal(['invited']);
		let encrypted = 0;
		for await (const { rooms } of roomsOfUser(opened.store, alice.id, { ...options, memberships: {} })) {
			encrypted += rooms.length;
		}
		// 251 of the 501 rooms, and the room with the invitation.
		expect(encrypted).to.equal(252);
	});

	it('include no membership of another user, even if the filter asks for it', async () => {
		const own: string[] = [];
		for await (const page of membershipsOfUser(opened.store, bob.id, { 'u._id': alice.id })) {
			for (const { u } of page) own.push(u._id);
		}
		expect(own).to.deep.equal([bob.id]);
	});

	it('are not read further after the signal of the call has fired', async () => {
		const aborted = new AbortController();
		const read = async () => {
			for await (const _ of roomsOfUser(opened.store, alice.id, { roomFields: {}, signal: aborted.signal })) {
				aborted.abort();
			}
		};
		expect(await rejection(read())).to.include({ error: 'error-timeout' });
	});
});
