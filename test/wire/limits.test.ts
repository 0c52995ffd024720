/** Limits over real sockets (test/contract/ddp.md 13 and 14, rocketchat-e2e.md 7.4). */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { mock } from 'node:test';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { parse, stringify } from '../../shared/ejson.js';
import { type Connection, method } from '../../shared/method.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { RawClient } from '../support/ddp.js';
import { addPerson, type Person } from '../support/people.js';
import { get, post, request } from '../support/rest.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;
const limit = { calls: 3, per: 600_000 };

const methods = [
	method({ ...anyone, name: 'test.limited', rest: 'POST', limit, run: () => 'done' }),
	method({
		summary: 'for a test',
		name: 'test.requiresUser',
		args: { text: String },
		rest: 'POST',
		limit,
		run: () => 'done',
	}),
	method({ ...anyone, name: 'test.free', rest: 'GET', run: () => 'done' }),
	method({ ...anyone, name: 'test.address', run: (_args, { connection }) => (connection as Connection).clientAddress }),
];

describe('limits', () => {
	let app: TestApp;
	let limited: string;
	const clients = clientsOfEachTest();

	async function start(options: TestAppOptions = {}): Promise<void> {
		app = await startApp({ methods, rateLimit: 'on', ...options });
		limited = `${app.url}/api/v1/test.limited`;
	}
	afterEach(() => {
		mock.timers.reset();
		return app.close();
	});

	const connect = (headers = {}) => clients.connect(app.webSocketUrl, headers);

	it('refuse nobody who holds api-bypass-rate-limit (7.4, 11)', async () => {
		await start();
		const statuses = async (who: Person) => {
			const answers = [];
			for (let i = 0; i < 5; i++) answers.push((await post(limited, who, {})).status);
			return answers;
		};
		expect(await statuses(await addPerson(app.store, { roles: ['bot'] }))).to.deep.equal([200, 200, 200, 200, 200]);
		expect(await statuses(await addPerson(app.store))).to.deep.equal([200, 200, 200, 429, 429]);
	});

	describe('of calls over DDP (section 14)', () => {
		it('refuse a call by `result` and `updated`, and the connection stays open', async () => {
			await start();
			const client = await connect();
			for (let i = 0; i < 3; i++) expect((await client.call('test.limited')).result).to.equal('done');
			client.send({ msg: 'method', id: 'm', method: 'test.limited', params: [] });
			expect(await client.nextText()).to.equal('{"msg":"updated","methods":["m"]}');
			const frame = await client.nextText();
			const { details } = (JSON.parse(frame) as { error: { details: { timeToReset: number } } }).error;
			const reason =
				'Error, too many requests. Please slow down. ' +
				`You must wait ${Math.ceil(details.timeToReset / 1000)} seconds before trying again.`;
			expect(JSON.parse(frame)).to.deep.equal({
				msg: 'result',
				id: 'm',
				error: {
					isClientSafe: true,
					error: 'too-many-requests',
					reason,
					details: { timeToReset: details.timeToReset },
					message: `${reason} [too-many-requests]`,
					errorType: 'Meteor.Error',
				},
			});
			expect(details.timeToReset).to.satisfy(Number.isInteger).and.to.be.within(1, 600_000);
			expect((await client.call('test.free')).result).to.equal('done');
		});

		it('do not count unknown methods and malformed messages', async () => {
			await start();
			const client = await connect();
			for (let i = 0; i < 5; i++) {
				client.send({ msg: 'method', id: 5, method: 'test.limited' });
				expect(await client.next()).to.include({ reason: 'Malformed method invocation' });
				expect((await client.call('test.limited.not')).error).to.include({ error: 404 });
			}
			for (let i = 0; i < 3; i++) expect((await client.call('test.limited')).result).to.equal('done');
		});

		it('are five logins in ten seconds for a connection (14, 16)', async () => {
			await start();
			const alice = await addPerson(app.store);
			const [client, other] = [await connect(), await connect()];
			for (let i = 0; i < 5; i++) await client.call('login', { resume: alice.token });
			expect((await client.call('login', { resume: alice.token })).error).to.include({ error: 'too-many-requests' });
			expect((await other.call('login', { resume: alice.token })).result).to.include({ id: alice.id });
		});
	});

	describe('of calls over REST (7.4)', () => {
		it('are sent in headers, and refuse with 429', async () => {
			await start();
			const before = Date.now();
			for (const remaining of ['2', '1', '0']) {
				const { status, headers } = await post(limited, null, {});
				expect(status).to.equal(200);
				expect(headers.get('X-RateLimit-Limit')).to.equal('3');
				expect(headers.get('X-RateLimit-Remaining')).to.equal(remaining);
				const reset = Number(headers.get('X-RateLimit-Reset'));
				expect(reset)
					.to.satisfy(Number.isInteger)
					.and.to.be.within(before, Date.now() + 600_000);
			}
			const { status, headers, body } = await post(limited, null, {});
			expect(status).to.equal(429);
			expect(headers.get('X-RateLimit-Limit')).to.equal('3');
			expect(headers.get('X-RateLimit-Remaining')).to.equal('0');
			const wait = /wait (\d+) seconds/.exec(body.error as string)?.[1];
			expect(headers.get('Retry-After')).to.equal(wait);
			expect(Object.keys(body)).to.deep.equal(['success', 'error']);
			expect(body.success).to.equal(false);
			expect(body.error).to.match(
				/^Error, too many requests\. Please slow down\. You must wait \d+ seconds before trying this endpoint again\. \[error-too-many-requests\]$/,
			);
		});

		it('are checked after the credentials and before the arguments (7.1)', async () => {
			await start();
			const alice = await addPerson(app.store);
			const ask = (as: Person) => post(`${app.url}/api/v1/test.requiresUser`, as, { text: 5 });
			for (let i = 0; i < 5; i++) {
				const { status, headers } = await ask({ ...alice, token: 'wrong' });
				expect([status, headers.get('X-RateLimit-Limit')]).to.deep.equal([401, null]);
			}
			const statuses = [];
			for (let i = 0; i < 4; i++) statuses.push((await ask(alice)).status);
			expect(statuses).to.deep.equal([400, 400, 400, 429]);
		});

		it('send no headers for a route without a limit', async () => {
			await start();
			const { headers } = await request(`${app.url}/api/v1/test.free`);
			expect([...headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).to.deep.equal([]);
		});

		for (const rateLimit of ['off', 'dry-run'] as const) {
			it(`neither refuse calls nor send headers with --rate-limit ${rateLimit}`, async () => {
				await start({ rateLimit });
				for (let i = 0; i < 5; i++) {
					const { status, headers } = await post(limited, null, {});
					expect(status).to.equal(200);
					expect(headers.has('X-RateLimit-Limit')).to.equal(false);
				}
				// A dry run logs the two calls that it would refuse.
				expect(app.log.lines.filter(({ level }) => level === 'info')).to.have.length(rateLimit === 'off' ? 0 : 2);
			});
		}

		it('apply to method.call, which answers as over DDP (8)', async () => {
			await start();
			const message = stringify({ msg: 'method', id: '1', method: 'test.limited', params: [] });
			const call = () => post(`${app.url}/api/v1/method.callAnon/test.limited`, null, { message });
			for (let i = 0; i < 3; i++) expect((await call()).status).to.equal(200);
			const { status, body, headers } = await call();
			expect({ status, success: body.success }).to.deep.equal({ status: 400, success: false });
			expect(headers.get('Retry-After')).to.match(/^\d+$/);
			expect(headers.get('X-RateLimit-Limit')).to.equal('3');
			const { error } = parse(body.message as string) as { error: { error: string; reason: string } };
			expect(error.error).to.equal('too-many-requests');
			expect(error.reason).to.match(/before trying again\.$/);
		});

		it('are fifty logins in ten seconds for an address', async () => {
			await start();
			const { token } = await addPerson(app.store);
			const logIn = () => post(`${app.url}/api/v1/login`, null, { resume: token });
			const answers = await Promise.all(Array.from({ length: 51 }, logIn));
			expect(answers.map(({ status }) => status).sort()).to.deep.equal([...Array(50).fill(200), 429]);
			const refused = answers.find(({ status }) => status === 429);
			expect(refused?.body)
				.to.have.property('error')
				.that.matches(/\[error-too-many-requests\]$/);
			expect(refused?.headers.get('X-RateLimit-Limit')).to.equal('50');
		});
	});

	it('count calls over DDP and over REST together', async () => {
		await start();
		const alice = await addPerson(app.store);
		const client = await connect();
		await client.call('login', { resume: alice.token });
		expect((await client.call('test.limited')).result).to.equal('done');
		const { headers } = await post(limited, alice, {});
		expect(headers.get('X-RateLimit-Remaining')).to.equal('1');
		expect((await client.call('test.limited')).result).to.equal('done');
		expect((await post(limited, alice, {})).status).to.equal(429);
		expect((await client.call('test.limited')).error).to.include({ error: 'too-many-requests' });
		// Another user and a caller without a login have separate counts.
		expect((await post(limited, await addPerson(app.store), {})).status).to.equal(200);
		expect((await post(limited, null, {})).status).to.equal(200);
	});

	it('allow six hundred calls of setRoomKeyID in a minute (6.2)', async () => {
		await start();
		const { headers } = await post(`${app.url}/api/v1/e2e.setRoomKeyID`, await addPerson(app.store), {});
		expect(headers.get('X-RateLimit-Limit')).to.equal('600');
	});

	describe('of failed logins', () => {
		let alice: Person;
		const logIn = (user: string, password: string) => post(`${app.url}/api/v1/login`, null, { user, password });

		it('refuse a name after ten, even with the right password; tokens still work', async () => {
			await start();
			alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
			await addPerson(app.store, { username: 'bob', password: 'secret' });
			const answers = await Promise.all(Array.from({ length: 11 }, () => logIn('alice', 'wrong')));
			expect(answers.map(({ status }) => status).sort()).to.deep.equal([...Array(10).fill(401), 429]);
			const client = await connect();
			const { error } = await client.call('login', { user: { username: 'alice' }, password: 'secret' });
			expect(error).to.include({ error: 'too-many-requests' });
			expect((await logIn('bob', 'secret')).status).to.equal(200);
			expect((await client.call('login', { resume: alice.token })).result).to.include({ id: alice.id });
			expect((await get(`${app.url}/api/v1/me`, alice)).status).to.equal(200);
		});
	});

	describe('HTTP_FORWARDED_COUNT: behind proxies (1.6, 13)', () => {
		it('distinguish DDP and REST callers by the address that the nearest proxy sends', async () => {
			await start({ forwardedCount: 1 });
			const one = { 'X-Forwarded-For': '9.9.9.9, 1.2.3.4' };
			const other = { 'X-Forwarded-For': '1.2.3.4, 5.6.7.8' };
			const client = await connect(one);
			expect((await client.call('test.address')).result).to.equal('1.2.3.4');
			for (let i = 0; i < 3; i++) await client.call('test.limited');
			expect((await request(limited, { method: 'POST', headers: one })).status).to.equal(429);
			expect((await request(limited, { method: 'POST', headers: other })).status).to.equal(200);
			// Without the header, the address is unknown.
			expect((await (await connect()).call('test.address')).result).to.equal(null);
		});
	});

	describe('--trust-proxy: behind proxies of known networks', () => {
		const from = { 'X-Forwarded-For': '9.9.9.9, 1.2.3.4' };

		it('distinguish callers by the address that a trusted proxy sends', async () => {
			await start({ trustProxy: 'loopback' });
			expect((await (await connect(from)).call('test.address')).result).to.equal('1.2.3.4');
		});

		it('ignore the header of a client that is not a trusted proxy', async () => {
			await start({ trustProxy: '10.0.0.0/8' });
			expect((await (await connect(from)).call('test.address')).result).to.equal('127.0.0.1');
			for (let i = 0; i < 3; i++)
				await request(limited, { method: 'POST', headers: { 'X-Forwarded-For': `1.2.3.${i}` } });
			expect((await request(limited, { method: 'POST', headers: from })).status).to.equal(429);
		});
	});

	describe('of connections', () => {
		async function rejectedUpgrade(headers = {}): Promise<{ status: number | undefined; body: unknown }> {
			const socket = new WebSocket(app.webSocketUrl, { headers });
			const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
			let text = '';
			for await (const chunk of response) text += chunk;
			return { status: response.statusCode, body: JSON.parse(text) };
		}

		it('refuse an upgrade with 429 beyond the maximum, until a connection has closed', async () => {
			await start({ forwardedCount: 1, ddp: { maxConnectionsPerAddress: 2 } });
			const from = (address: string) => ({ 'X-Forwarded-For': address });
			const [first, second] = [await connect(from('1.2.3.4')), await connect(from('::ffff:1.2.3.4'))];
			expect(await rejectedUpgrade(from('1.2.3.4'))).to.deep.equal({
				status: 429,
				body: { success: false, error: 'Too many connections from your address' },
			});
			expect((await second.call('test.address')).result).to.equal('::ffff:1.2.3.4');
			await connect(from('5.6.7.8'));
			await first.close();
			// The server notices the end of a connection later than the client.
			for (let again: RawClient | null = null; !again; ) again = await connect(from('1.2.3.4')).catch(() => null);
			expect(await rejectedUpgrade(from('1.2.3.4'))).to.include({ status: 429 });
		});
	});

	it('refuse connections with 503 and Retry-After if the process has too many', async () => {
		await start({ ddp: { maxConnections: 1 } });
		const first = await connect();
		const socket = new WebSocket(app.webSocketUrl);
		const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
		response.resume();
		expect(response.statusCode).to.equal(503);
		expect(Number(response.headers['retry-after'])).to.be.within(5, 30);
		const poll = () => fetch(`${app.url}/sockjs/000/second/xhr`, { method: 'POST' });
		const refused = await poll();
		expect([refused.status, await refused.text()]).to.deep.equal([503, 'The server has too many connections']);
		expect(Number(refused.headers.get('retry-after'))).to.be.within(5, 30);
		await first.close();
		while ((await poll()).status === 503);
	});

	it('count SockJS polling as connections too', async () => {
		mock.timers.enable({ apis: ['setTimeout'] });
		await start({ ddp: { maxConnectionsPerAddress: 1, sockJs: { pollTimeout: 5000 } } });
		const poll = (session: string) => request(`${app.url}/sockjs/000/${session}/xhr`, { method: 'POST' });
		expect((await poll('first')).text).to.equal('o\n');
		const { status, text } = await poll('second');
		expect({ status, text }).to.deep.equal({ status: 429, text: 'Too many connections from your address' });
		// The server closes the first session after `pollTimeout` without a poll.
		while ((await poll('third')).status === 429) mock.timers.tick(5000);
	});

	describe('of frames before connect', () => {
		/** A `connect` message of so many bytes. Its letters `ü` have two bytes each. */
		const connectMessage = (bytes: number) => {
			const text = '{"msg":"connect","version":"1","support":["1"],"x":""}';
			return text.replace('""', `"${'ü'.repeat((bytes - text.length) / 2)}${(bytes - text.length) % 2 ? '.' : ''}"`);
		};

		it('close the connection with 1009 above 8 KiB', async () => {
			await start();
			const client = await RawClient.open(app.webSocketUrl);
			client.send(connectMessage(8 * 1024 + 1));
			expect((await client.closed).code).to.equal(1009);
		});

		it('are checked before the whole frame has arrived', async () => {
			await start();
			const client = await RawClient.open(app.webSocketUrl);
			// Each fragment is sent after the server has read the one before.
			let closed = false;
			client.socket.once('close', () => {
				closed = true;
			});
			for (let i = 0; i < 5 && !closed; i++) {
				client.socket.send('x'.repeat(5000), { fin: false });
				client.socket.ping();
				await Promise.race([once(client.socket, 'pong'), client.closed]);
			}
			expect((await client.closed).code).to.equal(1009);
		});

		it('allow 8 KiB, and more after connect', async () => {
			await start();
			const client = await clients.open(app.webSocketUrl);
			client.send(connectMessage(8 * 1024));
			expect(await client.next()).to.include({ msg: 'connected' });
			expect((await client.call('test.free', 'x'.repeat(50_000))).result).to.equal('done');
		});
	});

	it('leave out an offending message of more than 1 KiB from an error', async () => {
		await start();
		const client = await connect();
		// Without its `x`, the message has 20 bytes.
		const foo = (bytes: number) => `{"msg":"foo","a":"${'x'.repeat(bytes - 20)}"}`;
		client.send(foo(1024));
		const { offendingMessage } = await client.next();
		expect(JSON.stringify(offendingMessage)).to.equal(foo(1024));
		client.send(foo(1025));
		expect(await client.nextText()).to.equal('{"msg":"error","reason":"Bad request"}');
	});
});
