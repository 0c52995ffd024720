/** The people and rooms of the demo. */
import { expect } from 'chai';
import { fillDemo } from '../../server/start/demo.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('the demo', () => {
	let roomkey: TestRoomkey;

	before(async () => {
		roomkey = await openRoomkey();
		await fillDemo(roomkey.store);
		const alice = await roomkey.store.users.findOne({ username: 'alice' });
		const caller = { id: alice?._id as string, username: 'alice', token: '' };
		await roomkey.call(caller, 'groups.create', 'made-by-a-client', ['bob']);
	});
	after(() => roomkey.close());

	it('has memberships like those in a room that a client has created', async () => {
		const made = await roomkey.store.subscriptions.findOne({ name: 'made-by-a-client', 'u.username': 'bob' });
		const all = await roomkey.store.subscriptions.find({ name: { $ne: 'made-by-a-client' } }).toArray();
		expect(all).to.have.length(5);
		for (const { roles, ...membership } of all) {
			expect(membership).to.have.all.keys(Object.keys(made as object));
			expect(membership).to.include({ alert: false, unread: 0, userMentions: 0, groupMentions: 0, open: true });
			expect(membership.fname).to.equal(membership.name);
			expect(membership.ls).to.be.instanceOf(Date);
		}
	});

	it('has encrypted rooms like one that a client has created, in `__rooms` of their users', async () => {
		const made = await roomkey.store.rooms.findOne({ name: 'made-by-a-client' });
		const encryptedRooms = await roomkey.store.rooms.find({ encrypted: true }).toArray();
		expect(encryptedRooms).not.to.deep.equal([]);
		for (const { e2eKeyId, encrypted, ...room } of encryptedRooms) {
			expect(room).to.have.all.keys(Object.keys(made as object));
			expect(await roomkey.store.users.countDocuments({ __rooms: room._id })).to.equal(room.usersCount);
		}
	});
});
