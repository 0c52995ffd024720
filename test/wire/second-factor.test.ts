/** Second factors over real sockets (test/contract/rocketchat-e2e.md 4.7, 6, 7.5, 8, 9.1, 9.2). */
import { expect } from 'chai';
import { parse, stringify } from '../../shared/ejson.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { authenticatorCode, WITH_AUTHENTICATOR, wrongCode } from '../support/factors.js';
import { addPerson, type Person } from '../support/people.js';
import { headersOf, post, type RestAnswer, request } from '../support/rest.js';

const PASSWORD = 'secret';
const DETAILS = { method: 'totp', codeGenerated: false, availableMethods: ['totp'] };
const REQUIRED = {
	isClientSafe: true,
	error: 'totp-required',
	reason: 'TOTP Required',
	details: DETAILS,
	message: 'TOTP Required [totp-required]',
	errorType: 'Meteor.Error',
};

const echo = method({
	name: 'test.echo',
	summary: 'for a test',
	args: { value: Match.Any },
	run: ({ value }) => value,
});

describe('second factors over the wire', () => {
	let app: TestApp;
	let alice: Person;
	let client: RawClient;

	before(async () => {
		app = await startApp({ methods: [echo] });
	});
	after(() => app.close());
	beforeEach(async () => {
		alice = await addPerson(app.store, { password: PASSWORD, services: WITH_AUTHENTICATOR });
		client = await RawClient.connect(app.webSocketUrl);
	});
	afterEach(() => client.close());

	function postWith(path: string, headers: Record<string, string>, body: object = {}): Promise<RestAnswer> {
		return request(`${app.url}/api/v1/${path}`, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json', ...headers },
			body: JSON.stringify(body),
		});
	}

	describe('DDP login (9.2)', () => {
		it('is refused without a code, and works with {totp: {code, login}}', async () => {
			const login = { user: { username: alice.username }, password: PASSWORD };
			expect((await client.call('login', login)).error).to.deep.equal(REQUIRED);
			const { error } = await client.call('login', { totp: { code: wrongCode(), login } });
			expect(error).to.deep.include({ error: 'totp-invalid', reason: 'TOTP Invalid', details: DETAILS });
			expect((await client.call('e2e.fetchMyKeys')).error).to.include({ error: 'error-invalid-user' });
			const { result } = await client.call('login', { totp: { code: authenticatorCode(), login } });
			expect(result).to.include({ id: alice.id, type: 'password' });
			expect((await client.call('e2e.fetchMyKeys')).result).to.deep.equal({});
		});
	});

	describe('REST login (9.1)', () => {
		const url = () => `${app.url}/api/v1/login`;
		const body = () => ({ user: alice.username, password: PASSWORD });

		it('answers a missing code with 401, totp-required and details', async () => {
			const answer = await post(url(), null, body());
			expect([answer.status, answer.body]).to.deep.equal([
				401,
				{ status: 'error', success: false, error: 'totp-required', message: 'TOTP Required', details: DETAILS },
			]);
		});

		it('answers a wrong code with 401, totp-invalid and details', async () => {
			const answer = await post(url(), null, { ...body(), code: wrongCode() });
			expect([answer.status, answer.body]).to.deep.equal([
				401,
				{ status: 'error', success: false, error: 'totp-invalid', message: 'TOTP Invalid', details: DETAILS },
			]);
		});

		it('accepts a code in the body or in the headers', async () => {
			// A code works once. `authenticatorCode(1)` is that of the next time step.
			const first = await post(url(), null, { ...body(), code: authenticatorCode() });
			expect(first.body).to.have.nested.property('data.userId', alice.id);
			const second = await postWith('login', { 'x-2fa-code': authenticatorCode(1), 'x-2fa-method': 'totp' }, body());
			expect(second.body).to.have.nested.property('data.userId', alice.id);
			expect(first.text + second.text).to.not.match(/totp|services/);
		});

		it('answers a wrong password without naming a second factor, even with a right code', async () => {
			const answer = await post(url(), null, { ...body(), password: 'wrong', code: authenticatorCode() });
			expect([answer.status, answer.body]).to.deep.equal([
				401,
				{
					status: 'error',
					success: false,
					error: 403,
					message: 'Something went wrong. Please check your credentials.',
				},
			]);
		});
	});

	describe('POST users.resetE2EKey (sections 6, 7.5)', () => {
		it('answers a missing code with 400, totp-required and details', async () => {
			const { status, body } = await postWith('users.resetE2EKey', headersOf(alice));
			expect([status, body]).to.deep.equal([
				400,
				{
					success: false,
					error: 'TOTP Required [totp-required]',
					errorType: 'totp-required',
					details: DETAILS,
				},
			]);
		});

		it('answers a wrong code with 400, totp-invalid and details', async () => {
			const { status, body } = await postWith('users.resetE2EKey', {
				...headersOf(alice),
				'x-2fa-code': wrongCode(),
				'x-2fa-method': 'totp',
			});
			expect([status, body]).to.deep.equal([
				400,
				{ success: false, error: 'TOTP Invalid [totp-invalid]', errorType: 'totp-invalid', details: DETAILS },
			]);
		});

		it('accepts the right code in the headers', async () => {
			const { status, body } = await postWith('users.resetE2EKey', {
				...headersOf(alice),
				'x-2fa-code': authenticatorCode(),
				'x-2fa-method': 'totp',
			});
			expect([status, body]).to.deep.equal([200, { success: true }]);
		});
	});

	describe('methods over DDP (4.7)', () => {
		it('e2e.resetOwnE2EKey reads the code from a parameter after the last argument', async () => {
			await client.call('login', { resume: alice.token });
			expect((await client.call('e2e.resetOwnE2EKey')).error).to.deep.equal(REQUIRED);
			const wrong = { twoFactorCode: wrongCode(), twoFactorMethod: 'totp' };
			expect((await client.call('e2e.resetOwnE2EKey', wrong)).error).to.include({ error: 'totp-invalid' });
			const right = { twoFactorCode: authenticatorCode(), twoFactorMethod: 'totp' };
			// `true` is the argument `confirm`.
			expect((await client.call('e2e.resetOwnE2EKey', true, right)).result).to.equal(true);
		});

		it('a method that asks for no second factor keeps its last argument', async () => {
			await client.call('login', { resume: alice.token });
			const value = { twoFactorCode: '123456', twoFactorMethod: 'totp' };
			expect((await client.call('test.echo', value)).result).to.deep.equal(value);
		});
	});

	describe('method.call (section 8)', () => {
		const path = 'method.call/e2e.resetOwnE2EKey';
		const message = (...params: unknown[]) => ({
			message: stringify({ msg: 'method', id: '1', method: 'e2e.resetOwnE2EKey', params }) as string,
		});
		const outcomeOf = ({ body }: RestAnswer) => parse(body.message as string) as Record<string, unknown>;

		it('is refused without a code', async () => {
			const answer = await postWith(path, headersOf(alice), message());
			expect(answer.status).to.equal(400);
			expect(outcomeOf(answer).error).to.deep.equal(REQUIRED);
		});

		it('reads the code from the parameter after the last argument of the method', async () => {
			const answer = await postWith(
				path,
				headersOf(alice),
				message({ twoFactorCode: authenticatorCode(), twoFactorMethod: 'totp' }),
			);
			expect(outcomeOf(answer).result).to.equal(true);
		});

		it('reads the code from the headers', async () => {
			const headers = { ...headersOf(alice), 'x-2fa-code': authenticatorCode(), 'x-2fa-method': 'totp' };
			expect(outcomeOf(await postWith(path, headers, message())).result).to.equal(true);
		});
	});
});
