/** Creating, reading and listing users. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { User } from '../../shared/documents.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('creating and reading users', () => {
	let roomkey: TestRoomkey;
	let admin: Person;
	let alice: Person;
	let count = 0;

	before(async () => {
		roomkey = await openRoomkey();
		admin = await addPerson(roomkey.store, { username: 'root', roles: ['admin'] });
		alice = await addPerson(roomkey.store, { username: 'alice' });
	});
	after(() => roomkey.close());

	const newName = () => `person.${count++}`;
	const userOf = async (id: string) => (await roomkey.store.users.findOne({ _id: id })) as User;
	const create = (as: Person, email: unknown, name: unknown, username: unknown, ...more: unknown[]) =>
		roomkey.call(as, 'users.create', email, name, username, ...more) as Promise<{ user: User }>;
	const logIn = (username: string, password: string) =>
		roomkey.callAs({ setUserId: () => {} }, 'login', { user: { username }, password });

	describe('users.create', () => {
		it('creates an account that can log in, and returns it without secrets', async () => {
			const name = newName();
			const { user } = await create(admin, `${name}@Example.com`, 'A Person', name, 'secret');
			expect(user).to.deep.equal({
				_id: user._id,
				createdAt: user.createdAt,
				username: name,
				name: 'A Person',
				emails: [{ address: `${name}@Example.com`, verified: false }],
				type: 'user',
				roles: ['user'],
				active: true,
				status: 'offline',
				settings: {},
				_updatedAt: user._updatedAt,
			});
			expect(user._updatedAt).to.be.instanceOf(Date);
			expect(user.createdAt).to.be.instanceOf(Date);
			expect((await userOf(user._id)).services?.resume?.loginTokens).to.deep.equal([]);
			expect(await logIn(name, 'secret')).to.include({ id: user._id });
		});

		it('stores at most 10,000 characters of custom fields, by one call or several', async () => {
			const name = newName();
			const tooLarge = create(admin, `${name}@x`, name, name, 'p', ...Array(5).fill(undefined), {
				a: 'x'.repeat(10_000),
			});
			expect(await rejection(tooLarge)).to.include({ errorType: 'Match.Error' });
			const { user } = await create(admin, `${name}@x`, name, name, 'p');
			const add = (field: string) =>
				roomkey.call(admin, 'users.update', user._id, { customFields: { [field]: 'x'.repeat(6000) } });
			await add('a');
			expect(await rejection(add('b'))).to.include({ errorType: 'Match.Error' });
			expect(Object.keys((await userOf(user._id)).customFields ?? {})).to.deep.equal(['a']);
		});

		it('applies its optional arguments', async () => {
			const name = newName();
			const { user } = await create(
				admin,
				`${name}@x`,
				name,
				name,
				{ digest: sha256('secret'), algorithm: 'sha-256' },
				['guest', 'guest'],
				false,
				true,
				true,
				undefined,
				{ team: 'a' },
			);
			expect(user).to.deep.include({
				roles: ['guest'],
				active: false,
				emails: [{ address: `${name}@x`, verified: true }],
				requirePasswordChange: true,
				customFields: { team: 'a' },
			});
			expect(await rejection(logIn(name, 'secret'))).to.include({ error: 403 });
		});

		it('creates an account without a password for `setRandomPassword`', async () => {
			const name = newName();
			const more = [undefined, undefined, undefined, undefined, undefined, true];
			const { user } = await create(admin, `${name}@x`, name, name, ...more);
			expect((await userOf(user._id)).services).not.to.have.property('password');
		});

		it('requires create-user', async () => {
			expect(await rejection(create(alice, 'x@x', 'x', 'x', 'p'))).to.include({
				error: 'error-action-not-allowed',
				reason: 'Adding user is not allowed',
			});
		});

		it('creates an admin only if the caller may assign that role', async () => {
			await roomkey.store.roles.insertOne({ _id: 'maker', name: 'maker', scope: 'Users' });
			const maker = await addPerson(roomkey.store, { roles: ['maker'] });
			const allow = (...roles: string[]) => roomkey.call(admin, 'permissions.update', [{ _id: 'create-user', roles }]);
			await allow('maker', 'admin');
			const refused = await rejection(create(maker, `${newName()}@x`, 'x', newName(), 'p', ['admin']));
			expect(refused).to.include({ error: 'error-action-not-allowed', reason: 'Assigning admin is not allowed' });
			await allow('admin');
		});

		it('refuses a role that does not exist', async () => {
			const refused = await rejection(create(admin, `${newName()}@x`, 'x', newName(), 'p', ['user', 'no-such-role']));
			expect(refused).to.include({
				error: 'error-action-not-allowed',
				reason: 'The field Roles consist invalid role id',
			});
		});

		for (const [what, args, error, reason] of [
			[
				'a name with a space',
				['a@x', 'n', 'a b', 'p'],
				'error-input-is-not-a-valid-field',
				'a b is not a valid username',
			],
			['a blank name', ['a@x', 'n', ' ', 'p'], 'error-the-field-is-required', 'The field Username is required'],
			['a missing password', ['a@x', 'n', 'free'], 'error-the-field-is-required', 'The field Password is required'],
			['a text that is no e-mail address', ['nobody', 'n', 'free', 'p'], 'error-invalid-email', 'Invalid email nobody'],
			['a blocked name', ['a@x', 'n', 'System', 'p'], 'error-blocked-username', "System is blocked and can't be used!"],
			['a taken name', ['a@x', 'n', 'ALICE', 'p'], 'error-field-unavailable', 'ALICE is already in use :('],
			['a role of rooms', ['a@x', 'n', 'free', 'p', ['owner']], 'error-action-not-allowed', undefined],
			['an empty list of roles', ['a@x', 'n', 'free', 'p', []], 'error-action-not-allowed', undefined],
		] as const) {
			it(`refuses ${what}`, async () => {
				const [email, name, username, ...more] = args;
				const refused = await rejection(create(admin, email, name, username, ...more));
				expect(refused).to.include({ error, ...(reason && { reason }) });
				expect(refused).to.have.nested.property('details.method', 'users.create');
			});
		}

		it('reports that the e-mail is taken', async () => {
			const name = newName();
			await create(admin, `${name}@example.com`, name, name, 'p');
			expect(await rejection(create(admin, `${name}@EXAMPLE.com`, name, newName(), 'p'))).to.include({
				error: 'error-field-unavailable',
				reason: `${name}@EXAMPLE.com is already in use :(`,
			});
		});

		for (const args of [
			[{ $ne: '' }, 'n', 'free', 'p'],
			['a@x', '  ', 'free', 'p'],
			['a@x', 'n', { $ne: '' }, 'p'],
			['a@x', 'n', 'free', ''],
			['a@x', 'n', 'free', 'p', 'admin'],
		]) {
			it(`refuses ${JSON.stringify(args)} with a Match error`, async () => {
				const [email, name, username, ...more] = args;
				const error = await rejection(create(admin, email, name, username, ...more));
				expect(error).to.have.nested.property('sanitizedError.reason', 'Match failed');
			});
		}

		it('gives a name to only one of several concurrent callers', async () => {
			const name = newName();
			const tries = [0, 1, 2, 3].map((i) =>
				create(admin, `${i}${name}@x`, name, i % 2 ? name.toUpperCase() : name, 'p'),
			);
			const outcomes = await Promise.allSettled(tries);
			expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
		});
	});

	describe('users.info', () => {
		let bob: Person;

		before(async () => {
			bob = await addPerson(roomkey.store, {
				username: 'bob',
				name: 'Bob',
				type: 'user',
				emails: [{ address: 'bob@example.com', verified: true }],
				password: 'secret',
				e2e: { public_key: 'public', private_key: 'private' },
				e2eKeyHistory: [{ public_key: 'public', ts: new Date(), previous: '', hash: 'h' }],
			});
		});

		const info = (as: Person, ...whom: unknown[]) => roomkey.call(as, 'users.info', ...whom);
		const small = () => ({ _id: bob.id, username: 'bob', name: 'Bob', type: 'user', active: true });
		const full = () => ({
			...small(),
			emails: [{ address: 'bob@example.com', verified: true }],
			roles: ['user'],
			canViewAllInfo: true,
		});

		it('returns all but secrets to admins and the user, few fields to others', async () => {
			expect(await info(alice, bob.id)).to.deep.equal({ user: { ...small(), canViewAllInfo: false } });
			expect(await info(admin, bob.id)).to.deep.equal({ user: full() });
			expect(await info(bob, bob.id)).to.deep.equal({ user: full() });
		});

		it('finds users by username, as the second or the third argument', async () => {
			for (const whom of [
				[undefined, 'bob'],
				[undefined, undefined, 'bob'],
			]) {
				expect(await info(admin, ...whom)).to.have.nested.property('user._id', bob.id);
			}
		});

		it('reports an unknown user, and a call that names no user', async () => {
			expect(await rejection(info(alice, 'nobody'))).to.include({ error: 'User not found.' });
			expect(await rejection(info(alice))).to.include({ error: 'error-user-param-not-provided' });
		});
	});

	describe('users.list', () => {
		it('lists all users by user name, in pages, without secrets', async () => {
			const list = async (as: Person, ...page: unknown[]) =>
				(await roomkey.call(as, 'users.list', ...page)) as Record<'users' | 'count' | 'offset' | 'total', never>;
			await addPerson(roomkey.store);
			const total = await roomkey.store.users.countDocuments({});
			const page = await list(admin, 2, 1);
			expect(page).to.include({ count: 2, offset: 1, total });
			const all = (await list(admin, 0)).users as User[];
			expect(page.users).to.deep.equal(all.slice(1, 3));
			expect(all.map(({ username }) => username)).to.deep.equal(all.map(({ username }) => username).sort());
			for (const user of all) expect(user).not.to.have.any.keys('services', 'e2e', 'e2eKeyHistory');
			for (const user of (await list(alice)).users as User[]) expect(user).not.to.have.any.keys('emails', 'roles');
		});
	});
});
