/** New connections beyond the rate wait before the upgrade, or are refused. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { MAX_WAITING_SECONDS } from '../../server/core/admission.js';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { request } from '../support/rest.js';
import { scrape } from '../support/scrape.js';

describe('the admission of connections', () => {
	let app: TestApp;
	let sockets: WebSocket[];

	beforeEach(() => {
		sockets = [];
	});
	afterEach(async () => {
		for (const socket of sockets) socket.on('error', () => {}).terminate();
		mock.timers.reset();
		await app.close();
	});

	/** Starts a server whose timers run only by `mock.timers.tick`. */
	async function start(ddp: { maxConnectsPerSecond?: number; maxEventLoopDelay?: number }): Promise<void> {
		mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
		app = await startApp({ ddp });
	}

	function open(path = '/websocket'): {
		socket: WebSocket;
		opened: Promise<unknown>;
		refused: Promise<IncomingMessage>;
	} {
		const socket = new WebSocket(app.url.replace('http', 'ws') + path);
		sockets.push(socket);
		const refused = once(socket, 'unexpected-response').then(([, response]) => response as IncomingMessage);
		const opened = once(socket, 'open');
		// The promise that a test does not await is rejected when the socket closes.
		for (const promise of [opened, refused]) promise.catch(() => {});
		return { socket, opened, refused };
	}

	/** Requests an upgrade over plain TCP. A WebSocket client could not send before the answer. */
	function offerUpgrade(): Socket {
		const socket = connectTcp(Number(new URL(app.url).port), '127.0.0.1').on('error', () => {});
		socket.write(
			'GET /websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
				'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
		);
		return socket;
	}

	const poll = (session: string) => request(`${app.url}/sockjs/000/${session}/xhr`, { method: 'POST' });

	const metric = async (name: string) => (await scrape(app.url)).sum(name);

	async function waiting(count: number): Promise<void> {
		while ((await metric('roomkey_connections_waiting')) !== count) await nextTurn();
	}

	/** Lets the mocked time pass until `event` is settled. */
	async function passUntil<T>(event: Promise<T>): Promise<T> {
		let isOver = false;
		const over = event.finally(() => {
			isOver = true;
		});
		while (!isOver) {
			mock.timers.tick(500);
			await nextTurn();
		}
		return over;
	}

	for (const path of ['/websocket', '/sockjs/websocket', '/sockjs/000/name/websocket'])
		it(`holds an upgrade of ${path} beyond the rate, and then opens it`, async () => {
			await start({ maxConnectsPerSecond: 1 });
			await open().opened;
			const second = open(path);
			await waiting(1);
			expect(second.socket.readyState).to.equal(WebSocket.CONNECTING);
			await passUntil(second.opened);
			expect(await metric('roomkey_connections_held_total')).to.equal(1);
		});

	it('holds the first poll of a client, but neither its later polls nor REST', async () => {
		await start({ maxConnectsPerSecond: 1 });
		expect((await poll('first')).text).to.equal('o\n');
		const second = poll('second');
		await waiting(1);
		await request(`${app.url}/sockjs/000/first/xhr_send`, { method: 'POST', body: '["{}"]' });
		expect((await poll('first')).text).to.match(/^a\[/);
		expect((await request(`${app.url}/api/info`)).status).to.equal(200);
		expect((await passUntil(second)).text).to.equal('o\n');
	});

	it('refuses connections with 503 and Retry-After if its queue is full', async () => {
		await start({ maxConnectsPerSecond: 1 });
		await open().opened;
		// The queue is as long as the number of connections that can open in `MAX_WAITING_SECONDS`, here one in each second.
		for (let i = 0; i < MAX_WAITING_SECONDS; i++) open();
		await waiting(MAX_WAITING_SECONDS);
		const response = await open().refused;
		response.resume();
		expect(response.statusCode).to.equal(503);
		expect(Number(response.headers['retry-after'])).to.be.within(5, 30);
		expect(await poll('late')).to.include({ status: 503, text: 'Too many clients connect at the moment' });
	});

	it('forgets a client that goes away while it waits', async () => {
		await start({ maxConnectsPerSecond: 1 });
		await open().opened;
		const socket = offerUpgrade();
		await waiting(1);
		socket.end();
		await waiting(0);
	});

	it('reads what a client sends before its upgrade', async () => {
		await start({ maxConnectsPerSecond: 1 });
		await open().opened;
		const socket = offerUpgrade();
		await waiting(1);
		const message = Buffer.from('{"msg":"connect","version":"1","support":["1"]}');
		// A text frame whose mask is zero.
		socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | message.length, 0, 0, 0, 0]), message]));
		let answer = '';
		const connected = new Promise<void>((resolve) => {
			socket.on('data', (bytes) => {
				answer += bytes;
				if (answer.includes('"msg":"connected"')) resolve();
			});
		});
		await passUntil(connected);
		socket.destroy();
		expect(answer).to.match(/^HTTP\/1\.1 101 /);
	});

	it('disconnects a client that sends much before its upgrade', async () => {
		await start({ maxConnectsPerSecond: 1 });
		await open().opened;
		const socket = offerUpgrade();
		await waiting(1);
		// More than the 16 KiB that are kept until the upgrade.
		socket.write(Buffer.alloc(20_000));
		await once(socket, 'close');
		await waiting(0);
	});

	it('lets only a few new clients connect while the event loop is late', async () => {
		// Every measured delay includes the measuring interval of 10 ms. So with this limit the event loop always counts as late.
		await start({ maxEventLoopDelay: 1 });
		const present = await RawClient.connect(app.webSocketUrl);
		sockets.push(present.socket);
		mock.timers.tick(500);
		// All forty wait. Five of them open in each second. Those left after five seconds (`MAX_WAIT_MS`) are refused.
		const [first, ...others] = Array.from({ length: 40 }, () => open());
		await waiting(40);
		await passUntil((first as ReturnType<typeof open>).opened);
		const response = await passUntil(Promise.any(others.map(({ refused }) => refused)));
		response.resume();
		expect(response.statusCode).to.equal(503);
		expect((await present.call('no-such-method')).error).to.include({ error: 404 });
		// The metrics may be a second old.
		while ((await scrape(app.url)).sum('roomkey_connections_refused_total', { reason: 'load' }) === 0) await nextTurn();
	});
});
