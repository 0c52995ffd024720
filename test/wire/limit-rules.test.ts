/** Rate limits of subscriptions, and general rules over both transports (test/contract/ddp.md section 14). */
import { expect } from 'chai';
import type { RateEvent } from '../../shared/limit.js';
import { method } from '../../shared/method.js';
import { publication } from '../../shared/publication.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { Frame, RawClient } from '../support/ddp.js';
import { addPerson } from '../support/people.js';
import { post } from '../support/rest.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;
/** A period that does not end during a test, in ms. */
const PER = 600_000;

const methods = [method({ ...anyone, name: 'test.call', rest: 'POST', run: () => 'done' })];
const publications = [
	publication({ ...anyone, name: 'test.free', run: (_args, context) => context.ready() }),
	publication({
		...anyone,
		name: 'test.limited',
		limit: { calls: 2, per: PER },
		run: (_args, context) => context.ready(),
	}),
	publication({ ...anyone, name: null, run: () => {} }),
];

describe('limits of subscriptions, and limits by rules (14)', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();
	const events: RateEvent[] = [];
	const recordingRule = {
		matcher: {},
		calls: 1000,
		callback: (_outcome: unknown, event: RateEvent) => void events.push(event),
	};

	async function start(options: TestAppOptions = {}): Promise<void> {
		app = await startApp({ methods, publications, rateLimit: 'on', ...options });
	}
	afterEach(async () => {
		events.length = 0;
		await app.close();
	});

	const connect = () => clients.connect(app.webSocketUrl);

	let lastId = 0;
	async function subscribe(client: RawClient, name: string, id = `s${++lastId}`, ...params: unknown[]): Promise<Frame> {
		client.send({ msg: 'sub', id, name, params });
		return client.next();
	}

	/** Subscribes `count` times. @returns the error codes, undefined for a subscription that is ready */
	async function errorCodes(client: RawClient, count: number, name = 'test.limited'): Promise<unknown[]> {
		const answers = [];
		for (let i = 0; i < count; i++) {
			const { error } = await subscribe(client, name);
			answers.push((error as { error: unknown } | undefined)?.error);
		}
		return answers;
	}
	const expectedCodes = (allowed: number, refused: number) => [
		...Array(allowed).fill(undefined),
		...Array(refused).fill('too-many-requests'),
	];

	it('refuse a subscription by nosub, and the connection stays open (10)', async () => {
		await start();
		const client = await connect();
		for (let i = 0; i < 2; i++) expect(await subscribe(client, 'test.limited')).to.include({ msg: 'ready' });
		client.send({ msg: 'sub', id: 'x', name: 'test.limited', params: [] });
		client.send({ msg: 'sub', id: 'y', name: 'test.free', params: [] });
		const { error, ...nosub } = await client.next();
		expect(nosub).to.deep.equal({ msg: 'nosub', id: 'x' });
		const { timeToReset } = (error as { details: { timeToReset: number } }).details;
		const reason =
			'Error, too many requests. Please slow down. ' +
			`You must wait ${Math.ceil(timeToReset / 1000)} seconds before trying again.`;
		expect(timeToReset).to.satisfy(Number.isInteger).and.to.be.within(1, PER);
		expect(error).to.deep.equal({
			isClientSafe: true,
			error: 'too-many-requests',
			reason,
			details: { timeToReset },
			message: `${reason} [too-many-requests]`,
			errorType: 'Meteor.Error',
		});
		expect(await client.next()).to.deep.equal({ msg: 'ready', subs: ['y'] });
		expect((await client.call('test.call')).result).to.equal('done');
	});

	it('pass a rule the type, the name and the caller of a subscription', async () => {
		await start({ limits: [recordingRule] });
		const client = await connect();
		await subscribe(client, 'test.free');
		await subscribe(client, 'stream-notify-all', 'all', 'public-settings-changed', false);
		const from = { userId: null, clientAddress: '127.0.0.1', connectionId: client.session };
		expect(events).to.deep.equal([
			{ type: 'subscription', name: 'test.free', ...from },
			{ type: 'subscription', name: 'stream-notify-all', ...from },
		]);
	});

	it('count only new subscriptions to known publications', async () => {
		await start({ limits: [{ ...recordingRule, matcher: { type: 'subscription' } }] });
		const { token } = await addPerson(app.store);
		const client = await connect();
		expect(await subscribe(client, 'test.free', 'same')).to.include({ msg: 'ready' });
		client.send({ msg: 'sub', id: 'same', name: 'test.free', params: [] });
		client.send({ msg: 'sub', id: 5, name: 'test.free' });
		expect(await client.next()).to.include({ reason: 'Malformed subscription' });
		for (const name of ['unknown', 'toString', '__proto__']) {
			expect((await subscribe(client, name)).error).to.include({ error: 404 });
		}
		await client.call('login', { resume: token });
		expect(events.map(({ name }) => name)).to.deep.equal(['test.free']);
	});

	it('count by user, or by address without a login, by default', async () => {
		await start();
		const { token } = await addPerson(app.store);
		const [one, other] = [await connect(), await connect()];
		expect(await errorCodes(one, 3)).to.deep.equal(expectedCodes(2, 1));
		expect(await errorCodes(other, 1)).to.deep.equal(expectedCodes(0, 1));
		for (const client of [one, other]) await client.call('login', { resume: token });
		expect(await errorCodes(one, 1)).to.deep.equal(expectedCodes(1, 0));
		expect(await errorCodes(other, 2)).to.deep.equal(expectedCodes(1, 1));
	});

	it('count by connection if a rule says so, and a rule for subscriptions counts no calls', async () => {
		await start({ limits: [{ matcher: { type: 'subscription', connectionId: () => true }, calls: 3, per: PER }] });
		const [one, other] = [await connect(), await connect()];
		expect(await errorCodes(one, 4, 'test.free')).to.deep.equal(expectedCodes(3, 1));
		expect(await errorCodes(other, 4, 'test.free')).to.deep.equal(expectedCodes(3, 1));
		expect((await one.call('test.call')).result).to.equal('done');
	});

	it('refuse with the reason of the rule, or else of `limitMessage`', async () => {
		const once = { calls: 1, per: PER };
		await start({
			limits: [
				{ ...once, matcher: { name: 'test.free' }, message: 'Less of this' },
				{ ...once, matcher: { name: 'test.call' } },
			],
			limitMessage: ({ ruleId }) => `Less by rule ${ruleId}`,
		});
		const client = await connect();
		await subscribe(client, 'test.free');
		expect((await subscribe(client, 'test.free')).error).to.include({ reason: 'Less of this' });
		await client.call('test.call');
		// The id of a rule is its position by default. The rules 0 and 1 limit logins and sign-ups.
		expect((await client.call('test.call')).error).to.include({ reason: 'Less by rule 3' });
		const { body } = await post(`${app.url}/api/v1/test.call`, null, {});
		expect(body.error).to.equal('Less by rule 3 [error-too-many-requests]');
	});

	it('count calls of both transports together, and appear in REST headers', async () => {
		await start({ limits: [{ matcher: { type: 'method', clientAddress: () => true }, calls: 3, per: PER }] });
		const client = await connect();
		const call = () => post(`${app.url}/api/v1/test.call`, null, {});
		await client.call('test.call');
		const { status, headers } = await call();
		expect([status, headers.get('X-RateLimit-Limit'), headers.get('X-RateLimit-Remaining')]).to.deep.equal([
			200,
			'3',
			'1',
		]);
		await client.call('test.call');
		expect((await call()).status).to.equal(429);
		expect((await client.call('test.call')).error).to.include({ error: 'too-many-requests' });
	});

	it('do not apply to users with api-bypass-rate-limit', async () => {
		await start();
		const { token } = await addPerson(app.store, { roles: ['bot'] });
		const client = await connect();
		await client.call('login', { resume: token });
		expect(await errorCodes(client, 5)).to.deep.equal(expectedCodes(5, 0));
	});

	it('apply if api-bypass-rate-limit cannot be read, and the failure is logged', async () => {
		await start();
		const { token } = await addPerson(app.store);
		const client = await connect();
		await client.call('login', { resume: token });
		app.store.users.findOne = () => Promise.reject(new Error('the database is gone'));
		expect(await errorCodes(client, 3)).to.deep.equal(expectedCodes(2, 1));
		// One line, because the permission is read only when a limit is exceeded.
		expect(app.log.lines.filter(({ level }) => level === 'error')).to.have.length(1);
	});

	for (const rateLimit of ['off', 'dry-run'] as const) {
		it(`refuse nobody with --rate-limit ${rateLimit}`, async () => {
			await start({ rateLimit });
			const client = await connect();
			expect(await errorCodes(client, 5)).to.deep.equal(expectedCodes(5, 0));
			const logged = app.log.lines.filter(({ level }) => level === 'info').map(({ facts }) => facts);
			expect(logged).to.have.length(rateLimit === 'off' ? 0 : 3);
			for (const facts of logged) expect(facts).to.include({ subscription: 'test.limited', limit: 2 });
		});
	}
});
