/** `login`, `logout` and `me` over REST (`test/contract/rocketchat-e2e.md` 9.1). */
import { expect } from 'chai';
import { login } from '../../methods/accounts/login.js';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, type Person } from '../support/people.js';
import { get, headersOf, post, request } from '../support/rest.js';

describe('login, logout, me over REST (9.1)', () => {
	let app: TestApp;
	let api: string;
	let alice: Person;
	let bob: Person;

	before(async () => {
		app = await startApp();
		api = `${app.url}/api/v1`;
		alice = await addPerson(app.store, {
			username: 'alice',
			emails: [{ address: 'alice@example.com', verified: true }],
			password: 'secret',
		});
		bob = await addPerson(app.store);
	});
	after(() => app.close());

	const logIn = (body: unknown) => post(`${api}/login`, null, body);

	for (const body of [
		{ user: 'alice', password: 'secret' },
		{ username: 'alice', password: 'secret' },
		{ user: 'alice@example.com', password: 'secret' },
		{ email: 'alice@example.com', password: 'secret' },
		{ user: { username: 'alice' }, password: 'secret' },
		{ user: { email: 'alice@example.com' }, password: 'secret' },
		{
			user: 'alice',
			password: {
				digest: '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b',
				algorithm: 'sha-256',
			},
		},
	]) {
		it(`logs in with ${JSON.stringify(body)}`, async () => {
			const { status, body: answer } = await logIn(body);
			expect(status).to.equal(200);
			expect(answer).to.deep.include({ status: 'success', success: true });
			expect(answer).to.have.nested.property('data.userId', alice.id);
			expect(answer).to.have.nested.property('data.me.username', 'alice');
			expect(JSON.stringify(answer)).not.to.match(/bcrypt|hashedToken|loginTokens/);
			const { authToken } = answer.data as { authToken: string };
			const me = await get(`${api}/me`, { id: alice.id, token: authToken });
			expect(me.body).to.deep.include({ _id: alice.id, username: 'alice', success: true });
		});
	}

	it('logs in with a token, even if the client still sends old credentials', async () => {
		const { status, body } = await post(`${api}/login`, { ...bob, token: 'old' }, { resume: alice.token });
		expect(status).to.equal(200);
		expect(body).to.have.nested.property('data.authToken', alice.token);
	});

	it('answers an unknown user and a wrong password alike', async () => {
		const answers = [
			await logIn({ user: 'nobody', password: 'secret' }),
			await logIn({ user: 'alice', password: 'wrong' }),
		];
		for (const { status, body } of answers) {
			expect(status).to.equal(401);
			expect(body).to.deep.equal({
				status: 'error',
				success: false,
				error: 403,
				message: 'Something went wrong. Please check your credentials.',
			});
		}
	});

	it('answers a login that took too long with 400, not 401', async () => {
		const slow = await startApp({ methods: [{ ...login, timeout: 1, run: () => new Promise(() => {}) }] });
		const { status, body } = await post(`${slow.url}/api/v1/login`, null, { user: 'alice', password: 'secret' });
		await slow.close();
		expect([status, body.errorType]).to.deep.equal([400, 'error-timeout']);
	});

	it('answers a login with 500 and logs an error if the profile is unreadable', async () => {
		const malformed = await addPerson(app.store, { username: { toString: 1 } as never });
		const earlier = app.log.lines.length;
		const { status } = await logIn({ resume: malformed.token });
		expect(status).to.equal(500);
		const errors = app.log.lines.slice(earlier).filter(({ level }) => level === 'error');
		expect(errors.map(({ text }) => text)).to.deep.equal(['Exception while answering a request']);
	});

	it('answers an unknown token as Rocket.Chat does', async () => {
		const { status, body } = await logIn({ resume: 'x' });
		expect(status).to.equal(401);
		expect(body).to.include({
			status: 'error',
			error: 403,
			message: "You've been logged out by the server. Please log in again.",
		});
	});

	for (const body of [{}, { user: 'alice' }, { password: 'secret' }, { user: 5, password: 'x' }, { resume: 5 }]) {
		it(`refuses ${JSON.stringify(body)}`, async () => {
			const { status, body: answer } = await logIn(body);
			expect(status).to.be.oneOf([400, 401]);
			expect(answer.success).to.equal(false);
		});
	}

	for (const verb of ['GET', 'POST']) {
		it(`logs out by ${verb}, and removes only the token of the request`, async () => {
			const { authToken } = (await logIn({ user: 'alice', password: 'secret' })).body.data as { authToken: string };
			const headers = headersOf({ id: alice.id, token: authToken });
			const { status, body } = await request(`${api}/logout`, { method: verb, headers });
			expect(status).to.equal(200);
			expect(body).to.deep.equal({ status: 'success', data: { message: "You've been logged out!" } });
			expect((await request(`${api}/me`, { headers })).status).to.equal(401);
			expect((await get(`${api}/me`, alice)).status).to.equal(200);
		});
	}

	it('requires credentials for logout and me', async () => {
		for (const path of ['logout', 'me']) expect((await request(`${api}/${path}`)).status).to.equal(401);
	});

	it('answers HEAD of me without a body', async () => {
		const { status, text } = await request(`${api}/me`, { method: 'HEAD', headers: headersOf(alice) });
		expect({ status, text }).to.deep.equal({ status: 200, text: '' });
	});
});
