/** How a server shuts down (test/contract/ddp.md section 18). */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { mock } from 'node:test';
import { expect } from 'chai';
import { method } from '../../shared/method.js';
import { startApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { Gates } from '../support/gates.js';
import { post } from '../support/rest.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

const gates = new Gates();

const methods = [
	method({ ...anyone, name: 'echo', args: { value: String }, run: ({ value }) => value }),
	method({ ...anyone, name: 'length', args: { value: String }, run: ({ value }) => value.length }),
	method({ ...anyone, name: 'wait', rest: 'POST', args: { gate: String }, run: ({ gate: name }) => gates.wait(name) }),
	method({
		...anyone,
		name: 'until aborted',
		rest: 'POST',
		async run(_args, { signal }) {
			gates.open('started');
			await once(signal, 'abort');
			gates.open('aborted');
			return 'aborted';
		},
	}),
];

describe('a server that shuts down', () => {
	it('answers all calls that a client has sent, even unread ones (18)', async () => {
		const app = await startApp({ methods, grace: 600_000, ddp: { maxQueue: 10 } });
		const [client, other] = [await RawClient.connect(app.webSocketUrl), await RawClient.connect(app.webSocketUrl)];
		client.send({ msg: 'method', id: 'first', method: 'wait', params: ['first'] });
		const text = 'x'.repeat(1000);
		for (let i = 0; i < 3000; i++) client.send({ msg: 'method', id: String(i), method: 'length', params: [text] });
		// Gives the calls time to arrive. The server stops reading them while ten wait.
		await other.call('echo', 'x');
		await other.close();
		const closed = app.close();
		gates.open('first');
		const ids: unknown[] = [];
		for (;;) {
			const frame = await client.next().catch(() => null);
			if (!frame) break;
			if (frame.msg === 'result') ids.push(frame.id);
		}
		expect(ids).to.deep.equal(['first', ...Array.from({ length: 3000 }, (_, i) => String(i))]);
		expect(await client.closed).to.deep.equal({ code: 1001, reason: 'Server is shutting down' });
		await closed;
	});

	it('closes clients one by one over half the grace period, answering the rest (18)', async () => {
		mock.timers.enable({ apis: ['setTimeout'] });
		try {
			const app = await startApp({ methods, grace: 20_000 });
			const clients: RawClient[] = [];
			for (let i = 0; i < 10; i++) clients.push(await RawClient.connect(app.webSocketUrl));
			const closed = app.close();
			// Ten clients in 10 s, which is half of the grace period.
			for (const [i, client] of clients.entries()) {
				mock.timers.tick(i === 0 ? 0 : 1000);
				expect(await client.closed).to.deep.equal({ code: 1001, reason: 'Server is shutting down' });
				const others = clients.slice(i + 1).map((other) => other.call('echo', 'still here'));
				expect((await Promise.all(others)).map(({ result }) => result)).to.deep.equal(others.map(() => 'still here'));
			}
			await closed;
		} finally {
			mock.timers.reset();
		}
	});

	for (const [what, sent] of [
		['that has sent nothing', ''],
		[
			'that has sent a request without its body',
			'POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n',
		],
		['that has sent half of its headers', 'POST /api/v1/login HTTP/1.1\r\nHost: x\r\n'],
	] as const) {
		it(`is not delayed by a client ${what} (18)`, async () => {
			const app = await startApp({ methods, grace: 20 });
			const socket = connectTcp(Number(new URL(app.url).port), '127.0.0.1').on('error', () => {});
			await once(socket, 'connect');
			socket.resume().write(sent);
			// The server answers a later request, so it has read what the client sent.
			expect((await post(`${app.url}/api/v1/unknown`, null, {})).status).to.equal(404);
			const ended = once(socket, 'close');
			await app.close();
			await ended;
		});
	}

	it('fires the signal of a REST call when the grace period ends (18)', async () => {
		const app = await startApp({ methods, grace: 20 });
		const [started, aborted] = [gates.wait('started'), gates.wait('aborted')];
		const answer = post(`${app.url}/api/v1/until%20aborted`, null, {});
		await started;
		await app.close();
		await aborted;
		expect((await answer).status).to.equal(200);
	});

	it('is not delayed by a REST call that ignores its signal (18)', async () => {
		const app = await startApp({ methods, grace: 20 });
		const answer = post(`${app.url}/api/v1/wait`, null, { gate: 'never' }).catch(() => 'cut off');
		while (!gates.has('never')) await new Promise((resolve) => setImmediate(resolve));
		await app.close();
		expect(await answer).to.equal('cut off');
	});
});

describe('context.signal', () => {
	it('fires when a REST caller disconnects', async () => {
		const app = await startApp({ methods });
		const [started, aborted] = [gates.wait('started'), gates.wait('aborted')];
		const caller = new AbortController();
		const url = `${app.url}/api/v1/until%20aborted`;
		const answer = fetch(url, { method: 'POST', signal: caller.signal }).catch(({ name }) => name);
		await started;
		caller.abort();
		expect(await answer).to.equal('AbortError');
		await aborted;
		await app.close();
	});
});
