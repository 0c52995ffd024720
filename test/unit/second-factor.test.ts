/** Second factors (test/contract/rocketchat-e2e.md sections 4.7, 6, 7.5, 9.1 and 9.2). */
import { hashSync } from '@node-rs/bcrypt';
import { expect } from 'chai';
import { stepOf } from '../../methods/model/users/totp.js';
import type { LoginToken, User } from '../../shared/documents.js';
import type { ClientError } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import type { SecondFactor } from '../../shared/method.js';
import {
	authenticatorCode,
	BACKUP_CODES,
	mailedCode,
	SECRET,
	sha256,
	storeFactorSetting,
	WITH_AUTHENTICATOR,
	withMail,
	wrongCode,
} from '../support/factors.js';
import { openHookedRoomkey } from '../support/hooks.js';
import { identityTexts } from '../support/keys.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const PASSWORD = 'secret';
/** Few rounds, because these tests log in often. */
const HASH = hashSync(sha256(PASSWORD), 4);
const TOTP_DETAILS = { method: 'totp', codeGenerated: false, availableMethods: ['totp'] };
const REQUIRED = { error: 'totp-required', reason: 'TOTP Required' };
const INVALID = { error: 'totp-invalid', reason: 'TOTP Invalid' };
const addressOf = (username: string) => `${username}@example.com`;

describe('second factors', () => {
	let roomkey: TestRoomkey;
	const opened = new Map<string, TestRoomkey>();

	/**
	 * Opens a Roomkey whose database has these settings, or takes one that was opened with the same settings. Other settings
	 * need a new one, because settings are cached.
	 */
	async function open(
		twoFactorSettings: Record<string, boolean | number> = {},
		options: Parameters<typeof openRoomkey>[1] = {},
	) {
		const key = JSON.stringify([twoFactorSettings, options]);
		const before = opened.get(key);
		roomkey = before ?? (await openRoomkey(undefined, options));
		if (before) return;
		opened.set(key, roomkey);
		for (const [name, value] of Object.entries(twoFactorSettings)) await storeFactorSetting(roomkey.store, name, value);
	}
	after(() => Promise.all([...opened.values()].map((one) => one.close())));

	function person(services: User['services'] = {}, fields: Partial<User> = {}): Promise<Person> {
		const username = randomId();
		const emails = [{ address: addressOf(username), verified: true }];
		const password = { bcrypt: HASH };
		return addPerson(roomkey.store, { username, emails, ...fields, services: { ...services, password } });
	}
	const servicesOf = async ({ id }: Person) => (await roomkey.store.users.findOne({ _id: id }))?.services;

	function logIn({ username }: Person, code?: string, password = PASSWORD): Promise<unknown> {
		const login = { user: { username }, password };
		return roomkey.callAs({ setUserId() {} }, 'login', code === undefined ? login : { totp: { code, login } });
	}

	function callWith(as: Person, secondFactor: SecondFactor | string | undefined, name: string, ...params: unknown[]) {
		const factor = typeof secondFactor === 'string' ? { code: secondFactor, method: null } : secondFactor;
		return roomkey.callAs({ userId: as.id, secondFactor: factor, setUserId() {} }, name, ...params);
	}

	async function expectRefused(outcome: Promise<unknown>, expected: Partial<ClientError>): Promise<void> {
		expect(await rejection(outcome)).to.deep.include(expected);
	}

	describe('login (9.2)', () => {
		beforeEach(() => open());

		it('works without a code for a user without a second factor', async () => {
			expect(await logIn(await person())).to.include({ type: 'password' });
			expect(await logIn(await person({ totp: { enabled: false, secret: SECRET } }))).to.include({ type: 'password' });
		});

		it('asks for a code by totp-required, and returns no token', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			await expectRefused(logIn(alice), { ...REQUIRED, details: TOTP_DETAILS });
			expect((await servicesOf(alice))?.resume?.loginTokens).to.have.length(1);
		});

		it('works with a code of the authenticator app in the wrapper `totp`', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			expect(await logIn(alice, authenticatorCode())).to.include({ id: alice.id, type: 'password' });
		});

		it('works with a code in the field `code`, or in the headers', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			const options = { user: { username: alice.username }, password: PASSWORD };
			const login = (more: object, secondFactor?: SecondFactor) =>
				roomkey.callAs({ setUserId() {}, secondFactor }, 'login', { ...options, ...more });
			expect(await login({ code: authenticatorCode(-1) })).to.include({ id: alice.id });
			expect(await login({}, { code: authenticatorCode(), method: 'totp' })).to.include({ id: alice.id });
		});

		it('refuses a wrong code: totp-invalid', async () => {
			await expectRefused(logIn(await person(WITH_AUTHENTICATOR), wrongCode()), { ...INVALID, details: TOTP_DETAILS });
		});

		it('treats an empty code as a missing one', async () => {
			await expectRefused(logIn(await person(WITH_AUTHENTICATOR), ''), REQUIRED);
		});

		it('neither asks for a code nor uses one up if the password is wrong', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			const code = authenticatorCode();
			for (const given of [undefined, code, wrongCode()]) {
				await expectRefused(logIn(alice, given, 'wrong'), {
					error: 403,
					reason: 'Something went wrong. Please check your credentials.',
				});
			}
			expect(await logIn(alice, code)).to.include({ id: alice.id });
		});

		it('asks for no code when the caller logs in with a token', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			for (const options of [{ resume: alice.token }, { totp: { code: 'x', login: { resume: alice.token } } }]) {
				expect(await roomkey.callAs({ setUserId() {} }, 'login', options)).to.include({ type: 'resume' });
			}
		});

		it('never accepts the password as the second factor', async () => {
			await open({ Enforce_Password_Fallback: true });
			expect(await logIn(await person())).to.include({ type: 'password' });
			await expectRefused(logIn(await person(WITH_AUTHENTICATOR), sha256(PASSWORD)), INVALID);
		});

		for (const [what, login] of [
			['nothing in it', {}],
			['another wrapper in it', { totp: { code: '1', login: { resume: 'x' } } }],
		] as const) {
			it(`refuses \`totp\` with ${what}: 400`, async () => {
				const options = { totp: { code: '123456', login } };
				await expectRefused(roomkey.call(null, 'login', options), {
					error: 400,
					reason: 'Unrecognized options for login request',
				});
			});
		}

		it('refuses a malformed `totp`: Match failed', async () => {
			for (const totp of ['123456', { code: 123456, login: {} }, { code: '123456' }, { code: '123456', login: 'x' }]) {
				expect(await rejection(roomkey.call(null, 'login', { totp }))).to.include({ errorType: 'Match.Error' });
			}
		});
	});

	describe('totp (7.5)', () => {
		it('accepts codes of RFC 6238 within the allowed number of time steps', () => {
			const now = 59_000;
			expect(stepOf(SECRET, '287082', 0, now)).to.equal(1);
			expect(stepOf(SECRET, '287082', 0, now + 30_000)).to.equal(null);
			expect(stepOf(SECRET, '287082', 1, now + 30_000)).to.equal(1);
			expect(stepOf(SECRET, '287082', 1, now - 30_000)).to.equal(1);
			expect(stepOf(SECRET, '287082', 1, now + 60_000)).to.equal(null);
		});

		it('ignores spaces and case of a secret, and accepts no code for an invalid secret', () => {
			expect(stepOf(SECRET.toLowerCase().replace(/(.{4})/g, '$1 '), '287082', 0, 59_000)).to.equal(1);
			// The code of an empty secret at time step 0, which is within the 20 allowed steps.
			for (const secret of ['', ' ', '!?', '1']) expect(stepOf(secret, '328482', 20, 59_000)).to.equal(null);
		});

		it('accepts a code once, and afterwards no older code', async () => {
			await open();
			const alice = await person(WITH_AUTHENTICATOR);
			const [before, now, after] = [authenticatorCode(-1), authenticatorCode(), authenticatorCode(1)];
			await logIn(alice, now);
			for (const code of [now, before]) await expectRefused(logIn(alice, code), INVALID);
			expect(await logIn(alice, after)).to.include({ id: alice.id });
		});

		it('accepts a code once, even in concurrent logins', async () => {
			await open();
			const alice = await person(WITH_AUTHENTICATOR);
			const code = authenticatorCode();
			const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => logIn(alice, code)));
			expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
		});

		it('does not accept a code again for another purpose', async () => {
			await open();
			const alice = await person(WITH_AUTHENTICATOR);
			const code = authenticatorCode();
			await logIn(alice, code);
			await expectRefused(callWith(alice, code, 'e2e.resetOwnE2EKey'), INVALID);
		});

		it('refuses every code of a user who has enabled totp without a secret', async () => {
			await open();
			for (const secret of [undefined, '']) {
				const alice = await person({ totp: { enabled: true, ...(secret !== undefined && { secret }) } });
				for (const code of [authenticatorCode(), authenticatorCode(0, '')])
					await expectRefused(logIn(alice, code), INVALID);
			}
		});

		it('accepts each backup code once', async () => {
			await open();
			const alice = await person(WITH_AUTHENTICATOR);
			const [first, second] = BACKUP_CODES;
			await logIn(alice, first);
			await expectRefused(logIn(alice, first), INVALID);
			await expectRefused(logIn(alice, 'zzzz9999'), INVALID);
			expect((await servicesOf(alice))?.totp?.hashedBackup).to.deep.equal([sha256(second)]);
			expect(await logIn(alice, second)).to.include({ id: alice.id });
		});

		it('accepts a backup code once, even in concurrent logins', async () => {
			await open();
			const alice = await person(WITH_AUTHENTICATOR);
			const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => logIn(alice, BACKUP_CODES[0])));
			expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
		});
	});

	describe('codes by e-mail (7.5)', () => {
		beforeEach(() => open({ Max_Invalid_Email_Code_Attempts: 3 }));
		const details = { method: 'email', codeGenerated: false, availableMethods: ['email'] };

		it('are asked for although Roomkey sends none; the error contains when a sent code expires', async () => {
			await expectRefused(logIn(await person(await withMail())), { ...REQUIRED, details });
			const expire = new Date(Date.now() + 60_000);
			await expectRefused(logIn(await person(await withMail('123456', { expire }))), {
				...REQUIRED,
				details: { ...details, codeExpires: expire.toISOString() },
			});
		});

		it('are accepted once, with or without separators', async () => {
			const alice = await person(await withMail('123456'));
			await logIn(alice, '123-456');
			expect(await servicesOf(alice)).to.not.have.any.keys('emailCode');
			await expectRefused(logIn(alice, '123456'), { ...INVALID, details });
		});

		it('are accepted once, even in concurrent logins', async () => {
			const alice = await person(await withMail('123456'));
			const outcomes = await Promise.allSettled([logIn(alice, '123456'), logIn(alice, '123456')]);
			expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
		});

		it('are refused after their expiry, as if none had been sent', async () => {
			const alice = await person(await withMail('123456', { expire: new Date(Date.now() - 1) }));
			await expectRefused(logIn(alice), { ...REQUIRED, details });
			await expectRefused(logIn(alice, '123456'), { ...INVALID, details });
		});

		it('are all refused with totp-max-attempts after too many wrong ones', async () => {
			const alice = await person(await withMail('123456'));
			for (let i = 0; i < 2; i++) await expectRefused(logIn(alice, '000000'), INVALID);
			for (const code of ['000000', '123456']) {
				expect(await rejection(logIn(alice, code))).to.include({ error: 'totp-max-attempts' });
			}
		});

		it('are not checked after the maximum of wrong codes, even in concurrent logins', async () => {
			const alice = await person(await withMail('123456'));
			await Promise.allSettled(Array.from({ length: 6 }, () => logIn(alice, '000000')));
			expect((await servicesOf(alice))?.emailCode).to.include({ attempts: 3 });
		});

		it('are accepted from the list that older releases of Rocket.Chat have stored', async () => {
			const emailCode = [
				await mailedCode('111111', { expire: new Date(0) }),
				await mailedCode('222222'),
				await mailedCode('333333'),
			];
			const alice = await person({ email2fa: { enabled: true }, emailCode });
			for (const code of ['111111', '444444']) await expectRefused(logIn(alice, code), INVALID);
			await logIn(alice, '333333');
			await expectRefused(logIn(alice, '333333'), INVALID);
			await logIn(alice, '222222');
		});

		it('are not asked for without a verified address', async () => {
			const emails = [{ address: 'somebody@example.com', verified: false }];
			expect(await logIn(await person(await withMail('123456'), { emails }))).to.include({ type: 'password' });
		});

		it('need the method `email` if the user has an authenticator app', async () => {
			const alice = await person({ ...WITH_AUTHENTICATOR, ...(await withMail('123456')) });
			const both = { availableMethods: ['totp', 'email'] };
			await expectRefused(logIn(alice), { details: { ...TOTP_DETAILS, ...both } });
			await expectRefused(logIn(alice, '123456'), { error: 'totp-invalid' });
			await callWith(alice, { code: '123456', method: 'email' }, 'e2e.resetOwnE2EKey');
		});

		it('are refused from a user who has not enabled them', async () => {
			const emailCode = await mailedCode('123456');
			const alice = await person({ ...WITH_AUTHENTICATOR, emailCode });
			const outcome = callWith(alice, { code: '123456', method: 'email' }, 'e2e.resetOwnE2EKey');
			await expectRefused(outcome, { error: 'totp-invalid', details: TOTP_DETAILS });
		});
	});

	describe('settings in the database', () => {
		it('ask for no code if `Enabled` is off', async () => {
			await open({ Enabled: false, Enforce_Password_Fallback: true });
			const alice = await person(WITH_AUTHENTICATOR);
			expect(await logIn(alice)).to.include({ type: 'password' });
			expect(await callWith(alice, undefined, 'e2e.resetOwnE2EKey')).to.equal(true);
		});

		it('ask for no code if `By_TOTP_Enabled` and `By_Email_Enabled` are off', async () => {
			await open({ By_TOTP_Enabled: false, By_Email_Enabled: false });
			const alice = await person({ ...WITH_AUTHENTICATOR, ...(await withMail('123456')) });
			expect(await logIn(alice)).to.include({ type: 'password' });
		});

		it('allow the clock of the app to differ by `MaxDelta` time steps', async () => {
			await open({ MaxDelta: 3 });
			expect(await logIn(await person(WITH_AUTHENTICATOR), authenticatorCode(3))).to.include({ type: 'password' });
		});
	});

	for (const [name, section] of [
		['e2e.resetOwnE2EKey', '4.7'],
		['users.resetE2EKey', 'section 6'],
	] as const) {
		describe(`${name} (${section})`, () => {
			it('asks for the second factor, and writes nothing without it', async () => {
				await open();
				const alice = await person(WITH_AUTHENTICATOR, { e2e: { public_key: 'public', private_key: 'private' } });
				const { store } = roomkey;
				const before = await store.users.findOne({ _id: alice.id });
				await expectRefused(callWith(alice, undefined, name), { ...REQUIRED, details: TOTP_DETAILS });
				await expectRefused(callWith(alice, wrongCode(), name), { ...INVALID, details: TOTP_DETAILS });
				expect(await store.users.findOne({ _id: alice.id })).to.deep.equal(before);
				await callWith(alice, authenticatorCode(), name);
				expect(await store.users.findOne({ _id: alice.id })).to.not.have.any.keys('e2e');
			});

			it('asks a user without a second factor for nothing, by default', async () => {
				await open();
				await callWith(await person(), undefined, name);
			});

			it('asks a user without a second factor for the password, if Enforce_Password_Fallback is on', async () => {
				await open({ Enforce_Password_Fallback: true });
				const alice = await person();
				const details = { method: 'password', codeGenerated: false, availableMethods: [] };
				await expectRefused(callWith(alice, undefined, name), { ...REQUIRED, details });
				for (const code of [sha256('wrong'), PASSWORD, '']) {
					expect(await rejection(callWith(alice, code, name))).to.deep.include({ details });
				}
				await callWith(alice, { code: sha256(PASSWORD).toUpperCase(), method: 'password' }, name);
			});

			it('asks a user with neither a second factor nor a password for nothing', async () => {
				await open({ Enforce_Password_Fallback: true });
				await callWith(await addPerson(roomkey.store), undefined, name);
			});

			it('asks a user without a second factor for nothing, if Enforce_Password_Fallback is off', async () => {
				await open({ Enforce_Password_Fallback: false });
				await callWith(await person(), undefined, name);
			});

			it('needs a code for every token but a personal access token with bypassTwoFactor', async () => {
				await open();
				const alice = await person(WITH_AUTHENTICATOR);
				const tokens: LoginToken[] = [
					{ hashedToken: 'login', when: new Date() },
					{ hashedToken: 'asked', when: new Date(), type: 'personalAccessToken', bypassTwoFactor: false },
					{ hashedToken: 'bypassing', when: new Date(), type: 'personalAccessToken', bypassTwoFactor: true },
				];
				await roomkey.store.users.updateOne({ _id: alice.id }, { $set: { 'services.resume.loginTokens': tokens } });
				const call = (hashedToken: string) => roomkey.callAs({ userId: alice.id, hashedToken, setUserId() {} }, name);
				for (const token of ['login', 'asked', 'unknown']) await expectRefused(call(token), REQUIRED);
				await call('bypassing');
			});
		});
	}

	for (const name of ['users.resetE2EKey', 'e2e.resetUserE2EKey']) {
		describe(`${name} for another user (section 6)`, () => {
			const admin = (services: User['services'] = {}) => person(services, { roles: ['admin'] });

			it('asks for the second factor of the caller, not of the other user', async () => {
				await open();
				const alice = await person(WITH_AUTHENTICATOR);
				const root = await admin(WITH_AUTHENTICATOR);
				await expectRefused(callWith(root, undefined, name, alice.id), { ...REQUIRED, details: TOTP_DETAILS });
				await callWith(root, authenticatorCode(), name, alice.id);
				await callWith(await admin(), undefined, name, alice.id);
			});

			it('asks an admin without a second factor for the password, if Enforce_Password_Fallback is on', async () => {
				await open({ Enforce_Password_Fallback: true });
				const alice = await person();
				const root = await admin();
				await expectRefused(callWith(root, undefined, name, alice.id), REQUIRED);
				await callWith(root, sha256(PASSWORD), name, alice.id);
			});

			it('is refused for a user without a second factor, if Enforce_Password_Fallback is off', async () => {
				await open({ Enforce_Password_Fallback: false });
				const alice = await person();
				const root = await admin(WITH_AUTHENTICATOR);
				await expectRefused(callWith(root, authenticatorCode(), name, alice.id), {
					error: 'error-not-allowed',
					reason: 'Not allowed',
					details: { method: name },
				});
				await callWith(root, authenticatorCode(), name, root.id);
			});

			it('refuses a caller without the permission before it asks for a code', async () => {
				await open();
				const alice = await person(WITH_AUTHENTICATOR);
				await expectRefused(callWith(alice, undefined, name, (await admin()).id), { error: 'error-not-allowed' });
			});
		});
	}

	it('are not used up by a reset that asks for confirmation (beyond.md E11)', async () => {
		await open({}, { confirmLastKeyHolder: true });
		const alice = await person(WITH_AUTHENTICATOR);
		const { store } = roomkey;
		await store.rooms.insertOne({ _id: 'room', t: 'p', encrypted: true });
		const u = { _id: alice.id, username: alice.username };
		await store.subscriptions.insertOne({ _id: 'membership', rid: 'room', u, E2EKey: 'the only key' });
		const code = authenticatorCode();
		await expectRefused(callWith(alice, code, 'e2e.resetOwnE2EKey'), { error: 'error-last-key-holder' });
		expect(await callWith(alice, code, 'e2e.resetOwnE2EKey', true)).to.deep.equal({ lastKeyHolder: true });
	});

	describe('replacing the identity keys with `force` and --identity-second-factor', () => {
		const SET = 'e2e.setUserPublicAndPrivateKeys';
		const strict = { identitySecondFactor: true };
		const keys = (name: string) => ({ ...identityTexts(name), force: true });
		const publicKeyOf = async ({ id }: Person) => (await roomkey.store.users.findOne({ _id: id }))?.e2e?.public_key;
		const loginsOf = async (who: Person) => {
			const { history } = (await roomkey.call(who, 'e2e.keyHistory', who.id)) as { history: { login?: string }[] };
			return history.map(({ login }) => login);
		};

		it('needs a code except for the first keys, and records each kind of login', async () => {
			await open({}, strict);
			const alice = await person(WITH_AUTHENTICATOR);
			await callWith(alice, undefined, SET, keys('1'));
			await expectRefused(callWith(alice, undefined, SET, keys('2')), { ...REQUIRED, details: TOTP_DETAILS });
			await expectRefused(callWith(alice, wrongCode(), SET, keys('2')), INVALID);
			expect(await publicKeyOf(alice)).to.equal('public 1');
			await callWith(alice, authenticatorCode(), SET, keys('2'));
			expect(await publicKeyOf(alice)).to.equal('public 2');
			expect(await loginsOf(alice)).to.deep.equal(['server', 'totp']);
			// The same pair again needs no code.
			await callWith(alice, undefined, SET, keys('2'));
		});

		it('needs the password if there is no second factor, even if `Enabled` is off', async () => {
			const settings: Record<string, boolean>[] = [{}, { Enforce_Password_Fallback: false }, { Enabled: false }];
			for (const twoFactorSettings of settings) {
				await open(twoFactorSettings, strict);
				const alice = await person();
				await callWith(alice, undefined, SET, keys('1'));
				await expectRefused(callWith(alice, undefined, SET, keys('2')), REQUIRED);
				await expectRefused(callWith(alice, sha256('wrong'), SET, keys('2')), INVALID);
				await callWith(alice, sha256(PASSWORD), SET, keys('2'));
				expect(await loginsOf(alice)).to.deep.equal(['server', 'password']);
			}
		});

		it('needs a code if another call has stored the first keys meanwhile', async () => {
			const { roomkey: racing, hooked } = await openHookedRoomkey(strict);
			roomkey = racing;
			const alice = await person();
			hooked.before('users', 'findOneAndUpdate', () => callWith(alice, undefined, SET, keys('1')));
			await expectRefused(callWith(alice, undefined, SET, keys('2')), REQUIRED);
			expect(await publicKeyOf(alice)).to.equal('public 1');
			await racing.close();
		});

		it('needs a code for another private key alone, and for a reset of the own keys', async () => {
			await open({}, strict);
			const alice = await person();
			await callWith(alice, undefined, SET, keys('1'));
			const other = { ...keys('1'), private_key: 'other' };
			await expectRefused(callWith(alice, undefined, SET, other), REQUIRED);
			await expectRefused(callWith(alice, undefined, 'e2e.resetOwnE2EKey'), REQUIRED);
			await callWith(alice, sha256(PASSWORD), 'e2e.resetOwnE2EKey');
		});

		it('needs no code if --identity-second-factor is off', async () => {
			await open();
			const alice = await person(WITH_AUTHENTICATOR);
			for (const name of ['1', '2']) await callWith(alice, undefined, SET, keys(name));
			expect(await publicKeyOf(alice)).to.equal('public 2');
		});
	});

	describe('a new password or e-mail', () => {
		it('needs a second factor in `changePassword`, but not the password twice', async () => {
			await open({ Enforce_Password_Fallback: true });
			const alice = await person(WITH_AUTHENTICATOR);
			await expectRefused(callWith(alice, undefined, 'changePassword', PASSWORD, 'new'), REQUIRED);
			await callWith(alice, authenticatorCode(), 'changePassword', PASSWORD, 'new');
			await callWith(await person(), undefined, 'changePassword', PASSWORD, 'new');
		});

		it('needs a second factor in `users.updateOwnBasicInfo`, where a new name needs none', async () => {
			await open();
			const alice = await person(WITH_AUTHENTICATOR);
			const change = (data: object, code?: string) => callWith(alice, code, 'users.updateOwnBasicInfo', data);
			const email = { email: addressOf(randomId()), currentPassword: PASSWORD };
			await expectRefused(change(email), REQUIRED);
			await change({ name: 'Alice' });
			await change(email, authenticatorCode(-1));
			await change({ newPassword: 'new', currentPassword: PASSWORD }, authenticatorCode());
		});

		it('is stored by a retry with a code and the same idempotency key', async () => {
			await open();
			const alice = await person(WITH_AUTHENTICATOR);
			const data = { email: addressOf(randomId()), currentPassword: PASSWORD };
			const change = (code?: string) =>
				roomkey.callAs(
					{
						userId: alice.id,
						idempotencyKey: { key: 'key', session: null },
						...(code && { secondFactor: { code, method: 'totp' } }),
					},
					'users.updateOwnBasicInfo',
					data,
				);
			await expectRefused(change(), REQUIRED);
			const answer = await change(authenticatorCode());
			expect(await change()).to.deep.equal(answer);
		});
	});

	describe('failed attempts', () => {
		// A new Roomkey for each test, because attempts are also counted by address.
		beforeEach(async () => {
			roomkey = await openRoomkey(undefined, { rateLimit: 'on' });
		});
		afterEach(() => roomkey.close());
		const TOO_MANY = { error: 'too-many-requests' };

		it('count if the code is wrong: after ten, even the right code is refused', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			for (let i = 0; i < 10; i++) await expectRefused(logIn(alice, wrongCode()), INVALID);
			await expectRefused(logIn(alice, authenticatorCode()), TOO_MANY);
		});

		it('are counted for the user, by username or e-mail, over all methods', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			const byMail = {
				totp: { code: wrongCode(), login: { user: { email: addressOf(alice.username) }, password: PASSWORD } },
			};
			for (let i = 0; i < 5; i++) {
				await expectRefused(logIn(alice, wrongCode()), INVALID);
				await expectRefused(roomkey.call(null, 'login', byMail), INVALID);
			}
			await expectRefused(callWith(alice, authenticatorCode(), 'e2e.resetOwnE2EKey'), TOO_MANY);
		});

		it('stay counted after a right password without a code, which adds none', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			for (let i = 0; i < 9; i++) await expectRefused(logIn(alice, undefined, 'wrong'), { error: 403 });
			for (let i = 0; i < 3; i++) await expectRefused(logIn(alice), REQUIRED);
			await expectRefused(logIn(alice, undefined, 'wrong'), { error: 403 });
			await expectRefused(logIn(alice, authenticatorCode()), TOO_MANY);
		});

		it('are forgotten after a login with the right password and the right code', async () => {
			const alice = await person(WITH_AUTHENTICATOR);
			for (let i = 0; i < 9; i++) await expectRefused(logIn(alice, wrongCode()), INVALID);
			await logIn(alice, authenticatorCode());
			for (let i = 0; i < 10; i++) await expectRefused(logIn(alice, wrongCode()), INVALID);
			await expectRefused(logIn(alice, wrongCode()), TOO_MANY);
		});
	});
});
