/** Second factors: test/contract/rocketchat-e2e.md 4.7, section 6 (users.resetE2EKey), 7.5, 9.1, 9.2. */
import { hashSync } from '@node-rs/bcrypt';
import { expect } from 'chai';
import { stepOf } from '../../methods/model/users/totp.js';
import type { LoginToken, User } from '../../shared/documents.js';
import type { ClientError } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import type { SecondFactor } from '../../shared/method.js';
import {
	appCode,
	BACKUP_CODES,
	mailed,
	SECRET,
	say,
	sha256,
	WITH_APP,
	withMail,
	wrongCode,
} from '../support/factors.js';
import { addPerson, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

const PASSWORD = 'secret';
/** A hash with few rounds, because these tests log in often. */
const HASH = hashSync(sha256(PASSWORD), 4);
const TOTP_DETAILS = { method: 'totp', codeGenerated: false, availableMethods: ['totp'] };
const REQUIRED = { error: 'totp-required', reason: 'TOTP Required' };
const INVALID = { error: 'totp-invalid', reason: 'TOTP Invalid' };
const addressOf = (username: string) => `${username}@example.com`;

describe('second factors', () => {
	let roomkey: TestRoomkey;
	const opened = new Map<string, TestRoomkey>();

	/** Opens Roomkey, or takes the one of an earlier test with the same settings: settings are cached. */
	async function open(said: Record<string, boolean | number> = {}, options: Parameters<typeof openRoomkey>[1] = {}) {
		const key = JSON.stringify([said, options]);
		const before = opened.get(key);
		roomkey = before ?? (await openRoomkey(undefined, options));
		if (before) return;
		opened.set(key, roomkey);
		for (const [name, value] of Object.entries(said)) await say(roomkey.store, name, value);
	}
	after(() => Promise.all([...opened.values()].map((one) => one.close())));

	function person(services: User['services'] = {}, fields: Partial<User> = {}): Promise<Person> {
		const username = randomId();
		const emails = [{ address: addressOf(username), verified: true }];
		const password = { bcrypt: HASH };
		return addPerson(roomkey.store, { username, emails, ...fields, services: { ...services, password } });
	}
	const servicesOf = async ({ id }: Person) => (await roomkey.store.users.findOne({ _id: id }))?.services;

	/** Logs in as a DDP client does: with a code in the wrapper, or without one. */
	function logIn({ username }: Person, code?: string, password = PASSWORD): Promise<unknown> {
		const login = { user: { username }, password };
		return roomkey.callAs({ setUserId() {} }, 'login', code === undefined ? login : { totp: { code, login } });
	}

	/** Calls a method with a second factor. */
	function callWith(as: Person, secondFactor: SecondFactor | string | undefined, name: string, ...params: unknown[]) {
		const factor = typeof secondFactor === 'string' ? { code: secondFactor, method: null } : secondFactor;
		return roomkey.callAs({ userId: as.id, secondFactor: factor, setUserId() {} }, name, ...params);
	}

	async function expectRefused(outcome: Promise<unknown>, expected: Partial<ClientError>): Promise<void> {
		expect(await rejection(outcome)).to.deep.include(expected);
	}

	describe('login with a password (9.2)', () => {
		beforeEach(() => open());

		it('is as it was for a user who has none', async () => {
			expect(await logIn(await person())).to.include({ type: 'password' });
			expect(await logIn(await person({ totp: { enabled: false, secret: SECRET } }))).to.include({ type: 'password' });
		});

		it('asks for a code: totp-required, and gives no token', async () => {
			const alice = await person(WITH_APP);
			await expectRefused(logIn(alice), { ...REQUIRED, details: TOTP_DETAILS });
			expect((await servicesOf(alice))?.resume?.loginTokens).to.have.length(1);
		});

		it('works with a code of the app, in the wrapper', async () => {
			const alice = await person(WITH_APP);
			expect(await logIn(alice, appCode())).to.include({ id: alice.id, type: 'password' });
		});

		it("works with a code as Meteor's clients send it, and with one beside the call", async () => {
			const alice = await person(WITH_APP);
			const options = { user: { username: alice.username }, password: PASSWORD };
			const login = (more: object, secondFactor?: SecondFactor) =>
				roomkey.callAs({ setUserId() {}, secondFactor }, 'login', { ...options, ...more });
			expect(await login({ code: appCode(-1) })).to.include({ id: alice.id });
			expect(await login({}, { code: appCode(), method: 'totp' })).to.include({ id: alice.id });
		});

		it('refuses a wrong code: totp-invalid', async () => {
			await expectRefused(logIn(await person(WITH_APP), wrongCode()), { ...INVALID, details: TOTP_DETAILS });
		});

		it('takes a code that is empty for none', async () => {
			await expectRefused(logIn(await person(WITH_APP), ''), REQUIRED);
		});

		it('says nothing of a second factor to a caller who does not know the password, and leaves the code good', async () => {
			const alice = await person(WITH_APP);
			const code = appCode();
			for (const given of [undefined, code, wrongCode()]) {
				await expectRefused(logIn(alice, given, 'wrong'), {
					error: 403,
					reason: 'Something went wrong. Please check your credentials.',
				});
			}
			expect(await logIn(alice, code)).to.include({ id: alice.id });
		});

		it('asks nobody who comes with a token, in the wrapper or without', async () => {
			const alice = await person(WITH_APP);
			for (const options of [{ resume: alice.token }, { totp: { code: 'x', login: { resume: alice.token } } }]) {
				expect(await roomkey.callAs({ setUserId() {} }, 'login', options)).to.include({ type: 'resume' });
			}
		});

		it('never takes the password for the second factor', async () => {
			await open({ Enforce_Password_Fallback: true });
			expect(await logIn(await person())).to.include({ type: 'password' });
			await expectRefused(logIn(await person(WITH_APP), sha256(PASSWORD)), INVALID);
		});

		for (const [what, login] of [
			['nothing in it', {}],
			['another wrapper in it', { totp: { code: '1', login: { resume: 'x' } } }],
		] as const) {
			it(`refuses a wrapper with ${what}: 400`, async () => {
				const options = { totp: { code: '123456', login } };
				await expectRefused(roomkey.call(null, 'login', options), {
					error: 400,
					reason: 'Unrecognized options for login request',
				});
			});
		}

		it('refuses a wrapper that is none: Match failed', async () => {
			for (const totp of ['123456', { code: 123456, login: {} }, { code: '123456' }, { code: '123456', login: 'x' }]) {
				expect(await rejection(roomkey.call(null, 'login', { totp }))).to.include({ errorType: 'Match.Error' });
			}
		});
	});

	describe('totp (7.5)', () => {
		it('knows the codes of RFC 6238, of the time steps around now', () => {
			const now = 59_000;
			expect(stepOf(SECRET, '287082', 0, now)).to.equal(1);
			expect(stepOf(SECRET, '287082', 0, now + 30_000)).to.equal(null);
			expect(stepOf(SECRET, '287082', 1, now + 30_000)).to.equal(1);
			expect(stepOf(SECRET, '287082', 1, now - 30_000)).to.equal(1);
			expect(stepOf(SECRET, '287082', 1, now + 60_000)).to.equal(null);
		});

		it('takes a secret with spaces or small letters, and no code for one that is none', () => {
			expect(stepOf(SECRET.toLowerCase().replace(/(.{4})/g, '$1 '), '287082', 0, 59_000)).to.equal(1);
			for (const secret of ['', ' ', '!?', '1']) expect(stepOf(secret, '328482', 20, 59_000)).to.equal(null);
		});

		it('accepts a code once, and afterwards no older code', async () => {
			await open();
			const alice = await person(WITH_APP);
			const [before, now, after] = [appCode(-1), appCode(), appCode(1)];
			await logIn(alice, now);
			for (const code of [now, before]) await expectRefused(logIn(alice, code), INVALID);
			expect(await logIn(alice, after)).to.include({ id: alice.id });
		});

		it('lets one in of many who use a code at once', async () => {
			await open();
			const alice = await person(WITH_APP);
			const code = appCode();
			const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => logIn(alice, code)));
			expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
		});

		it('takes a code that was used for one thing for no other', async () => {
			await open();
			const alice = await person(WITH_APP);
			const code = appCode();
			await logIn(alice, code);
			await expectRefused(callWith(alice, code, 'e2e.resetOwnE2EKey'), INVALID);
		});

		it('refuses a user who has it switched on and no secret', async () => {
			await open();
			for (const secret of [undefined, '']) {
				const alice = await person({ totp: { enabled: true, ...(secret !== undefined && { secret }) } });
				for (const code of [appCode(), '328482']) await expectRefused(logIn(alice, code), INVALID);
			}
		});

		it('takes each backup code once', async () => {
			await open();
			const alice = await person(WITH_APP);
			const [first, second] = BACKUP_CODES;
			await logIn(alice, first);
			await expectRefused(logIn(alice, first), INVALID);
			await expectRefused(logIn(alice, 'zzzz9999'), INVALID);
			expect((await servicesOf(alice))?.totp?.hashedBackup).to.deep.equal([sha256(second)]);
			expect(await logIn(alice, second)).to.include({ id: alice.id });
		});

		it('lets one in of many who use a backup code at once', async () => {
			await open();
			const alice = await person(WITH_APP);
			const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => logIn(alice, BACKUP_CODES[0])));
			expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
		});
	});

	describe('email (7.5)', () => {
		beforeEach(() => open({ Max_Invalid_Email_Code_Attempts: 3 }));
		const details = { method: 'email', codeGenerated: false, availableMethods: ['email'] };

		it('asks for a code it has not sent, and says when the one that was sent runs out', async () => {
			await expectRefused(logIn(await person(await withMail())), { ...REQUIRED, details });
			const expire = new Date(Date.now() + 60_000);
			await expectRefused(logIn(await person(await withMail('123456', { expire }))), {
				...REQUIRED,
				details: { ...details, codeExpires: expire.toISOString() },
			});
		});

		it('takes the code that was mailed, typed in any way, once', async () => {
			const alice = await person(await withMail('123456'));
			await logIn(alice, '123-456');
			expect(await servicesOf(alice)).to.not.have.any.keys('emailCode');
			await expectRefused(logIn(alice, '123456'), { ...INVALID, details });
		});

		it('lets one in of two who use it at once', async () => {
			const alice = await person(await withMail('123456'));
			const outcomes = await Promise.allSettled([logIn(alice, '123456'), logIn(alice, '123456')]);
			expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
		});

		it('refuses one that has run out, as if there were none', async () => {
			const alice = await person(await withMail('123456', { expire: new Date(Date.now() - 1) }));
			await expectRefused(logIn(alice), { ...REQUIRED, details });
			await expectRefused(logIn(alice, '123456'), { ...INVALID, details });
		});

		it('counts wrong ones: then totp-max-attempts, for the right one too', async () => {
			const alice = await person(await withMail('123456'));
			for (let i = 0; i < 2; i++) await expectRefused(logIn(alice, '000000'), INVALID);
			for (const code of ['000000', '123456']) {
				expect(await rejection(logIn(alice, code))).to.include({ error: 'totp-max-attempts' });
			}
		});

		it('looks at no more than so many of guesses that come at once', async () => {
			const alice = await person(await withMail('123456'));
			await Promise.allSettled(Array.from({ length: 6 }, () => logIn(alice, '000000')));
			expect((await servicesOf(alice))?.emailCode).to.include({ attempts: 3 });
		});

		it('knows the list of older releases', async () => {
			const emailCode = [
				await mailed('111111', { expire: new Date(0) }),
				await mailed('222222'),
				await mailed('333333'),
			];
			const alice = await person({ email2fa: { enabled: true }, emailCode });
			for (const code of ['111111', '444444']) await expectRefused(logIn(alice, code), INVALID);
			await logIn(alice, '333333');
			await expectRefused(logIn(alice, '333333'), INVALID);
			await logIn(alice, '222222');
		});

		it('is asked of nobody without a verified address', async () => {
			const emails = [{ address: 'somebody@example.com', verified: false }];
			expect(await logIn(await person(await withMail('123456'), { emails }))).to.include({ type: 'password' });
		});

		it('comes second to the app, unless the caller says email', async () => {
			const alice = await person({ ...WITH_APP, ...(await withMail('123456')) });
			const both = { availableMethods: ['totp', 'email'] };
			await expectRefused(logIn(alice), { details: { ...TOTP_DETAILS, ...both } });
			await expectRefused(logIn(alice, '123456'), { error: 'totp-invalid' });
			await callWith(alice, { code: '123456', method: 'email' }, 'e2e.resetOwnE2EKey');
		});

		it('is tried on nobody who has not set it up, whatever the caller says', async () => {
			const emailCode = await mailed('123456');
			const alice = await person({ ...WITH_APP, emailCode });
			const outcome = callWith(alice, { code: '123456', method: 'email' }, 'e2e.resetOwnE2EKey');
			await expectRefused(outcome, { error: 'totp-invalid', details: TOTP_DETAILS });
		});
	});

	describe('settings of the database', () => {
		it('Enabled off: nothing is asked', async () => {
			await open({ Enabled: false, Enforce_Password_Fallback: true });
			const alice = await person(WITH_APP);
			expect(await logIn(alice)).to.include({ type: 'password' });
			expect(await callWith(alice, undefined, 'e2e.resetOwnE2EKey')).to.equal(true);
		});

		it('By_TOTP_Enabled, By_Email_Enabled off: that one is not asked', async () => {
			await open({ By_TOTP_Enabled: false, By_Email_Enabled: false });
			const alice = await person({ ...WITH_APP, ...(await withMail('123456')) });
			expect(await logIn(alice)).to.include({ type: 'password' });
		});

		it('MaxDelta: so many time steps the clock of the app may be off', async () => {
			await open({ MaxDelta: 3 });
			expect(await logIn(await person(WITH_APP), appCode(3))).to.include({ type: 'password' });
		});
	});

	for (const [name, row] of [
		['e2e.resetOwnE2EKey', '4.7'],
		['users.resetE2EKey', 'section 6'],
	] as const) {
		describe(`${row} ${name}`, () => {
			it('asks for the second factor, and writes nothing without it', async () => {
				await open();
				const alice = await person(WITH_APP, { e2e: { public_key: 'public', private_key: 'private' } });
				const { store } = roomkey;
				const before = await store.users.findOne({ _id: alice.id });
				await expectRefused(callWith(alice, undefined, name), { ...REQUIRED, details: TOTP_DETAILS });
				await expectRefused(callWith(alice, wrongCode(), name), { ...INVALID, details: TOTP_DETAILS });
				expect(await store.users.findOne({ _id: alice.id })).to.deep.equal(before);
				await callWith(alice, appCode(), name);
				expect(await store.users.findOne({ _id: alice.id })).to.not.have.any.keys('e2e');
			});

			it('asks who has none for nothing, where the database does not say', async () => {
				await open();
				await callWith(await person(), undefined, name);
			});

			it('asks a user who has none for the password, where the database says so', async () => {
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

			it('asks for no password where the database says it does not stand in', async () => {
				await open({ Enforce_Password_Fallback: false });
				await callWith(await person(), undefined, name);
			});

			it('asks nobody whose personal access token stands for a second factor, and everybody with another', async () => {
				await open();
				const alice = await person(WITH_APP);
				const tokens: LoginToken[] = [
					{ hashedToken: 'login', when: new Date() },
					{ hashedToken: 'asked', when: new Date(), type: 'personalAccessToken', bypassTwoFactor: false },
					{ hashedToken: 'let by', when: new Date(), type: 'personalAccessToken', bypassTwoFactor: true },
				];
				await roomkey.store.users.updateOne({ _id: alice.id }, { $set: { 'services.resume.loginTokens': tokens } });
				const call = (hashedToken: string) => roomkey.callAs({ userId: alice.id, hashedToken, setUserId() {} }, name);
				for (const token of ['login', 'asked', 'unknown']) await expectRefused(call(token), REQUIRED);
				await call('let by');
			});
		});
	}

	for (const name of ['users.resetE2EKey', 'e2e.resetUserE2EKey']) {
		describe(`${name} of somebody else (section 6)`, () => {
			const admin = (services: User['services'] = {}) => person(services, { roles: ['admin'] });

			it('demands the second factor of the caller, not of the other', async () => {
				await open();
				const alice = await person(WITH_APP);
				const root = await admin(WITH_APP);
				await expectRefused(callWith(root, undefined, name, alice.id), { ...REQUIRED, details: TOTP_DETAILS });
				await callWith(root, appCode(), name, alice.id);
				await callWith(await admin(), undefined, name, alice.id);
			});

			it('demands the password of an admin without one, where the database says so', async () => {
				await open({ Enforce_Password_Fallback: true });
				const alice = await person();
				const root = await admin();
				await expectRefused(callWith(root, undefined, name, alice.id), REQUIRED);
				await callWith(root, sha256(PASSWORD), name, alice.id);
			});

			it('is refused where the database says that no password stands in: error-not-allowed', async () => {
				await open({ Enforce_Password_Fallback: false });
				const alice = await person();
				const root = await admin(WITH_APP);
				await expectRefused(callWith(root, appCode(), name, alice.id), {
					error: 'error-not-allowed',
					reason: 'Not allowed',
					details: { method: name },
				});
				await callWith(root, appCode(), name, root.id);
			});

			it('asks nobody for a code who may not', async () => {
				await open();
				const alice = await person(WITH_APP);
				await expectRefused(callWith(alice, undefined, name, (await admin()).id), { error: 'error-not-allowed' });
			});
		});
	}

	it('a code is not spent on a reset that must be confirmed first (beyond.md E11)', async () => {
		await open({}, { confirmLastKeyHolder: true });
		const alice = await person(WITH_APP);
		const { store } = roomkey;
		await store.rooms.insertOne({ _id: 'room', t: 'p', encrypted: true });
		const u = { _id: alice.id, username: alice.username };
		await store.subscriptions.insertOne({ _id: 'place', rid: 'room', u, E2EKey: 'the only key' });
		const code = appCode();
		await expectRefused(callWith(alice, code, 'e2e.resetOwnE2EKey'), { error: 'error-last-key-holder' });
		expect(await callWith(alice, code, 'e2e.resetOwnE2EKey', true)).to.deep.equal({ lastKeyHolder: true });
	});

	describe('other identity keys by force, where --identity-second-factor asks for it', () => {
		const SET = 'e2e.setUserPublicAndPrivateKeys';
		const strict = { identitySecondFactor: true };
		const keys = (name: string) => ({ public_key: `public ${name}`, private_key: `private ${name}`, force: true });
		const publicKeyOf = async ({ id }: Person) => (await roomkey.store.users.findOne({ _id: id }))?.e2e?.public_key;
		const loginsOf = async (who: Person) => {
			const { history } = (await roomkey.call(who, 'e2e.keyHistory', who.id)) as { history: { login?: string }[] };
			return history.map(({ login }) => login);
		};

		it('first keys need nothing, others need the code, and the history says so', async () => {
			await open({}, strict);
			const alice = await person(WITH_APP);
			await callWith(alice, undefined, SET, keys('1'));
			await expectRefused(callWith(alice, undefined, SET, keys('2')), { ...REQUIRED, details: TOTP_DETAILS });
			await expectRefused(callWith(alice, wrongCode(), SET, keys('2')), INVALID);
			expect(await publicKeyOf(alice)).to.equal('public 1');
			await callWith(alice, appCode(), SET, keys('2'));
			expect(await publicKeyOf(alice)).to.equal('public 2');
			expect(await loginsOf(alice)).to.deep.equal(['server', 'totp']);
			// The same pair again writes nothing, so no second factor is needed.
			await callWith(alice, undefined, SET, keys('2'));
		});

		it('the password stands in where there is no second factor, even where second factors are off', async () => {
			const settings: Record<string, boolean>[] = [{}, { Enforce_Password_Fallback: false }, { Enabled: false }];
			for (const said of settings) {
				await open(said, strict);
				const alice = await person();
				await callWith(alice, undefined, SET, keys('1'));
				await expectRefused(callWith(alice, undefined, SET, keys('2')), REQUIRED);
				await expectRefused(callWith(alice, sha256('wrong'), SET, keys('2')), INVALID);
				await callWith(alice, sha256(PASSWORD), SET, keys('2'));
				expect(await loginsOf(alice)).to.deep.equal(['server', 'password']);
			}
		});

		it('another private key alone, and a reset of the own keys, need it too', async () => {
			await open({}, strict);
			const alice = await person();
			await callWith(alice, undefined, SET, keys('1'));
			const other = { ...keys('1'), private_key: 'other' };
			await expectRefused(callWith(alice, undefined, SET, other), REQUIRED);
			await expectRefused(callWith(alice, undefined, 'e2e.resetOwnE2EKey'), REQUIRED);
			await callWith(alice, sha256(PASSWORD), 'e2e.resetOwnE2EKey');
		});

		it('is not asked for where the setting is off, as stock clients expect', async () => {
			await open();
			const alice = await person(WITH_APP);
			for (const name of ['1', '2']) await callWith(alice, undefined, SET, keys(name));
			expect(await publicKeyOf(alice)).to.equal('public 2');
		});
	});

	describe('a new password or e-mail', () => {
		it('changePassword asks for the second factor beside the old password, and never for that twice', async () => {
			await open({ Enforce_Password_Fallback: true });
			const alice = await person(WITH_APP);
			await expectRefused(callWith(alice, undefined, 'changePassword', PASSWORD, 'new'), REQUIRED);
			await callWith(alice, appCode(), 'changePassword', PASSWORD, 'new');
			await callWith(await person(), undefined, 'changePassword', PASSWORD, 'new');
		});

		it('users.updateOwnBasicInfo does too, and for a name it asks nothing', async () => {
			await open();
			const alice = await person(WITH_APP);
			const change = (data: object, code?: string) => callWith(alice, code, 'users.updateOwnBasicInfo', data);
			const email = { email: addressOf(randomId()), currentPassword: PASSWORD };
			await expectRefused(change(email), REQUIRED);
			await change({ name: 'Alice' });
			await change(email, appCode(-1));
			await change({ newPassword: 'new', currentPassword: PASSWORD }, appCode());
		});

		it('asked again under the same idempotency key with a code, it is done, and then answered as before', async () => {
			await open();
			const alice = await person(WITH_APP);
			const data = { email: addressOf(randomId()), currentPassword: PASSWORD };
			const change = (code?: string) =>
				roomkey.callAs(
					{
						userId: alice.id,
						idempotencyKey: { key: 'mark', session: null },
						...(code && { secondFactor: { code, method: 'totp' } }),
					},
					'users.updateOwnBasicInfo',
					data,
				);
			await expectRefused(change(), REQUIRED);
			const answer = await change(appCode());
			expect(await change()).to.deep.equal(answer);
		});
	});

	describe('guesses', () => {
		// Attempts from one address are counted too.
		beforeEach(async () => {
			roomkey = await openRoomkey(undefined, { rateLimit: 'on' });
		});
		afterEach(() => roomkey.close());
		const TOO_MANY = { error: 'too-many-requests' };

		it('at the code count like wrong passwords: after ten even the right one is refused', async () => {
			const alice = await person(WITH_APP);
			for (let i = 0; i < 10; i++) await expectRefused(logIn(alice, wrongCode()), INVALID);
			await expectRefused(logIn(alice, appCode()), TOO_MANY);
		});

		it('at the code are counted for the user, by whatever name, and whatever it is for', async () => {
			const alice = await person(WITH_APP);
			const byMail = {
				totp: { code: wrongCode(), login: { user: { email: addressOf(alice.username) }, password: PASSWORD } },
			};
			for (let i = 0; i < 5; i++) {
				await expectRefused(logIn(alice, wrongCode()), INVALID);
				await expectRefused(roomkey.call(null, 'login', byMail), INVALID);
			}
			await expectRefused(callWith(alice, appCode(), 'e2e.resetOwnE2EKey'), TOO_MANY);
		});

		it('at the password are counted on where the right one comes without a code, which itself is no guess', async () => {
			const alice = await person(WITH_APP);
			for (let i = 0; i < 9; i++) await expectRefused(logIn(alice, undefined, 'wrong'), { error: 403 });
			for (let i = 0; i < 3; i++) await expectRefused(logIn(alice), REQUIRED);
			await expectRefused(logIn(alice, undefined, 'wrong'), { error: 403 });
			await expectRefused(logIn(alice, appCode()), TOO_MANY);
		});

		it('are forgotten with the right password and the right code', async () => {
			const alice = await person(WITH_APP);
			for (let i = 0; i < 9; i++) await expectRefused(logIn(alice, wrongCode()), INVALID);
			await logIn(alice, appCode());
			for (let i = 0; i < 10; i++) await expectRefused(logIn(alice, wrongCode()), INVALID);
			await expectRefused(logIn(alice, wrongCode()), TOO_MANY);
		});
	});
});
