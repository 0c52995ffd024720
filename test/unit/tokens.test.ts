/** How users manage their own login tokens (test/contract/ddp.md 16.1 to 16.3; test/contract/rocketchat-e2e.md 9.3). */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { hashPassword } from '../../methods/model/users/passwords.js';
import type { Caller } from '../../server/core/caller.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const DAY = 24 * 60 * 60 * 1000;
const hashOf = (token: string) => createHash('sha256').update(token).digest('base64');
const digest = (password: string) => ({
	digest: createHash('sha256').update(password).digest('hex'),
	algorithm: 'sha-256',
});

const CREDENTIALS = { error: 403, reason: 'Something went wrong. Please check your credentials.' };
const LOGGED_OUT = { error: 403, reason: "You've been logged out by the server. Please log in again." };

interface LoginResult {
	id: string;
	token: string;
	tokenExpires?: Date;
}

describe('login tokens (9.3)', () => {
	let roomkey: TestRoomkey;
	let alice: Person;
	/** The tokens of two more logins of alice. */
	let others: string[];
	let announced: unknown[];
	let stop: () => void;

	before(async () => {
		roomkey = await openRoomkey();
	});
	after(() => roomkey.close());
	beforeEach(async () => {
		alice = await addPerson(roomkey.store, { password: 'old' });
		others = [(await logIn('old')).token, (await logIn('old')).token];
		announced = [];
		stop = roomkey.bus.on('tokens-removed', (payload) => void announced.push(payload));
	});
	afterEach(() => stop());

	const setUserId = () => {};
	const nobody: Partial<Caller> = { setUserId };
	const callerOf = (person: Person): Partial<Caller> => ({
		userId: person.id,
		hashedToken: hashOf(person.token),
		setUserId,
	});

	const logIn = (password: unknown) =>
		roomkey.callAs(nobody, 'login', { user: { username: alice.username }, password }) as Promise<LoginResult>;

	const resume = (token: string) => roomkey.callAs(nobody, 'login', { resume: token }) as Promise<LoginResult>;

	async function hashesOf({ id }: Person): Promise<string[]> {
		const user = await roomkey.store.users.findOne({ _id: id });
		return user?.services?.resume?.loginTokens.map(({ hashedToken }) => hashedToken) ?? [];
	}

	describe('changePassword', () => {
		const change = (oldPassword: unknown, newPassword: unknown) =>
			roomkey.callAs(callerOf(alice), 'changePassword', oldPassword, newPassword);

		for (const [what, old, now] of [
			['digests', digest('old'), digest('new')],
			['plain text', 'old', 'new'],
		] as const) {
			it(`accepts ${what}, and ends the old password and all other logins`, async () => {
				expect(await change(old, now)).to.deep.equal({ passwordChanged: true });
				expect(await hashesOf(alice)).to.deep.equal([hashOf(alice.token)]);
				expect(announced).to.deep.equal([{ userId: alice.id, hashedTokens: others.map(hashOf) }]);
				expect(await rejection(logIn('old'))).to.include(CREDENTIALS);
				expect(await logIn('new')).to.include({ id: alice.id });
				expect(await resume(alice.token)).to.include({ id: alice.id });
			});
		}

		it('refuses a wrong old password, and changes nothing', async () => {
			expect(await rejection(change('wrong', 'new'))).to.include(CREDENTIALS);
			expect(await hashesOf(alice)).to.have.length(3);
			expect(await logIn('old')).to.include({ id: alice.id });
		});

		it('refuses a user who has no password', async () => {
			const person = await addPerson(roomkey.store);
			const refused = roomkey.callAs(callerOf(person), 'changePassword', '', 'new');
			expect(await rejection(refused)).to.include(CREDENTIALS);
		});

		it('refuses callers who are not logged in', async () => {
			expect(await rejection(roomkey.callAs(nobody, 'changePassword', 'old', 'new'))).to.include({
				error: 401,
				reason: 'Must be logged in',
			});
		});

		for (const [what, params] of [
			['a missing new password', ['old']],
			['an empty new password', ['old', '']],
			['a number as the new password', ['old', 5]],
			['a malformed digest', ['old', { digest: 'x', algorithm: 'sha-256' }]],
			['a filter as the old password', [{ $ne: '' }, 'new']],
		] as const) {
			it(`refuses ${what} with a Match error`, async () => {
				const error = await rejection(roomkey.callAs(callerOf(alice), 'changePassword', ...params));
				expect(error).to.have.property('sanitizedError').that.includes({ error: 400, reason: 'Match failed' });
			});
		}

		it('succeeds for only one of two concurrent calls', async () => {
			const outcomes = await Promise.allSettled([change('old', 'new 1'), change('old', 'new 2')]);
			const succeeded = outcomes.map(({ status }) => status === 'fulfilled');
			expect(succeeded.filter(Boolean)).to.have.length(1);
			expect(await logIn(`new ${succeeded.indexOf(true) + 1}`)).to.include({ id: alice.id });
		});

		it('removes a token for resetting the password', async () => {
			await roomkey.store.users.updateOne({ _id: alice.id }, {
				$set: { 'services.password.reset': { token: 'x' } },
			} as object);
			await change('old', 'new');
			const user = await roomkey.store.users.findOne({ _id: alice.id });
			expect(user?.services?.password).to.have.all.keys('bcrypt');
		});
	});

	describe('getNewToken', () => {
		it('gives the connection a new token that expires when the present one does', async () => {
			const when = new Date(Date.now() - 30 * DAY);
			const person = await addPerson(roomkey.store, { tokenMadeAt: when });
			const tokenSet: unknown[] = [];
			const setUserId = () => expect.fail('the user must not change');
			const setToken = (...token: unknown[]) => void tokenSet.push(...token);
			const caller = { ...callerOf(person), setUserId, setToken };
			const result = (await roomkey.callAs(caller, 'getNewToken')) as LoginResult;
			const tokenExpires = new Date(when.getTime() + 90 * DAY);
			expect(result).to.deep.equal({ id: person.id, token: result.token, tokenExpires });
			expect(result.token)
				.to.match(/^[\w-]{43}$/)
				.and.not.equal(person.token);
			expect(tokenSet).to.deep.equal([hashOf(result.token), tokenExpires]);
			expect(await hashesOf(person)).to.deep.equal([hashOf(person.token), hashOf(result.token)]);
			expect(await resume(result.token)).to.deep.include({ id: person.id, tokenExpires });
		});

		it("lets a token expire a century after the caller's personal access token was made", async () => {
			await roomkey.store.users.updateOne({ _id: alice.id }, {
				$push: {
					'services.resume.loginTokens': {
						hashedToken: hashOf(alice.id),
						when: new Date(0),
						type: 'personalAccessToken',
					},
				},
			} as object);
			const caller = { ...callerOf(alice), hashedToken: hashOf(alice.id) };
			const result = (await roomkey.callAs(caller, 'getNewToken')) as LoginResult;
			expect(result.tokenExpires).to.deep.equal(new Date(36_500 * DAY));
		});

		it('gives no token to a caller whose token was removed or has expired', async () => {
			const old = await addPerson(roomkey.store, { tokenMadeAt: new Date(Date.now() - 91 * DAY) });
			expect(await rejection(roomkey.callAs(callerOf(old), 'getNewToken'))).to.include({
				error: 403,
				reason: 'Your session has expired. Please log in again.',
			});
			const removed = { ...callerOf(alice), hashedToken: hashOf('removed') };
			expect(await rejection(roomkey.callAs(removed, 'getNewToken'))).to.include(LOGGED_OUT);
			expect(await rejection(roomkey.callAs({ ...removed, hashedToken: null }, 'getNewToken'))).to.include(LOGGED_OUT);
			expect(await hashesOf(old)).to.have.length(1);
		});
	});

	describe('removeOtherTokens', () => {
		it("removes all tokens except the caller's, and announces the removed ones", async () => {
			const other = await addPerson(roomkey.store);
			expect(await roomkey.callAs(callerOf(alice), 'removeOtherTokens')).to.equal(undefined);
			expect(await hashesOf(alice)).to.deep.equal([hashOf(alice.token)]);
			expect(announced).to.deep.equal([{ userId: alice.id, hashedTokens: others.map(hashOf) }]);
			for (const token of others) expect(await rejection(resume(token))).to.include(LOGGED_OUT);
			expect(await resume(other.token)).to.include({ id: other.id });
		});

		it('announces nothing if there is no other token', async () => {
			const person = await addPerson(roomkey.store);
			await roomkey.callAs(callerOf(person), 'removeOtherTokens');
			expect(announced).to.deep.equal([]);
		});

		it('announces every removed token, also those made concurrently', async () => {
			const made = Promise.all(Array.from({ length: 10 }, () => roomkey.callAs(callerOf(alice), 'getNewToken')));
			await roomkey.callAs(callerOf(alice), 'removeOtherTokens');
			const all = [...others, ...((await made) as LoginResult[]).map(({ token }) => token)].map(hashOf);
			const left = await hashesOf(alice);
			const removed = announced.flatMap((payload) => (payload as { hashedTokens: string[] }).hashedTokens);
			expect([...removed, ...left]).to.have.members([...all, hashOf(alice.token)]);
		});
	});

	it('do not log in if they are removed during the login (16.2)', async () => {
		const userIds: unknown[] = [];
		const setUserId = async (id: string | null, hashedToken: string | null) => {
			userIds.push(id);
			if (id === null) return;
			await roomkey.store.users.updateOne({ _id: id }, {
				$pull: { 'services.resume.loginTokens': { hashedToken } },
			} as object);
		};
		expect(await rejection(roomkey.callAs({ setUserId }, 'login', { resume: alice.token }))).to.include(LOGGED_OUT);
		const options = { user: { id: alice.id }, password: 'old' };
		expect(await rejection(roomkey.callAs({ setUserId }, 'login', options))).to.include(LOGGED_OUT);
		expect(userIds).to.deep.equal([alice.id, null, alice.id, null]);
	});

	for (const [what, issue] of [
		['a login', () => logIn('old')],
		['getNewToken by the caller with the oldest token', () => roomkey.callAs(callerOf(alice), 'getNewToken')],
	] as const) {
		it(`lose the oldest of more than 200 by ${what}, but no personal access token`, async () => {
			const when = new Date();
			const personal = { hashedToken: `personal of ${alice.id}`, when, type: 'personalAccessToken' };
			const logins = Array.from({ length: 201 }, (_, n) => ({ hashedToken: `login ${n} of ${alice.id}`, when }));
			const own = { hashedToken: hashOf(alice.token), when };
			const loginTokens = [personal, own, ...logins];
			await roomkey.store.users.updateOne({ _id: alice.id }, { $set: { 'services.resume.loginTokens': loginTokens } });
			const { token } = (await issue()) as LoginResult;
			const removed = [own, ...logins.slice(0, 2)].map(({ hashedToken }) => hashedToken);
			const left = [personal, ...logins.slice(2)].map(({ hashedToken }) => hashedToken);
			expect(await hashesOf(alice)).to.deep.equal([...left, hashOf(token)]);
			expect(announced).to.deep.equal([{ userId: alice.id, hashedTokens: removed }]);
		});
	}

	it('do not log in if the store fails during the login', async () => {
		const userIds: unknown[] = [];
		let isAway = false;
		const setUserId = (id: string | null) => {
			userIds.push(id);
			isAway = id !== null;
		};
		const failing = await openRoomkey(undefined, {}, () => ({
			...roomkey.store,
			users: new Proxy(roomkey.store.users, {
				get(target, name) {
					if (isAway) throw new Error('the store is away');
					return Reflect.get(target, name);
				},
			}),
		}));
		expect(await rejection(failing.callAs({ setUserId }, 'login', { resume: alice.token }))).to.include({ error: 500 });
		expect(userIds).to.deep.equal([alice.id, null]);
		await failing.close();
	});

	it("are not made if the caller's token is removed, or the password changed, concurrently", async () => {
		const person = await addPerson(roomkey.store, { password: 'old' });
		// Before each update of a user, the person logs out and gets another password.
		const late = await openRoomkey(undefined, {}, () => ({
			...roomkey.store,
			users: {
				...roomkey.store.users,
				async updateOne(...asked) {
					await roomkey.callAs(callerOf(person), 'logout');
					await roomkey.store.users.updateOne({ _id: person.id }, { $set: { 'services.password.bcrypt': 'other' } });
					return roomkey.store.users.updateOne(...asked);
				},
			},
		}));
		expect(await rejection(late.callAs(callerOf(person), 'getNewToken'))).to.include(LOGGED_OUT);
		await roomkey.store.users.updateOne(
			{ _id: person.id },
			{
				$set: { 'services.password.bcrypt': await hashPassword('old') },
			},
		);
		const login = late.callAs(nobody, 'login', { user: { id: person.id }, password: 'old' });
		expect(await rejection(login)).to.include(CREDENTIALS);
		expect(await hashesOf(person)).to.deep.equal([]);
		await late.close();
	});

	describe('logoutOtherClients', () => {
		it('returns a token for this connection, and ends all other logins (9.3)', async () => {
			const tokenSet: unknown[] = [];
			const caller = { ...callerOf(alice), setToken: (...changed: unknown[]) => void tokenSet.push(...changed) };
			const { token, ...rest } = (await roomkey.callAs(caller, 'logoutOtherClients')) as LoginResult;
			expect(Object.keys(rest)).to.deep.equal(['tokenExpires']);
			expect(tokenSet).to.deep.equal([hashOf(token), rest.tokenExpires]);
			expect(await hashesOf(alice)).to.deep.equal([hashOf(token)]);
			const removed = [alice.token, ...others].map(hashOf);
			expect(announced).to.deep.equal([{ userId: alice.id, hashedTokens: removed }]);
			expect(await resume(token)).to.include({ id: alice.id });
			expect(await rejection(resume(alice.token))).to.include(LOGGED_OUT);
		});

		it('refuses a caller whose token was removed, and ends no login', async () => {
			const revoked = { ...callerOf(alice), hashedToken: 'gone' };
			expect(await rejection(roomkey.callAs(revoked, 'logoutOtherClients'))).to.include(LOGGED_OUT);
			expect(await hashesOf(alice)).to.have.length(3);
		});
	});

	for (const name of ['getNewToken', 'removeOtherTokens', 'logoutOtherClients']) {
		it(`${name} refuses callers who are not logged in`, async () => {
			const error = await rejection(roomkey.callAs(nobody, name));
			expect(error).to.include({ error: 'You are not logged in.', reason: undefined });
		});
	}
});
