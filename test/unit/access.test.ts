/** The rules of test/contract/rocketchat-e2e.md section 3. Numbers in titles are those of the rules in 3.1. */
import { expect } from 'chai';
import type { Room } from '../../shared/documents.js';
import { randomId } from '../../shared/ids.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('room access (3.1, 3.2)', () => {
	let roomkey: TestRoomkey;
	let user: Person;
	let guest: Person;
	let stranger: Person;

	before(async () => {
		roomkey = await openRoomkey();
		user = await addPerson(roomkey.store);
		guest = await addPerson(roomkey.store, { roles: ['guest'] });
		stranger = await addPerson(roomkey.store, { roles: ['nobody-knows-this-role'] });
	});
	after(() => roomkey.close());

	async function maySee(person: Person, rid: string): Promise<boolean> {
		try {
			await roomkey.call(person, 'e2e.setRoomKeyID', rid, 'k');
			return true;
		} catch (error) {
			expect(error).to.deep.include({ error: 'error-invalid-room', details: { method: 'e2e.setRoomKeyID' } });
			return false;
		}
	}

	const room = (fields: Partial<Room>, ...members: Person[]) => addRoom(roomkey.store, members, fields);

	async function team(type: 0 | 1, ...members: Person[]): Promise<string> {
		const teamId = randomId();
		await roomkey.store.teams.insertOne({ _id: teamId, type });
		for (const { id } of members) await roomkey.store.teamMembers.insertOne({ _id: randomId(), teamId, userId: id });
		return teamId;
	}

	it('shows a channel of a public team to a caller with view-c-room (1)', async () => {
		expect(await maySee(user, await room({ t: 'c', teamId: await team(0) }))).to.equal(true);
		expect(await maySee(stranger, await room({ t: 'c', teamId: await team(0) }))).to.equal(false);
	});

	it('shows a channel of a private team only to members of the team (1)', async () => {
		expect(await maySee(user, await room({ t: 'c', teamId: await team(1) }))).to.equal(false);
		expect(await maySee(stranger, await room({ t: 'c', teamId: await team(1, stranger) }))).to.equal(true);
	});

	it('shows a channel to a caller with view-c-room who has no membership (2)', async () => {
		expect(await maySee(user, await room({ t: 'c' }))).to.equal(true);
		expect(await maySee(guest, await room({ t: 'c' }))).to.equal(false);
	});

	it('shows a private room only to its members (3)', async () => {
		expect(await maySee(user, await room({ t: 'p' }, user))).to.equal(true);
		expect(await maySee(user, await room({ t: 'p' }, guest))).to.equal(false);
	});

	it('shows a channel to a member with view-joined-room who lacks view-c-room (3)', async () => {
		expect(await maySee(guest, await room({ t: 'c' }, guest))).to.equal(true);
	});

	it('shows a direct room to its members (3)', async () => {
		expect(await maySee(user, await room({ t: 'd' }, user, guest))).to.equal(true);
		expect(await maySee(user, await room({ t: 'd' }, guest))).to.equal(false);
	});

	it('hides a private room from a member who has neither view-joined-room nor view-p-room (3)', async () => {
		expect(await maySee(stranger, await room({ t: 'p' }, stranger))).to.equal(false);
	});

	it('hides a room from users who were only invited (3)', async () => {
		const rid = await room({ t: 'p' });
		await addMember(roomkey.store, rid, user, { status: 'INVITED' });
		expect(await maySee(user, rid)).to.equal(false);
	});

	it('shows a discussion to a caller who may see its parent (4)', async () => {
		const parent = await room({ t: 'p' }, user);
		expect(await maySee(user, await room({ t: 'p', prid: parent }))).to.equal(true);
		expect(await maySee(guest, await room({ t: 'p', prid: parent }))).to.equal(false);
	});

	it('hides a discussion with a circular or missing parent from non-members (4)', async () => {
		const [one, two] = [randomId(), randomId()];
		await room({ _id: one, t: 'p', prid: two });
		await room({ _id: two, t: 'p', prid: one });
		expect(await maySee(user, one)).to.equal(false);
		expect(await maySee(user, await room({ t: 'p', prid: 'gone' }))).to.equal(false);
	});

	it('shows a livechat room to its agent and to livechat managers (5)', async () => {
		const manager = await addPerson(roomkey.store, { roles: ['livechat-manager'] });
		expect(await maySee(user, await room({ t: 'l', servedBy: { _id: user.id } }))).to.equal(true);
		expect(await maySee(user, await room({ t: 'l', servedBy: { _id: guest.id } }))).to.equal(false);
		expect(await maySee(manager, await room({ t: 'l' }))).to.equal(true);
	});

	it('shows a voip room to its agent (6)', async () => {
		expect(await maySee(user, await room({ t: 'v', servedBy: { _id: user.id } }))).to.equal(true);
		expect(await maySee(user, await room({ t: 'v' }))).to.equal(false);
	});

	it('refuses a deleted user with an error that names canAccessRoom', async () => {
		const gone = { id: 'gone', username: 'gone', token: '' };
		const rid = await room({ t: 'c' });
		expect(await rejection(roomkey.call(gone, 'e2e.setRoomKeyID', rid, 'k'))).to.deep.include({
			error: 'error-invalid-user',
			details: { method: 'canAccessRoom' },
		});
	});

	it('follows the permissions in the database instead of the defaults', async () => {
		const other = await openRoomkey();
		try {
			await other.store.permissions.insertOne({ _id: 'view-c-room', roles: ['chosen'] });
			const chosen = await addPerson(other.store, { roles: ['chosen'] });
			const ordinary = await addPerson(other.store);
			const rid = await addRoom(other.store, [], { t: 'c' });
			expect(await rejection(other.call(ordinary, 'e2e.setRoomKeyID', rid, 'k'))).to.include({
				error: 'error-invalid-room',
			});
			await other.call(chosen, 'e2e.setRoomKeyID', rid, 'k');
		} finally {
			await other.close();
		}
	});
});
