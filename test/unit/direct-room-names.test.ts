/** Direct rooms are named after their members, and renamed when a member is renamed. */
import { expect } from 'chai';
import { hashToken } from '../../methods/model/users/tokens.js';
import type { Room } from '../../shared/documents.js';
import { isChangeOf } from '../../shared/store.js';
import { addPerson, type Person } from '../support/people.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('names of direct rooms', () => {
	let roomkey: TestRoomkey;
	let admin: Person;
	let count = 0;

	before(async () => {
		roomkey = await openRoomkey();
		admin = await addPerson(roomkey.store, { username: 'root', roles: ['admin'] });
	});
	after(() => roomkey.close());

	const person = (name?: string) =>
		addPerson(roomkey.store, { username: `p${count++}.${name?.toLowerCase() ?? ''}`, ...(name && { name }) });
	const open = async (as: Person, ...others: Person[]) => {
		const usernames = others.map(({ username }) => username).join(', ');
		return ((await roomkey.call(as, 'im.create', undefined, usernames)) as { room: Room }).room._id;
	};
	const namesFor = async ({ id }: Person, rid: string) => {
		const membership = await roomkey.store.subscriptions.findOne({ rid, 'u._id': id });
		return [membership?.name, membership?.fname];
	};
	const usernamesOf = async (rid: string) => (await roomkey.store.rooms.findOne({ _id: rid }))?.usernames;

	/** The user ids of the memberships that were announced while a task ran. */
	async function notified(task: () => Promise<unknown>): Promise<string[]> {
		const ids: string[] = [];
		const stop = roomkey.bus.on('changed', (change) => {
			if (isChangeOf(change, 'subscriptions')) ids.push(change.document.u._id);
		});
		await task();
		stop();
		return ids;
	}

	for (const [method, change] of [
		['users.update', (who: Person, data: object) => roomkey.call(admin, 'users.update', who.id, data)],
		[
			'users.updateOwnBasicInfo',
			(who: Person, data: object) =>
				roomkey.callAs({ userId: who.id, hashedToken: hashToken(who.token) }, 'users.updateOwnBasicInfo', data),
		],
	] as const) {
		describe(`after ${method}`, () => {
			it('include a new display name as fname, and the other member is notified', async () => {
				const [ann, bob] = [await person('Ann'), await person('Bob')];
				const rid = await open(ann, bob);
				expect(await namesFor(bob, rid)).to.deep.equal([ann.username, 'Ann']);
				expect(await notified(() => change(ann, { name: 'Anna' }))).to.deep.equal([bob.id]);
				expect(await namesFor(bob, rid)).to.deep.equal([ann.username, 'Anna']);
				expect(await namesFor(ann, rid)).to.deep.equal([bob.username, 'Bob']);
			});

			it('include a new username, also as fname if there is no display name', async () => {
				const [ann, bob] = [await person(), await person()];
				const rid = await open(ann, bob);
				const username = `${ann.username}.new`;
				await change(ann, { username });
				expect(await namesFor(bob, rid)).to.deep.equal([username, username]);
				expect(await usernamesOf(rid)).to.have.members([username, bob.username]);
			});

			it('list all other members in the order of display names', async () => {
				const [ann, bob, carl] = [await person('Ann'), await person('Bob'), await person('Carl')];
				const rid = await open(carl, bob, ann);
				expect(await namesFor(carl, rid)).to.deep.equal([`${ann.username}, ${bob.username}`, 'Ann, Bob']);
				const username = `${ann.username}.new`;
				await change(ann, { name: 'Zoe', username });
				expect(await namesFor(bob, rid)).to.deep.equal([`${carl.username}, ${username}`, 'Carl, Zoe']);
				expect(await namesFor(carl, rid)).to.deep.equal([`${bob.username}, ${username}`, 'Bob, Zoe']);
				expect(await namesFor(ann, rid)).to.deep.equal([`${bob.username}, ${carl.username}`, 'Bob, Carl']);
				expect(await usernamesOf(rid)).to.have.members([username, bob.username, carl.username]);
			});

			it('are those of the user in a room whose only member is the user', async () => {
				const ann = await person('Ann');
				const rid = await open(ann, ann);
				const username = `${ann.username}.new`;
				await change(ann, { name: 'Anna', username });
				expect(await namesFor(ann, rid)).to.deep.equal([username, 'Anna']);
				expect(await usernamesOf(rid)).to.deep.equal([username]);
			});

			it('are repaired by repeating an interrupted change; repeating a complete one writes nothing', async () => {
				const [ann, bob] = [await person('Ann'), await person('Bob')];
				const rid = await open(ann, bob);
				await roomkey.store.subscriptions.updateOne({ rid, 'u._id': bob.id }, { $set: { fname: 'old' } });
				expect(await notified(() => change(ann, { name: 'Ann' }))).to.deep.equal([bob.id]);
				expect(await namesFor(bob, rid)).to.deep.equal([ann.username, 'Ann']);
				expect(await notified(() => change(ann, { name: 'Ann', username: ann.username }))).to.deep.equal([]);
			});
		});
	}

	it('include both new names when two members change their names concurrently', async () => {
		const [ann, bob, carl] = [await person('Ann'), await person('Bob'), await person('Carl')];
		const rid = await open(carl, bob, ann);
		const update = (who: Person, name: string) =>
			roomkey.call(admin, 'users.update', who.id, { name, username: `${who.username}.new` });
		await Promise.all([update(ann, 'Anna'), update(bob, 'Bobby')]);
		const usernames = [`${ann.username}.new`, `${bob.username}.new`];
		expect(await namesFor(carl, rid)).to.deep.equal([usernames.join(', '), 'Anna, Bobby']);
		expect(await usernamesOf(rid)).to.have.members([...usernames, carl.username]);
	});

	it('are the only room names that change with the name of a member', async () => {
		const ann = await person('Ann');
		const { group } = (await roomkey.call(ann, 'groups.create', `g${count++}`)) as { group: Room };
		await roomkey.call(admin, 'users.update', ann.id, { name: 'Anna' });
		expect(await namesFor(ann, group._id)).to.deep.equal([group.name, group.name]);
	});
});
