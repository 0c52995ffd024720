/** Edge cases: invited users, long texts, values that not every store can hold, and rate limits. */
import { expect } from 'chai';
import { methods } from '../../methods/index.js';
import { announcedBy } from '../support/keys.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('in a room with an invited user,', () => {
	let roomkey: TestRoomkey;
	let owner: Person;
	let member: Person;
	let invited: Person;
	let admin: Person;
	let rid: string;

	before(async () => {
		roomkey = await openRoomkey();
		owner = await addPerson(roomkey.store, { e2e: { public_key: 'public', private_key: 'private' } });
		member = await addPerson(roomkey.store);
		invited = await addPerson(roomkey.store);
		admin = await addPerson(roomkey.store, { roles: ['admin'] });
	});
	after(() => roomkey.close());
	beforeEach(async () => {
		rid = await addRoom(roomkey.store, []);
		// The invited user has the oldest membership, because a room without an owner is given to its oldest member.
		await addMember(roomkey.store, rid, invited, { status: 'INVITED', ts: new Date(0) });
		await addMember(roomkey.store, rid, owner, { roles: ['owner'], ts: new Date(1) });
		await addMember(roomkey.store, rid, member, { ts: new Date(2) });
	});

	const ask = (as: Person, keyId = 'k') =>
		roomkey.call(as, 'stream-notify-room-users', `${rid}/e2ekeyRequest`, rid, keyId);

	it('the invited user cannot ask for the key, and is not asked (rocketchat-e2e.md 10.3)', async () => {
		expect(await rejection(ask(invited))).to.include({ error: 'not-allowed' });
		const notified = await announcedBy(roomkey, () => ask(owner));
		expect(notified).to.deep.equal([`notify notify-user ${member.id}/e2ekeyRequest ${rid} k`]);
	});

	it("the invited user and the owner cannot read each other's key history (beyond.md E15)", async () => {
		for (const [as, whom] of [
			[invited, owner],
			[owner, invited],
		] as const) {
			expect(await rejection(roomkey.call(as, 'e2e.keyHistory', whom.id))).to.include({ error: 'error-invalid-user' });
		}
		expect(await roomkey.call(member, 'e2e.keyHistory', owner.id)).to.include({ total: 1 });
	});

	it("the invited user does not become owner when the owner's account is deleted", async () => {
		const leaving = await addPerson(roomkey.store);
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': owner.id }, { $unset: { roles: 1 } });
		await addMember(roomkey.store, rid, leaving, { roles: ['owner'] });
		await roomkey.call(admin, 'users.delete', leaving.id, undefined, undefined, true);
		const newOwner = await roomkey.store.subscriptions.findOne({ rid, roles: 'owner' });
		expect(newOwner?.u._id).to.equal(owner.id);
	});

	it('the invited user has none of the rights of their role', async () => {
		await roomkey.store.rooms.updateOne({ _id: rid }, { $set: { t: 'c' } });
		await roomkey.store.subscriptions.updateOne({ rid, 'u._id': invited.id }, { $set: { roles: ['owner'] } });
		for (const [name, ...params] of [
			['channels.kick', rid, '', member.id],
			['rooms.saveRoomSettings', rid, undefined, undefined, 'topic'],
			['channels.delete', rid],
		] as const) {
			expect(await rejection(roomkey.call(invited, name, ...params)), name).to.have.property('error');
		}
		expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(3);
		expect(await roomkey.store.rooms.findOne({ _id: rid })).to.not.have.property('topic');
	});

	it('a long text that all members would receive is refused', async () => {
		expect(await rejection(ask(owner, 'x'.repeat(10_000)))).to.include({ error: 'not-allowed' });
		const long = 'x'.repeat(100_000);
		for (const [name, ...params] of [
			['rooms.saveRoomSettings', rid, undefined, undefined, long],
			['rooms.saveRoomSettings', rid, undefined, undefined, undefined, long],
			['groups.create', 'long-1', [], false, { text: long }],
			['groups.create', 'long-2', [], false, {}, { topic: long }],
		]) {
			const thrown = await rejection(roomkey.call(owner, name as string, ...params));
			expect(thrown, name as string).to.have.property('errorType', 'Match.Error');
		}
		expect(await rejection(roomkey.call(owner, 'saveRoomSettings', rid, 'roomTopic', long))).to.include({
			error: 'error-invalid-settings',
		});
	});
});

describe('methods', () => {
	let roomkey: TestRoomkey;
	let person: Person;

	before(async () => {
		roomkey = await openRoomkey();
		person = await addPerson(roomkey.store);
	});
	after(() => roomkey.close());

	it('refuse an invalid date', async () => {
		const invalid = new Date(Number.NaN);
		for (const name of ['public-settings/get', 'rooms/get', 'subscriptions/get']) {
			expect(await rejection(roomkey.call(person, name, invalid)), name).to.include({
				error: 'error-updatedSince-param-invalid',
			});
		}
	});

	for (const name of ['a\0b', '\0', '__proto__', '$a', 'a.b', '']) {
		it(`refuse a field named ${JSON.stringify(name)}`, async () => {
			const fields = JSON.parse(`{${JSON.stringify(name)}: 1}`);
			const thrown = await rejection(roomkey.call(person, 'groups.create', 'fields', [], false, { in: fields }));
			expect(thrown).to.have.property('errorType', 'Match.Error');
		});
	}
});

describe('rate limits (beyond.md T2)', () => {
	/** Methods without `limit`: other rules limit them, they answer at once, or they must always be possible. */
	const UNLIMITED = [
		'login',
		'createUser',
		'logout',
		'removeOtherTokens',
		'settings.public',
		'public-settings/get',
		'sendMessage',
		'chat.sendMessage',
	];

	for (const { name, limit } of methods) {
		if (UNLIMITED.includes(name)) continue;
		it(`apply to ${name}`, () => {
			expect(limit).to.have.property('calls').that.is.above(0);
		});
	}

	it('keep the holder of a token from guessing the password by changePassword', async () => {
		const roomkey = await openRoomkey(methods, { rateLimit: 'on' });
		try {
			const person = await addPerson(roomkey.store, { password: 'right' });
			for (let i = 0; i < 10; i++) {
				expect(await rejection(roomkey.call(person, 'changePassword', `wrong ${i}`, 'new'))).to.include({ error: 403 });
			}
			expect(await rejection(roomkey.call(person, 'changePassword', 'right', 'new'))).to.include({
				error: 'too-many-requests',
			});
		} finally {
			await roomkey.close();
		}
	});
});
