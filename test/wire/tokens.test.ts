/** Connections whose login token is removed (test/contract/ddp.md 16.1 to 16.4; 9.3 is in rocketchat-e2e.md). */
import { createHash } from 'node:crypto';
import { mock } from 'node:test';
import { expect } from 'chai';
import { publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { RawClient } from '../support/ddp.js';
import { addPerson, type Person } from '../support/people.js';
import { get, headersOf, post, request } from '../support/rest.js';

const digest = (password: string) => ({
	digest: createHash('sha256').update(password).digest('hex'),
	algorithm: 'sha-256',
});

const DAY = 24 * 60 * 60 * 1000;

/** An interval so long that the token watcher closes no connection. */
const NEVER = 3_600_000;

describe('login tokens and their connections', () => {
	let app: TestApp;
	let alice: Person;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ tokenCheckInterval: NEVER, settings: { signUps: true } });
	});
	after(() => app.close());
	afterEach(() => mock.timers.reset());
	beforeEach(async () => {
		alice = await addPerson(app.store, { password: 'secret' });
	});

	const connect = (to = app) => clients.connect(to.webSocketUrl);

	/** A connection with a token of its own. */
	async function device(to = app): Promise<RawClient & { token: string }> {
		const client = await connect(to);
		const { result } = await client.call('login', { user: { id: alice.id }, password: digest('secret') });
		return Object.assign(client, { token: (result as { token: string }).token });
	}

	const devices = () => Promise.all([device(), device(), device()]);

	async function countLoggedIn(all: readonly RawClient[]): Promise<number> {
		const answers = await Promise.allSettled(all.map((client) => client.call('me')));
		return answers.filter((answer) => answer.status === 'fulfilled' && answer.value.result).length;
	}

	it('a logout over REST: only the connection of its device is closed (16.2)', async () => {
		const [first, second, third] = await devices();
		const headers = headersOf({ id: alice.id, token: first.token });
		expect((await request(`${app.url}/api/v1/logout`, { method: 'POST', headers })).status).to.equal(200);
		expect(await first.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
		expect(await countLoggedIn([second, third])).to.equal(2);
	});

	it('a logout over DDP: no connection is closed, other devices stay logged in (16.2)', async () => {
		const [first, second, third] = await devices();
		await first.call('logout');
		expect((await first.call('me')).error).to.include({ error: 'error-invalid-user' });
		expect(await countLoggedIn([second, third])).to.equal(2);
	});

	it('removeOtherTokens over DDP: only the token of the calling device remains (16.1)', async () => {
		const [first, second, third] = await devices();
		const stranger = await connect();
		await stranger.call('login', { resume: (await addPerson(app.store)).token });
		expect(await first.call('removeOtherTokens')).not.to.have.any.keys('result', 'error');
		await Promise.all([second.closed, third.closed]);
		expect(await countLoggedIn([first, stranger])).to.equal(2);
		expect((await (await connect()).call('login', { resume: second.token })).error).to.include({ error: 403 });
	});

	it("removeOtherTokens over REST: keeps the caller's token, closes connections of all devices (16.2)", async () => {
		const all = await devices();
		const message = JSON.stringify({ msg: 'method', id: '1', method: 'removeOtherTokens', params: [] });
		await post(`${app.url}/api/v1/method.call/removeOtherTokens`, alice, { message });
		await Promise.all(all.map((client) => client.closed));
		expect(await countLoggedIn(all)).to.equal(0);
		expect((await get(`${app.url}/api/v1/me`, alice)).status).to.equal(200);
	});

	it("getNewToken, then removeOtherTokens, as Meteor's logoutOtherClients: only the calling connection stays (9.3)", async () => {
		const [first, second, third] = await devices();
		const sameToken = await connect();
		await sameToken.call('login', { resume: first.token });
		first.send({ msg: 'method', id: 'a', method: 'getNewToken', params: [] });
		// The user has not changed, so the user document is not sent again.
		expect(await first.nextText()).to.equal('{"msg":"updated","methods":["a"]}');
		const { result } = await first.next();
		expect(result).to.have.all.keys('id', 'token', 'tokenExpires').and.include({ id: alice.id });
		expect(await first.call('removeOtherTokens')).not.to.have.property('error');
		await Promise.all([second.closed, third.closed, sameToken.closed]);
		expect(await countLoggedIn([first])).to.equal(1);
		const { token } = result as { token: string };
		expect((await (await connect()).call('login', { resume: token })).result).to.include({ id: alice.id, token });
	});

	it('getNewToken: replaces the token without running a subscription again (16.1)', async () => {
		let runs = 0;
		const watch = publication({
			name: 'watch',
			args: {},
			summary: 'for a test',
			run(_args, context) {
				runs++;
				context.ready();
			},
		});
		const secondApp = await startApp({ store: app.store, publications: [watch] });
		const client = await device(secondApp);
		client.send({ msg: 'sub', id: 's', name: 'watch' });
		const { token } = (await client.call('getNewToken')).result as { token: string };
		expect(runs).to.equal(1);
		const headers = headersOf({ id: alice.id, token });
		await request(`${secondApp.url}/api/v1/logout`, { method: 'POST', headers });
		expect(await client.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
		await secondApp.close();
	});

	it("changePassword over DDP: closes all connections but the caller's (16.1)", async () => {
		const [first, second, third] = await devices();
		const changed = await first.call('changePassword', digest('secret'), digest('changed'));
		expect(changed.result).to.deep.equal({ passwordChanged: true });
		await Promise.all([second.closed, third.closed]);
		expect(await countLoggedIn([first])).to.equal(1);
		const wrong = await first.call('changePassword', digest('secret'), digest('again'));
		expect(wrong.error).to.include({ error: 403, reason: 'Something went wrong. Please check your credentials.' });
	});

	it("changePassword over REST: keeps the caller's token, closes connections of other devices (16.1)", async () => {
		const other = await device();
		const message = JSON.stringify({ msg: 'method', id: '1', method: 'changePassword', params: ['secret', 'changed'] });
		const { body } = await post(`${app.url}/api/v1/method.call/changePassword`, alice, { message });
		expect(JSON.parse(body.message as string)).to.deep.include({ result: { passwordChanged: true } });
		await other.closed;
		expect((await get(`${app.url}/api/v1/me`, alice)).status).to.equal(200);
	});

	for (const [name, error] of [
		[
			'changePassword',
			{
				isClientSafe: true,
				error: 401,
				reason: 'Must be logged in',
				message: 'Must be logged in [401]',
				errorType: 'Meteor.Error',
			},
		],
		[
			'getNewToken',
			{
				isClientSafe: true,
				error: 'You are not logged in.',
				message: '[You are not logged in.]',
				errorType: 'Meteor.Error',
			},
		],
		[
			'removeOtherTokens',
			{
				isClientSafe: true,
				error: 'You are not logged in.',
				message: '[You are not logged in.]',
				errorType: 'Meteor.Error',
			},
		],
	] as const) {
		it(`a login is needed for ${name} (16.3)`, async () => {
			const client = await connect();
			expect((await client.call(name, 'old', 'new')).error).to.deep.equal(error);
		});
	}

	it('createUser: sends the user document, then `updated`, then a token (16.1, 16.4)', async () => {
		const client = await connect();
		const options = { username: 'Newcomer', email: 'new@example.com', password: digest('secret'), profile: { a: 1 } };
		client.send({ msg: 'method', id: '1', method: 'createUser', params: [options] });
		const [added, updated] = await client.take(2);
		const { id, token, type } = (await client.next()).result as { id: string; token: string; type: string };
		expect(added).to.deep.equal({
			msg: 'added',
			collection: 'users',
			id,
			fields: { username: 'Newcomer', emails: [{ address: 'new@example.com', verified: false }], profile: { a: 1 } },
		});
		expect(updated).to.deep.equal({ msg: 'updated', methods: ['1'] });
		expect(type).to.equal('password');
		expect((await client.call('me')).result).to.include({ _id: id });
		expect((await (await connect()).call('login', { resume: token })).result).to.include({ id });
		expect((await (await connect()).call('createUser', { ...options, username: 'nEWCOMER' })).error).to.include({
			error: 403,
			reason: 'Something went wrong. Please check your credentials.',
		});
	});

	it('a token that expires: its connection is closed (16.2)', async () => {
		mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() });
		const own = await startApp({ tokenCheckInterval: NEVER });
		const client = await connect(own);
		// A login lasts 90 days, so this token expires in 500 ms.
		const { token } = await addPerson(own.store, { tokenMadeAt: new Date(Date.now() - 90 * DAY + 500) });
		expect((await client.call('login', { resume: token })).result).to.include({ token });
		mock.timers.tick(500);
		await client.closed;
		expect((await (await connect(own)).call('login', { resume: token })).error).to.include({
			error: 403,
			reason: 'Your session has expired. Please log in again.',
		});
		mock.timers.reset();
		await own.close();
	});

	it('tokens that another process removes: only their connections are closed (16.2)', async () => {
		const secondApp = await startApp({ store: app.store, tokenCheckInterval: 5 });
		const [first, second, third] = [await device(secondApp), await device(secondApp), await device()];
		const guest = await connect(secondApp);
		await third.call('removeOtherTokens');
		expect(await first.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
		await second.closed;
		expect(await countLoggedIn([third])).to.equal(1);
		expect((await guest.call('me')).error).to.include({ error: 'error-invalid-user' });
		await secondApp.close();
	});
});
