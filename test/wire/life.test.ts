/** The life of calls and connections. The numbers in titles are sections of test/contract/ddp.md. */
import { once } from 'node:events';
import { mock } from 'node:test';
import { expect } from 'chai';
import { method } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { RawClient } from '../support/ddp.js';
import { Gates } from '../support/gates.js';
import { addPerson } from '../support/people.js';
import { post } from '../support/rest.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

const gates = new Gates();
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

const methods = [
	method({ ...anyone, name: 'echo', args: { value: String }, run: ({ value }) => value }),
	method({
		...anyone,
		name: 'wait',
		rest: 'POST',
		timeout: 600_000,
		args: { gate: String },
		run: ({ gate: name }) => gates.wait(name),
	}),
	method({ ...anyone, name: 'user in parallel', parallel: true, run: (_args, { userId }) => ({ userId }) }),
	method({
		...anyone,
		name: 'too slow',
		timeout: 1,
		run: (_args, { signal }) => once(signal, 'abort').then(() => gates.open('aborted')),
	}),
	method({
		...anyone,
		name: 'until gone',
		run: (_args, { signal }) => once(signal, 'abort').then(() => gates.open('gone')),
	}),
	method({ ...anyone, name: 'parallel', parallel: true, run: () => runUntilFinish() }),
	method({
		...anyone,
		name: 'unblocking',
		run(_args, context) {
			context.unblock();
			return runUntilFinish();
		},
	}),
	method({
		...anyone,
		name: 'flood',
		args: { text: String },
		run: ({ text }, { events }) => {
			for (let i = 0; i < 20; i++) events.emit('notify', { stream: 'open', eventName: 'e', args: [text] });
		},
	}),
];

let running = 0;
let maxRunning = 0;
let finish: Promise<void> | undefined;

async function runUntilFinish(): Promise<void> {
	maxRunning = Math.max(maxRunning, ++running);
	finish ??= gates.wait('finish');
	gates.open('first call runs');
	await finish;
	running--;
}

const streams = [stream({ name: 'open', summary: 'for a test', mayRead: () => true })];

describe('the life of calls and connections', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	afterEach(() => {
		mock.timers.reset();
		return app.close();
	});

	async function start(options: TestAppOptions = {}): Promise<void> {
		app = await startApp({ methods, streams, ...options });
	}

	const connect = () => clients.connect(app.webSocketUrl);

	describe('time limits (6)', () => {
		it('end a call with an error, fire its signal, and start the next', async () => {
			await start();
			const aborted = gates.wait('aborted');
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'too slow' });
			client.send({ msg: 'method', id: '2', method: 'echo', params: ['x'] });
			const frames = await client.take(4);
			expect(frames[1]).to.have.nested.property('error.error', 'error-timeout');
			expect(frames[3]).to.include({ id: '2', result: 'x' });
			await aborted;
		});

		it('apply over REST too', async () => {
			await start({
				methods: [method({ ...anyone, name: 'slow', rest: 'POST', timeout: 1, run: () => gates.wait('never') })],
			});
			const { status, body } = await post(`${app.url}/api/v1/slow`, null, {});
			expect(status).to.equal(400);
			expect(body).to.include({ errorType: 'error-timeout' });
		});
	});

	it('the signal of a call fires when its client disconnects (5)', async () => {
		await start();
		const gone = gates.wait('gone');
		const client = await connect();
		client.send({ msg: 'method', id: '1', method: 'until gone' });
		client.send({ msg: 'ping' });
		await client.next();
		await client.close();
		await gone;
	});

	describe('a client with the maximum of unanswered calls', () => {
		/** Resolves when the server has read what other clients have sent before. */
		async function othersAreRead(): Promise<void> {
			const other = await RawClient.connect(app.webSocketUrl);
			await other.call('echo', 'x');
			await other.close();
		}

		it('is pinged and stays connected, although the server does not read its pongs (4)', async () => {
			mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
			await start({ ddp: { maxQueue: 2, heartbeat: { interval: 1000, timeout: 1000 } } });
			const client = await connect();
			for (let i = 0; i < 6; i++) client.send({ msg: 'method', id: String(i), method: 'wait', params: [`slow ${i}`] });
			await othersAreRead();
			for (let pings = 0; pings < 5; pings++) {
				// Two intervals, because the first check only notices that the client has sent calls.
				mock.timers.tick(2000);
				expect(await client.next()).to.deep.equal({ msg: 'ping' });
				client.send({ msg: 'pong' });
			}
			const answered: unknown[] = [];
			while (answered.length < 6) {
				while (!gates.has(`slow ${answered.length}`)) await nextTurn();
				gates.open(`slow ${answered.length}`);
				const { msg, id } = await client.next();
				if (msg === 'ping') client.send({ msg: 'pong' });
				if (msg === 'result') answered.push(id);
			}
			expect(answered).to.deep.equal(['0', '1', '2', '3', '4', '5']);
		});

		it('is noticed when it disconnects (4)', async () => {
			mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
			await start({ ddp: { maxQueue: 2, heartbeat: { interval: 1000, timeout: 1000 } } });
			const gone = gates.wait('gone');
			const client = await RawClient.connect(app.webSocketUrl);
			client.send({ msg: 'method', id: '1', method: 'until gone' });
			for (let i = 0; i < 6; i++) client.send({ msg: 'method', id: `e${i}`, method: 'echo', params: ['x'] });
			await othersAreRead();
			mock.timers.tick(2000);
			expect(await client.next()).to.deep.equal({ msg: 'ping' });
			client.socket.terminate();
			await gone;
		});
	});

	for (const name of ['parallel', 'unblocking']) {
		describe(`a server that receives ${name} calls`, () =>
			it('pauses reading at the maximum of unanswered calls, and serves other clients (5)', async () => {
				await start({ ddp: { maxQueue: 20 } });
				maxRunning = 0;
				finish = undefined;
				const client = await connect();
				for (let i = 0; i < 5000; i++) client.send({ msg: 'method', id: String(i), method: name });
				const [firstCall, other] = [gates.wait('first call runs'), await connect()];
				await firstCall;
				for (let i = 0; i < 10; i++) await other.call('echo', 'x');
				gates.open('finish');
				let answered = 0;
				while (answered < 5000) if ((await client.next()).msg === 'result') answered++;
				// Reading pauses when there are more unanswered calls than `maxQueue`.
				expect(maxRunning).to.equal(21);
			}));
	}

	for (const [condition, version, interval] of [
		['in version pre1', 'pre1', 15_000],
		['with a heartbeat interval of 0', '1', 0],
	] as const) {
		it(`a client ${condition} is disconnected when idle for the connect timeout (1.2)`, async () => {
			// The mock stops the timer that waits for `connect`, but not the idle timer of the socket.
			mock.timers.enable({ apis: ['setTimeout'] });
			await start({ ddp: { connectTimeout: 50, heartbeat: { interval, timeout: 15_000 } } });
			const client = await RawClient.open(app.webSocketUrl);
			client.send({ msg: 'connect', version, support: [version] });
			expect(await client.next()).to.include({ msg: 'connected' });
			expect(await client.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
		});
	}

	describe('parallel calls (5)', () => {
		it('do not wait for the call before them', async () => {
			await start();
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'wait', params: ['slow'] });
			client.send({ msg: 'method', id: '2', method: 'user in parallel' });
			expect((await client.take(2)).map(({ id, methods: ids }) => id ?? ids)).to.deep.equal([['2'], '2']);
			gates.open('slow');
			await client.take(2);
		});

		it('wait for a login and for the calls before it', async () => {
			await start();
			const person = await addPerson(app.store);
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'wait', params: ['first'] });
			client.send({ msg: 'method', id: '2', method: 'login', params: [{ resume: person.token }] });
			client.send({ msg: 'method', id: '3', method: 'user in parallel' });
			const other = await connect();
			await other.call('echo', 'x');
			gates.open('first');
			const results = (await client.take(7)).filter(({ msg }) => msg === 'result');
			expect(results.map(({ id }) => id)).to.deep.equal(['1', '2', '3']);
			expect(results[2]?.result).to.deep.equal({ userId: person.id });
		});
	});

	for (const name of ['meteor.loginServiceConfiguration', 'meteor_autoupdate_clientVersions']) {
		it(`${name}, to which Meteor clients subscribe, is ready (16.5)`, async () => {
			await start();
			const client = await connect();
			client.send({ msg: 'sub', id: 's', name, params: [] });
			expect(await client.next()).to.deep.equal({ msg: 'ready', subs: ['s'] });
		});
	}

	it('each connection is passed to onConnection, which may close it (3, 13)', async () => {
		const seen: string[] = [];
		await start({
			onConnection: [
				({ id }) => void seen.push(id),
				() => {
					throw new Error('not sent to the client');
				},
				() => Promise.reject(new Error('not sent to the client either')),
				({ close }) => close(),
			],
		});
		const client = await RawClient.open(app.webSocketUrl);
		client.send({ msg: 'connect', version: '1', support: ['1'] });
		const { session } = await client.next();
		expect(await client.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
		expect(seen).to.deep.equal([session]);
		const failures = app.log.lines.filter(({ text }) => text === 'Exception in an onConnection callback');
		expect(failures).to.have.length(2);
	});

	it('a client cannot exceed the maximum number of subscriptions (10)', async () => {
		await start({ ddp: { maxSubscriptions: 2 } });
		const client = await connect();
		for (const id of ['1', '2', '3']) client.send({ msg: 'sub', id, name: 'stream-open', params: ['e'] });
		const frames = await client.take(3);
		expect(frames.map(({ msg }) => msg)).to.deep.equal(['ready', 'ready', 'nosub']);
		expect(frames[2]).to.have.nested.property('error.error', 'error-too-many-subscriptions');
		client.send({ msg: 'unsub', id: '1' });
		client.send({ msg: 'sub', id: '3', name: 'stream-open', params: ['e'] });
		expect((await client.take(2)).map(({ msg }) => msg)).to.deep.equal(['nosub', 'ready']);
	});

	it('the parameters that all subscriptions of a client use are limited together (10)', async () => {
		await start({ ddp: { maxSubscriptionBytes: 20_000 } });
		const client = await connect();
		const subscribe = (id: string, ...params: unknown[]) => {
			client.send({ msg: 'sub', id, name: 'stream-open', params });
			return client.next();
		};
		expect(await subscribe('1', 'e', false, 'x'.repeat(50_000))).to.include({ msg: 'ready' });
		const large = { args: ['x'.repeat(9000)] };
		for (const id of ['2', '3']) expect(await subscribe(id, 'e', large)).to.include({ msg: 'ready' });
		expect(await subscribe('4', 'e', large)).to.have.nested.property('error.error', 'error-subscriptions-too-large');
		client.send({ msg: 'unsub', id: '2' });
		await client.next();
		expect(await subscribe('4', 'e', large)).to.include({ msg: 'ready' });
	});

	it('a regular expression in the parameters counts with its length (10)', async () => {
		await start({});
		const client = await connect();
		const params = ['e', { args: [{ $regexp: 'x'.repeat(17_000), $flags: '' }] }];
		client.send(JSON.stringify({ msg: 'sub', id: '1', name: 'stream-open', params }));
		expect(await client.next()).to.have.nested.property('error.error', 'error-subscription-too-large');
	});

	it('the parameters of one subscription are limited in size (10)', async () => {
		await start({});
		const client = await connect();
		for (const size of [16_000, 17_000]) {
			const params = ['e', { args: ['x'.repeat(size)] }];
			client.send({ msg: 'sub', id: String(size), name: 'stream-open', params });
		}
		const frames = await client.take(2);
		expect(frames[0]).to.deep.equal({ msg: 'ready', subs: ['16000'] });
		expect(frames[1]).to.deep.include({ msg: 'nosub', id: '17000' });
		expect(frames[1]).to.have.nested.property('error.error', 'error-subscription-too-large');
	});

	it('a client that does not read is disconnected, without an effect on others (19)', async () => {
		await start();
		const [slow, fast, sender] = [await connect(), await connect(), await connect()];
		for (const client of [slow, fast]) {
			client.send({ msg: 'sub', id: 's', name: 'stream-open', params: ['e'] });
			await client.next();
		}
		slow.socket.pause();
		const text = 'x'.repeat(20_000);
		let received = 0;
		// Sends more than the socket buffers on both sides hold.
		for (let i = 0; i < 100; i++) {
			await sender.call('flood', text);
			received += (await fast.take(20)).filter(({ msg }) => msg === 'changed').length;
		}
		expect(received).to.equal(2000);
		slow.socket.resume();
		expect((await slow.closed).code).to.equal(1006);
		expect(await fast.call('echo', 'still here')).to.include({ result: 'still here' });
	});

	// These tests close their server. The server that they start at the end is for `afterEach`.
	describe('when the server closes (18)', () => {
		it('received messages are answered first', async () => {
			mock.timers.enable({ apis: ['setTimeout'] });
			await start({ grace: 60_000 });
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'wait', params: ['end'] });
			client.send({ msg: 'method', id: '2', method: 'echo', params: ['queued'] });
			client.send({ msg: 'ping' });
			await client.next();
			const rest = post(`${app.url}/api/v1/wait`, null, { gate: 'rest' });
			const other = await connect();
			await other.call('echo', 'x');
			const closed = app.close();
			// The second of two sessions begins to end after a quarter of the grace period.
			mock.timers.tick(20_000);
			expect((await other.closed).code).to.equal(1001);
			gates.open('end');
			const frames = await client.take(4);
			expect(frames.filter(({ msg }) => msg === 'result').map(({ id }) => id)).to.deep.equal(['1', '2']);
			expect(await client.closed).to.deep.equal({ code: 1001, reason: 'Server is shutting down' });
			gates.open('rest');
			expect((await rest).status).to.equal(200);
			await closed;
			await start();
		});

		it('calls that take longer than the grace period are interrupted', async () => {
			await start({ grace: 20 });
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'wait', params: ['never'] });
			client.send({ msg: 'ping' });
			await client.next();
			await app.close();
			expect(await client.closed).to.deep.equal({ code: 1001, reason: 'Server is shutting down' });
			await start();
		});

		it('new connections are refused', async () => {
			await start({ grace: 600_000 });
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'wait', params: ['last'] });
			client.send({ msg: 'ping' });
			await client.next();
			const closed = app.close();
			const refused = await RawClient.open(app.webSocketUrl).then(
				() => 'open',
				() => 'refused',
			);
			expect(refused).to.equal('refused');
			gates.open('last');
			await closed;
			await start();
		});
	});
});
