/** Login, logout and `me` (test/contract/rocketchat-e2e.md 9.2 and 9.3), and when login tokens expire. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { removeExpiredTokens } from '../../methods/model/users/revokeTokens.js';
import { runBefore } from '../support/interrupt.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { during } from '../support/settings.js';

/** In ms. By default, login tokens are valid for 90 days. */
const DAY = 24 * 60 * 60 * 1000;
const digest = (password: string) => ({
	digest: createHash('sha256').update(password).digest('hex'),
	algorithm: 'sha-256',
});

interface LoginResult {
	id: string;
	token: string;
	tokenExpires: Date;
	type: string;
}

describe('accounts (9.2, 9.3)', () => {
	let roomkey: TestRoomkey;
	let alice: Person;

	before(async () => {
		roomkey = await openRoomkey();
		alice = await addPerson(roomkey.store, {
			_id: 'alice-id',
			username: 'alice',
			emails: [{ address: 'alice@example.com', verified: true }],
			password: 'secret',
		});
	});
	after(() => roomkey.close());

	async function logIn(options: unknown): Promise<LoginResult & { setUserIdArgs: unknown[] }> {
		const setUserIdArgs: unknown[] = [];
		const setUserId = (...args: unknown[]) => void setUserIdArgs.push(...args);
		return { ...((await roomkey.callAs({ setUserId }, 'login', options)) as LoginResult), setUserIdArgs };
	}

	const tokensOf = async (id: string) =>
		(await roomkey.store.users.findOne({ _id: id }))?.services?.resume?.loginTokens ?? [];

	describe('login with a password', () => {
		for (const [what, options] of [
			['a name and a digest', { user: { username: 'alice' }, password: digest('secret') }],
			['a name and a plain password', { user: { username: 'alice' }, password: 'secret' }],
			['an e-mail', { user: { email: 'alice@example.com' }, password: digest('secret') }],
			['an e-mail with other capitals', { user: { email: 'Alice@Example.com' }, password: digest('secret') }],
			['a user id', { user: { id: 'alice-id' }, password: digest('secret') }],
		] as const) {
			it(`works with ${what}`, async () => {
				const result = await logIn(options);
				expect(result).to.include({ id: 'alice-id', type: 'password' });
				expect(result.token).to.match(/^[\w-]{43}$/);
				expect(result.tokenExpires.getTime()).to.be.closeTo(Date.now() + 90 * DAY, 60_000);
				const hash = createHash('sha256').update(result.token).digest('base64');
				expect(result.setUserIdArgs).to.deep.equal(['alice-id', hash, result.tokenExpires]);
			});
		}

		it('stores the hash of the token and never the token', async () => {
			const { token } = await logIn({ user: { username: 'alice' }, password: 'secret' });
			const hash = createHash('sha256').update(token).digest('base64');
			const stored = await tokensOf('alice-id');
			expect(stored.map(({ hashedToken }) => hashedToken)).to.include(hash);
			expect(JSON.stringify(stored)).not.to.include(token);
		});

		it('answers an unknown user, a wrong password and a user without password alike', async () => {
			await addPerson(roomkey.store, { username: 'no-password' });
			for (const username of ['alice', 'nobody', 'no-password']) {
				const error = await rejection(logIn({ user: { username }, password: digest('wrong') }));
				expect(error).to.include({
					error: 403,
					reason: 'Something went wrong. Please check your credentials.',
				});
			}
		});

		it('refuses a user who was deactivated', async () => {
			await addPerson(roomkey.store, { username: 'gone', password: 'secret', active: false });
			expect(await rejection(logIn({ user: { username: 'gone' }, password: 'secret' }))).to.include({ error: 403 });
		});

		for (const [what, options] of [
			['a number as password', { user: { username: 'alice' }, password: 5 }],
			[
				'another algorithm than SHA-256',
				{ user: { username: 'alice' }, password: { ...digest('secret'), algorithm: 'md5' } },
			],
			[
				'a digest that is not a SHA-256 hash',
				{ user: { username: 'alice' }, password: { digest: 'x', algorithm: 'sha-256' } },
			],
			['both a name and a user id', { user: { username: 'alice', id: 'alice-id' }, password: 'secret' }],
			['an empty name', { user: { username: '' }, password: 'secret' }],
			['a condition as name', { user: { username: { $ne: '' } }, password: 'secret' }],
			['no user', { password: 'secret' }],
			['an unknown member', { user: { username: 'alice' }, password: 'secret', more: 1 }],
			['a condition as token', { resume: { $ne: '' } }],
			['a string', 'alice'],
			['nothing', undefined],
		] as const) {
			it(`refuses ${what} with a Match error`, async () => {
				const error = await rejection(logIn(options));
				expect(error).to.have.property('sanitizedError').that.includes({ error: 400, reason: 'Match failed' });
			});
		}

		it('refuses login options that no login handler accepts', async () => {
			expect(await rejection(logIn({ magic: 1 }))).to.include({
				error: 400,
				reason: 'Unrecognized options for login request',
			});
		});
	});

	describe('login with a token', () => {
		it('returns the same token', async () => {
			const result = await logIn({ resume: alice.token });
			expect(result).to.include({ id: 'alice-id', token: alice.token, type: 'resume' });
		});

		it('refuses an unknown token', async () => {
			expect(await rejection(logIn({ resume: 'x'.repeat(43) }))).to.include({
				error: 403,
				reason: "You've been logged out by the server. Please log in again.",
			});
		});

		it('refuses an expired token', async () => {
			const old = await addPerson(roomkey.store, { tokenMadeAt: new Date(Date.now() - 90 * DAY) });
			expect(await rejection(logIn({ resume: old.token }))).to.include({
				error: 403,
				reason: 'Your session has expired. Please log in again.',
			});
		});

		for (const when of [new Date(8.64e15), null, undefined, 'yesterday', 1e15]) {
			it(`refuses a token with the unusable creation date ${when}`, async () => {
				const person = await addPerson(roomkey.store, { tokenMadeAt: new Date() });
				const hashedToken = createHash('sha256').update(person.token).digest('base64');
				const loginTokens = [{ hashedToken, ...(when !== undefined && { when }) }] as never;
				const resume = { 'services.resume.loginTokens': loginTokens };
				await roomkey.store.users.updateOne({ _id: person.id }, { $set: resume as never });
				expect(await rejection(logIn({ resume: person.token }))).to.include({
					error: 403,
					reason: 'Your session has expired. Please log in again.',
				});
			});
		}

		it('accepts a personal access token, which never expires', async () => {
			const person = await addPerson(roomkey.store);
			const hashedToken = createHash('sha256').update(person.token).digest('base64');
			const loginTokens = [{ hashedToken, type: 'personalAccessToken', createdAt: new Date(0) }];
			const resume = { 'services.resume.loginTokens': loginTokens };
			await roomkey.store.users.updateOne({ _id: person.id }, { $set: resume as never });
			const { tokenExpires } = (await logIn({ resume: person.token })) as unknown as { tokenExpires: Date };
			// The answer contains an expiry in 36,500 days.
			expect(tokenExpires.getTime()).to.be.greaterThan(Date.now() + 36_000 * DAY);
		});

		it('refuses the stored hash in place of the token', async () => {
			const [stored] = await tokensOf('alice-id');
			expect(await rejection(logIn({ resume: stored?.hashedToken }))).to.include({ error: 403 });
		});
	});

	describe('logout', () => {
		it('removes only the token of the caller, and announces its removal', async () => {
			const person = await addPerson(roomkey.store, { username: 'two-devices', password: 'secret' });
			const { token } = await logIn({ user: { username: 'two-devices' }, password: 'secret' });
			const hashedToken = createHash('sha256').update(token).digest('base64');
			const announced: unknown[] = [];
			const stop = roomkey.bus.on('tokens-removed', (payload) => void announced.push(payload));
			const userIds: unknown[] = [];
			const caller = { userId: person.id, hashedToken, setUserId: (id: string | null) => void userIds.push(id) };
			expect(await roomkey.callAs(caller, 'logout')).to.equal(undefined);
			stop();
			expect(userIds).to.deep.equal([null]);
			expect(announced).to.deep.equal([{ userId: person.id, hashedTokens: [hashedToken] }]);
			expect(await rejection(logIn({ resume: token }))).to.include({ error: 403 });
			expect(await logIn({ resume: person.token })).to.include({ id: person.id });
		});

		it('leaves the caller logged in if the token cannot be removed', async () => {
			const person = await addPerson(roomkey.store);
			const failing = await openRoomkey(undefined, {}, () =>
				runBefore(roomkey.store, 'users', 'updateOne', () => Promise.reject(new Error('the store is away'))),
			);
			const hashedToken = createHash('sha256').update(person.token).digest('base64');
			const caller = {
				userId: person.id as string | null,
				hashedToken,
				setUserId(id: string | null) {
					caller.userId = id;
				},
			};
			expect(await rejection(failing.callAs(caller, 'logout'))).to.include({ error: 500 });
			expect(caller.userId).to.equal(person.id);
			await failing.callAs(caller, 'logout');
			expect(caller.userId).to.equal(null);
			expect(await rejection(logIn({ resume: person.token }))).to.include({ error: 403 });
			await failing.close();
		});

		it('does nothing for a caller who is not logged in', async () => {
			expect(await roomkey.callAs({ setUserId: () => {} }, 'logout')).to.equal(undefined);
		});
	});

	describe('me', () => {
		it('returns the profile without secrets', async () => {
			await roomkey.store.users.updateOne(
				{ _id: alice.id },
				{ $set: { e2e: { public_key: 'public', private_key: 'private' } } },
			);
			const profile = (await roomkey.call(alice, 'me')) as object;
			expect(profile).to.deep.include({ status: 'offline', settings: {} });
			expect(profile).to.deep.include({ _id: 'alice-id', username: 'alice', roles: ['user'], active: true });
			expect(profile).not.to.have.any.keys('services', 'e2e');
		});

		it('refuses callers who are not logged in', async () => {
			expect(await rejection(roomkey.call(null, 'me'))).to.include({ error: 'error-invalid-user' });
		});
	});

	// 0 stands for the default, 90 days. 1e9 stands for the maximum, 36,500 days.
	for (const [days, isValid] of [
		[30, false],
		[120, true],
		[0, true],
		[1e9, true],
	] as const) {
		it(`${isValid ? 'keep' : 'lose'} a 60-day-old token if Accounts_LoginExpiration is ${days}`, async () => {
			const person = await addPerson(roomkey.store, { tokenMadeAt: new Date(Date.now() - 60 * DAY) });
			await during(roomkey.store, 'Accounts_LoginExpiration', days, async () => {
				if (isValid) expect(await logIn({ resume: person.token })).to.include({ id: person.id });
				else expect(await rejection(logIn({ resume: person.token }))).to.include({ error: 403 });
				await removeExpiredTokens(roomkey.store);
			});
			expect(await tokensOf(person.id)).to.have.length(isValid ? 1 : 0);
		});
	}

	it('keep valid login tokens and personal access tokens when expired tokens are removed', async () => {
		const when = new Date(Date.now() - 91 * DAY);
		const person = await addPerson(roomkey.store);
		const [fresh] = await tokensOf(person.id);
		const tokens = [
			{ hashedToken: `old-${person.id}`, when },
			{ hashedToken: `personal-${person.id}`, when, type: 'personalAccessToken' },
		];
		await roomkey.store.users.updateOne({ _id: person.id }, {
			$push: { 'services.resume.loginTokens': { $each: tokens } },
		} as object);
		await removeExpiredTokens(roomkey.store);
		expect((await tokensOf(person.id)).map(({ hashedToken }) => hashedToken)).to.deep.equal([
			fresh?.hashedToken,
			`personal-${person.id}`,
		]);
	});
});
