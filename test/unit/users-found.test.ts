/** Names and e-mails in another case than the stored one. */
import { expect } from 'chai';
import type { User } from '../../shared/documents.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('users who are named in another case', () => {
	let roomkey: TestRoomkey;
	let admin: Person;
	let erika: Person;
	const password = 'secret';

	before(async () => {
		roomkey = await openRoomkey();
		admin = await addPerson(roomkey.store, { username: 'Root', roles: ['admin', 'user'] });
		const emails = [{ address: 'Erika@Example.com', verified: true }];
		erika = await addPerson(roomkey.store, { username: 'Erika.Muster', emails, password });
		for (const username of ['twin', 'TWIN']) await addPerson(roomkey.store, { username, password });
	});
	after(() => roomkey.close());

	const logIn = (user: object) =>
		roomkey.callAs({ setUserId: () => {} }, 'login', { user, password }) as Promise<{ id: string }>;
	const info = (username: string) => roomkey.call(admin, 'users.info', undefined, username) as Promise<{ user: User }>;

	it('can log in by name and by e-mail', async () => {
		for (const user of [
			{ username: 'Erika.Muster' },
			{ username: 'eRIKA.mUSTER' },
			{ email: 'Erika@Example.com' },
			{ email: 'erika@example.COM' },
		]) {
			expect((await logIn(user)).id).to.equal(erika.id);
		}
	});

	it('are found by the exact spelling, else only if one user matches', async () => {
		expect((await info('TWIN')).user.username).to.equal('TWIN');
		expect((await info('twin')).user.username).to.equal('twin');
		expect(await rejection(info('Twin'))).to.include({ error: 'User not found.' });
		expect(await rejection(logIn({ username: 'Twin' }))).to.include({ error: 403 });
	});

	it('are not found by a text that is longer than any name', async () => {
		expect(await rejection(info('x'.repeat(1_000_000)))).to.include({ error: 'User not found.' });
	});

	it('are found by e-mails with letters that have several lower-case forms', async () => {
		const emails = [{ address: 'ΣΊΣΥΦΟΣ@Example.com', verified: true }];
		const { id } = await addPerson(roomkey.store, { emails, password });
		for (const email of ['σίσυφος@example.com', 'Σίσυφοσ@EXAMPLE.com'])
			expect((await logIn({ email })).id).to.equal(id);
	});

	it('are not found by patterns', async () => {
		for (const username of ['erika_muster', 'Erika.', '.*', 'erika.muster.', '^erika.muster', '(']) {
			expect(await rejection(info(username))).to.include({ error: 'User not found.' });
		}
	});

	it('have one count of wrong passwords for all spellings of their name', async () => {
		const limited = await openRoomkey(undefined, { rateLimit: 'on' });
		try {
			await addPerson(limited.store, { username: 'Guessed', password });
			const guess = (username: string) => {
				const login = { user: { username }, password: 'wrong' };
				return rejection(limited.callAs({ setUserId: () => {}, clientAddress: '203.0.113.1' }, 'login', login));
			};
			const names = ['guessed', 'GUESSED', 'Guessed', 'gUESSED'];
			for (let i = 0; i < 200; i++) {
				const refused = (await guess(names[i % 4] as string)) as Error & { error?: unknown };
				if (refused.error === 'too-many-requests') return expect(i).to.equal(10);
				expect(refused).to.include({ error: 403 });
			}
			throw new Error('No guess was refused by the rate limit');
		} finally {
			await limited.close();
		}
	});

	it('can be added to rooms and removed from them', async () => {
		const rid = await addRoom(roomkey.store, [], { name: 'invited', t: 'c' });
		await roomkey.call(admin, 'channels.invite', rid, undefined, undefined, 'ERIKA.muster');
		expect(await roomkey.store.subscriptions.countDocuments({ rid, 'u._id': erika.id })).to.equal(1);
		await roomkey.call(admin, 'channels.invite', rid, undefined, undefined, undefined, undefined, undefined, [
			'erika.muster',
			'ROOT',
		]);
		expect(await roomkey.store.subscriptions.countDocuments({ rid })).to.equal(2);
		const { group } = (await roomkey.call(admin, 'groups.create', 'named', [
			'erika.muster',
			'Erika.Muster',
			'root',
		])) as {
			group: { usersCount: number };
		};
		expect(group.usersCount).to.equal(2);
	});

	it('have one direct room, in whatever case they are named', async () => {
		const open = async (username: string) =>
			(await roomkey.call(admin, 'im.create', username)) as { room: { rid: string } };
		const { room } = await open('Erika.Muster');
		expect((await open('erika.muster')).room.rid).to.equal(room.rid);
		await roomkey.call(admin, 'im.delete', undefined, 'ERIKA.MUSTER');
		expect(await roomkey.store.rooms.countDocuments({ _id: room.rid })).to.equal(0);
	});

	it('can have their identity keys reset by themselves or an admin', async () => {
		const person = await addPerson(roomkey.store, { username: 'Owner', password, roles: ['user'] });
		const other = await addPerson(roomkey.store, { username: 'owner', password, roles: ['user'] });
		const reset = (as: Person, username: string) =>
			roomkey.callAs({ userId: as.id, setUserId: () => {} }, 'users.resetE2EKey', null, username);
		expect(await rejection(reset(person, 'owner'))).to.include({ error: 'error-not-allowed' });
		expect(await rejection(reset(person, 'nobody'))).to.include({ error: 'error-not-allowed' });
		await roomkey.store.users.deleteOne({ _id: other.id });
		await reset(person, 'OWNER');
		await reset(admin, 'oWNER');
		expect(await rejection(reset(admin, 'nobody'))).to.include({ error: 'error-invalid-user-id' });
	});

	it('can be deleted', async () => {
		const { id } = await addPerson(roomkey.store, { username: 'Leaving' });
		await roomkey.call(admin, 'users.delete', undefined, 'lEAVING');
		expect(await roomkey.store.users.countDocuments({ _id: id })).to.equal(0);
	});

	const create = (email: string, username: string) =>
		roomkey.call(admin, 'users.create', email, 'A Person', username, password);

	it('prevent new users with their name or e-mail', async () => {
		expect(await rejection(create('new@example.com', 'erika.MUSTER'))).to.include({ error: 'error-field-unavailable' });
		expect(await rejection(create('ERIKA@example.com', 'new-name'))).to.include({ error: 'error-field-unavailable' });
	});

	it('are stored at most once if several are created concurrently with one e-mail', async () => {
		const outcomes = await Promise.allSettled(
			['same@example.com', 'SAME@example.com', 'Same@Example.com'].map((email, i) => create(email, `same-${i}`)),
		);
		expect(outcomes.filter(({ status }) => status === 'fulfilled').length).to.be.at.most(1);
		const stored = await roomkey.store.users.find({ 'emails.address': /^same@/i }).toArray();
		expect(stored.length).to.be.at.most(1);
		// While `insertUser` runs, login tokens stand for the name and the e-mail, to keep them unique. It has removed them.
		expect(stored.every(({ services }) => services?.resume?.loginTokens.length === 0)).to.equal(true);
	});
});
