/** SockJS over WebSockets, and the compression of WebSockets (test/contract/ddp.md 1.2, 1.4, 1.6). */
import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { appsOfEachTest, startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { RawClient } from '../support/ddp.js';
import { post } from '../support/rest.js';
import { CONNECT, call, messagesOf, NORMAL_CLOSURE } from '../support/sockJs.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

/** Each ends a running call of `pending`. */
const pendingCalls: (() => void)[] = [];
/** Called when a call of `pending` begins, with the number of calls in `pendingCalls`. */
let onPendingCall: (size: number) => void = () => {};
function endPendingCalls(): void {
	for (const end of pendingCalls.splice(0)) end();
}

const methods = [
	method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({ ...anyone, name: 'session', run: (_args, { connection }) => connection?.id }),
	method({ ...anyone, name: 'hang up', run: (_args, { connection }) => connection?.close() }),
	method({
		...anyone,
		name: 'pending',
		parallel: true,
		run: () =>
			new Promise<void>((resolve) => {
				onPendingCall(pendingCalls.push(resolve));
			}),
	}),
];

describe('SockJS on WebSocket', () => {
	let app: TestApp;
	const startAppOfTest = appsOfEachTest();
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ methods });
	});
	after(() => app.close());

	const startOther = (options: TestAppOptions['ddp'] = {}) => startAppOfTest({ methods, ddp: options });

	describe('compression (1.2, 1.6)', () => {
		/** Echoes a long value over a WebSocket that offers permessage-deflate. `bytes` is the number received. */
		async function echoLong(url: string, wrap = (text: string) => text) {
			const socket = new WebSocket(url);
			const upgraded = once(socket, 'upgrade');
			await once(socket, 'open');
			const [response] = await upgraded;
			const before = response.socket.bytesRead;
			const value = 'x'.repeat(50_000);
			const echoed = new Promise<void>((resolve) => {
				socket.on('message', (data) => String(data).includes(value) && resolve());
			});
			socket.send(wrap(CONNECT));
			socket.send(wrap(call('1', 'echo', value)));
			await echoed;
			const bytes = response.socket.bytesRead - before;
			socket.close();
			await once(socket, 'close');
			return { extensions: response.headers['sec-websocket-extensions'], bytes };
		}

		it('is off by default', async () => {
			const { extensions, bytes } = await echoLong(app.webSocketUrl);
			expect(extensions).to.equal(undefined);
			expect(bytes).to.be.above(50_000);
		});

		for (const [path, wrap] of [
			['/websocket', (text: string) => text],
			['/sockjs/a/b/websocket', (text: string) => JSON.stringify([text])],
		] as const) {
			it(`is negotiated without parameters of the extension at ${path} if the setting is on`, async () => {
				const { webSocketUrl } = await startOther({ compression: true });
				const { extensions, bytes } = await echoLong(webSocketUrl.replace('/websocket', path), wrap);
				expect(extensions).to.equal('permessage-deflate');
				expect(bytes).to.be.below(5_000);
			});
		}
	});

	describe('framing (1.4)', () => {
		async function open({ url } = app, path = '/sockjs/a/b/websocket'): Promise<RawClient> {
			const client = await clients.open(url.replace('http', 'ws') + path);
			expect(await client.nextText()).to.equal('o');
			return client;
		}

		async function connect(): Promise<RawClient> {
			const client = await open();
			client.send([CONNECT]);
			expect(messagesOf(await client.nextText())).to.have.nested.property('[0].msg', 'connected');
			return client;
		}

		for (const path of ['/sockjs/a/b/websocket', '/sockjs/~1/ü/websocket/', '/sockjs/a/b/websocket?x=1']) {
			it(`opens at ${path}`, () => open(app, path));
		}

		it('makes two connections for two sockets with the same session name', async () => {
			const sessions = await Promise.all(
				[await connect(), await connect()].map(async (client) => {
					client.send([call('1', 'session')]);
					// The first frame is `updated`.
					await client.nextText();
					return messagesOf(await client.nextText())[0]?.result;
				}),
			);
			expect(new Set(sessions)).to.have.property('size', 2);
		});

		it('carries messages both ways in arrays of strings', async () => {
			const client = await connect();
			client.send(['{"msg":"ping","id":"a"}', '{"msg":"ping","id":"b"}']);
			expect(await client.nextText()).to.equal('a["{\\"msg\\":\\"pong\\",\\"id\\":\\"a\\"}"]');
			expect(await client.nextText()).to.equal('a["{\\"msg\\":\\"pong\\",\\"id\\":\\"b\\"}"]');
		});

		it('accepts a single string, and a binary frame', async () => {
			const client = await connect();
			client.send(JSON.stringify('{"msg":"ping","id":"a"}'));
			client.socket.send(Buffer.from(JSON.stringify(['{"msg":"ping","id":"b"}'])));
			for (const id of ['a', 'b']) expect(messagesOf(await client.nextText())).to.deep.equal([{ msg: 'pong', id }]);
		});

		it('carries any text', async () => {
			const client = await connect();
			const value = '\u200c\u2028\ufeff😀"\\\n';
			client.send([call('1', 'echo', value)]);
			await client.nextText();
			expect(messagesOf(await client.nextText())).to.deep.equal([{ msg: 'result', id: '1', result: value }]);
		});

		it('ignores an empty frame and an empty array', async () => {
			const client = await connect();
			client.send('');
			client.send('[]');
			client.send(['{"msg":"ping"}']);
			expect(messagesOf(await client.nextText())).to.deep.equal([{ msg: 'pong' }]);
		});

		it('answers a message that is not JSON inside a valid frame', async () => {
			const client = await connect();
			client.send(['{bad']);
			expect(messagesOf(await client.nextText())).to.deep.equal([{ msg: 'error', reason: 'Bad request' }]);
		});

		for (const frame of ['{bad', '["{}"', ' ', 'x', '{}', '5', 'null', '["{}",5]', '[["{}"]]', '[null]']) {
			it(`closes with 3000 on ${frame}, without a close frame`, async () => {
				const client = await connect();
				client.send(frame);
				client.send(['{"msg":"ping"}']);
				expect(await client.closed).to.deep.equal({ code: 3000, reason: 'Broken framing.' });
				const rest = await client.nextText().catch((error) => error.message);
				expect(rest).to.equal('the socket has closed');
			});
		}

		it('closes with the code of its close frame when a method closes the connection', async () => {
			const client = await connect();
			client.send([call('1', 'hang up')]);
			expect(await client.nextText()).to.equal(NORMAL_CLOSURE);
			expect(await client.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
		});

		it('closes with 1009 on too large a frame', async () => {
			const client = await connect();
			client.send(['x'.repeat(64 * 1024)]);
			expect((await client.closed).code).to.equal(1009);
		});

		it('closes with 1009 on a frame of more than 8 KiB before `connect`', async () => {
			const client = await open();
			client.send(Array.from({ length: 3000 }, () => ''));
			expect((await client.closed).code).to.equal(1009);
		});

		it('starts no more calls of a frame while too many are unanswered (5)', async () => {
			const other = await startOther({ maxQueue: 20 });
			const client = await open(other);
			client.send([CONNECT]);
			await client.nextText();
			client.send(Array.from({ length: 400 }, (_, i) => call(String(i), 'pending')));
			// The 21st call exceeds the maximum of 20, so the server pauses after it.
			const isPaused = new Promise<void>((resolve) => {
				onPendingCall = (size) => size === 21 && resolve();
			});
			await isPaused;
			// During this round trip a server that had not paused would start more calls.
			expect(await post(`${other.url}/api/v1/unknown`, null, {})).to.include({ status: 404 });
			expect(pendingCalls).to.have.length(21);
			onPendingCall = () => endPendingCalls();
			endPendingCalls();
			const results = new Set<unknown>();
			while (results.size < 400) {
				for (const { msg, id } of messagesOf(await client.nextText())) if (msg === 'result') results.add(id);
			}
		});

		it('pings a silent client, and closes with 3000 if it does not answer', async () => {
			const other = await startOther({ sockJs: { heartbeat: { interval: 20, timeout: 20 } } });
			const socket = new WebSocket(`${other.url.replace('http', 'ws')}/sockjs/a/b/websocket`, { autoPong: false });
			const [pinged, ended] = [once(socket, 'ping'), once(socket, 'close')];
			await pinged;
			const [code, reason] = await ended;
			expect([code, String(reason)]).to.deep.equal([3000, 'No response from heartbeat']);
		});

		it('keeps a silent client that answers', async () => {
			const other = await startOther({ sockJs: { heartbeat: { interval: 20, timeout: 10_000 } } });
			const client = await open(other);
			await once(client.socket, 'ping');
			await once(client.socket, 'ping');
			client.send([CONNECT]);
			expect(messagesOf(await client.nextText())).to.have.nested.property('[0].msg', 'connected');
		});
	});
});
