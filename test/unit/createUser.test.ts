/** test/contract/ddp.md 16.1 and 16.3: who may create an account, and which names are refused. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { User } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';
import { addPerson } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const sha256 = (text: string, encoding: 'hex' | 'base64') => createHash('sha256').update(text).digest(encoding);

/** The error for a taken name or e-mail. Failed logins have the same error. */
const TAKEN = { error: 403, reason: 'Something went wrong. Please check your credentials.' };

describe('createUser', () => {
	let roomkey: TestRoomkey;

	before(async () => {
		roomkey = await openRoomkey(undefined, { signUps: true });
	});
	after(() => roomkey.close());

	async function signUp(options: unknown, at = roomkey) {
		const setUserIdArgs: unknown[] = [];
		const setUserId = (...args: unknown[]) => void setUserIdArgs.push(...args);
		const result = await at.callAs({ setUserId }, 'createUser', options);
		return { ...(result as { id: string; token: string; tokenExpires: Date; type: string }), setUserIdArgs };
	}

	const logIn = (user: object, password: unknown) =>
		roomkey.callAs({ setUserId: () => {} }, 'login', { user, password }) as Promise<{ id: string }>;

	const userOf = async (id: string) => (await roomkey.store.users.findOne({ _id: id })) as User;

	it('stores a user and logs the connection in with a token of its own', async () => {
		const password = { digest: sha256('secret', 'hex'), algorithm: 'sha-256' };
		const profile = { name: 'Anna', since: new Date(0), tags: ['a', { b: null }] };
		const { id, token, tokenExpires, type, setUserIdArgs } = await signUp({
			username: 'Anna',
			email: 'Anna@Example.com',
			password,
			profile,
		});
		expect(type).to.equal('password');
		expect(setUserIdArgs).to.deep.equal([id, sha256(token, 'base64'), tokenExpires]);
		const { services, createdAt, _updatedAt, ...user } = await userOf(id);
		expect(user).to.deep.equal({
			_id: id,
			type: 'user',
			username: 'Anna',
			emails: [{ address: 'Anna@Example.com', verified: false }],
			profile,
			roles: ['user'],
			active: true,
		});
		expect(createdAt).to.be.instanceOf(Date);
		expect(services?.resume?.loginTokens.map(({ hashedToken }) => hashedToken)).to.deep.equal([
			sha256(token, 'base64'),
		]);
		expect(services?.password?.bcrypt).to.match(/^\$2[aby]\$10\$/);
		expect(await logIn({ username: 'Anna' }, 'secret')).to.include({ id });
		expect(await logIn({ email: 'ANNA@example.com' }, password)).to.include({ id });
	});

	it('accepts a name or an e-mail alone, and needs no password', async () => {
		const named = await userOf((await signUp({ username: 'only-name' })).id);
		expect(named).not.to.have.any.keys('emails', 'profile');
		expect(named.services).not.to.have.property('password');
		const mailed = await userOf((await signUp({ email: 'only@example.com', username: '' })).id);
		expect(mailed).not.to.have.property('username');
		expect(mailed.services?.resume?.loginTokens).to.have.length(1);
		expect(await rejection(logIn({ username: 'only-name' }, 'secret'))).to.include(TAKEN);
	});

	it('is refused unless the server allows sign-ups', async () => {
		const closed = await openRoomkey();
		expect(await rejection(signUp({ username: 'anyone' }, closed))).to.include({
			error: 403,
			reason: 'Signups forbidden',
		});
		expect(await closed.store.users.countDocuments({})).to.equal(0);
		await closed.close();
	});

	for (const options of [{}, { password: 'secret' }, { username: '', email: '' }]) {
		it(`requires a name or an e-mail: ${JSON.stringify(options)}`, async () => {
			expect(await rejection(signUp(options))).to.include({
				error: 400,
				reason: 'Need to set a username or email',
			});
		});
	}

	for (const [what, options] of [
		['a text in place of the options', 'anna'],
		['a condition as name', { username: { $ne: '' } }],
		['a number as e-mail', { username: 'x', email: 5 }],
		['a name with a control character', { username: 'a\0b' }],
		['a name with half a surrogate pair', { username: 'a\ud800' }],
		['a name of 255 characters', { username: 'x'.repeat(255) }],
		['an empty password', { username: 'x', password: '' }],
		['another algorithm than SHA-256', { username: 'x', password: { digest: sha256('x', 'hex'), algorithm: 'md5' } }],
		['a profile that is no object', { username: 'x', profile: 'admin' }],
		['an operator in the profile', { username: 'x', profile: { a: [{ $set: 1 }] } }],
		['a path in the profile', { username: 'x', profile: { 'a.b': 1 } }],
		['a profile of more than 10,000 characters', { username: 'x', profile: { a: 'x'.repeat(10_000) } }],
		[
			'values in the profile that cannot be stored',
			{ username: 'x', profile: { a: new Uint8Array(1), b: Number.NaN } },
		],
	] as const) {
		it(`refuses ${what} with a Match error`, async () => {
			const error = await rejection(signUp(options));
			expect(error).to.have.property('sanitizedError').that.includes({ error: 400, reason: 'Match failed' });
		});
	}

	for (const [code, options] of [
		['error-blocked-username', { username: 'System' }],
		['error-input-is-not-a-valid-field', { username: 'al\u200bice' }],
		['error-input-is-not-a-valid-field', { username: 'alice, bob' }],
		['error-input-is-not-a-valid-field', { username: 'a/b' }],
		['error-invalid-email', { email: 'alice' }],
		['error-invalid-email', { username: 'fine', email: 'a b@example.com' }],
	] as const) {
		it(`refuses what users.create refuses: ${JSON.stringify(options)}`, async () => {
			expect(await rejection(signUp(options))).to.deep.include({ error: code, details: { method: 'createUser' } });
		});
	}

	it('ignores roles and services in the options', async () => {
		const { id } = await signUp({
			username: 'sly',
			roles: ['admin'],
			services: { resume: {} },
			_id: 'mine',
			active: false,
		});
		expect(await userOf(id)).to.deep.include({ roles: ['user'], active: true });
		expect(id).not.to.equal('mine');
	});

	describe('while a name and an e-mail are taken', () => {
		before(async () => {
			const emails = [{ address: 'Taken.One@Example.com', verified: true }];
			await addPerson(roomkey.store, { username: 'Taken.One', emails });
		});

		for (const options of [
			{ username: 'Taken.One' },
			{ username: 'tAKEN.oNE' },
			{ username: 'free', email: 'Taken.One@Example.com' },
			{ username: 'free', email: 'TAKEN.one@example.COM' },
			{ username: 'taken.one', email: 'free@example.com' },
		]) {
			it(`is refused without naming the taken field: ${JSON.stringify(options)}`, async () => {
				const count = await roomkey.store.users.countDocuments({});
				expect(await rejection(signUp(options))).to.include(TAKEN);
				expect(await roomkey.store.users.countDocuments({})).to.equal(count);
			});
		}

		for (const options of [
			{ username: 'TakenxOne' },
			{ username: 'Taken.One2' },
			...['.*@example.com', '^@example.com', 'taken(one@example.com', 'a|taken.one@example.com'].map((email) => ({
				email,
			})),
		]) {
			it(`accepts other names and e-mails: ${JSON.stringify(options)}`, async () => {
				expect(await signUp(options)).to.have.property('id');
			});
		}
	});

	describe('in several concurrent calls', () => {
		const spellings = (name: string) => [name, name.toUpperCase(), name[0]?.toUpperCase() + name.slice(1), name];

		for (const [what, optionsOf] of [
			['name', (name: string, i: number) => ({ username: name, email: `${i}-${name}-${Math.random()}@example.com` })],
			['e-mail', (name: string) => ({ email: `${name}@example.com` })],
			['e-mail under other names', (name: string, i: number) => ({ username: `${name}-${i}-m`, email: `m-${name}@x` })],
		] as const) {
			it(`succeeds once for the same ${what}, ignoring case`, async () => {
				for (let round = 0; round < 3; round++) {
					const name = `crowd${round}`;
					const before = await roomkey.store.users.countDocuments({});
					const tries = spellings(name).map((each, i) => signUp(optionsOf(each, i)));
					const outcomes = await Promise.allSettled(tries);
					expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
					for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).to.include(TAKEN);
					expect(await roomkey.store.users.countDocuments({})).to.equal(before + 1);
				}
			});
		}

		/** A store whose first search finds nobody, as if another caller took the name just afterwards. */
		function findingNobodyFirst(store: Store): Store {
			let searches = 0;
			const findOne: Store['users']['findOne'] = async (...args) =>
				searches++ === 0 ? null : store.users.findOne(...args);
			return { ...store, users: { ...store.users, findOne } };
		}

		it('removes the new user again if another user already had the name', async () => {
			const racing = await openRoomkey(undefined, { signUps: true }, findingNobodyFirst);
			await addPerson(racing.store, { username: 'Early' });
			expect(await rejection(signUp({ username: 'early' }, racing))).to.include(TAKEN);
			expect(await racing.store.users.find({}).toArray())
				.to.have.length(1)
				.and.have.nested.property('0.username', 'Early');
			await racing.close();
		});
	});
});
