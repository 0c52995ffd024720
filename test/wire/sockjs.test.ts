/** SockJS (test/contract/ddp.md sections 1.1 and 1.3 to 1.5), compression (1.2), and what holds for all transports. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { liveQuery, publication } from '../../shared/publication.js';
import { startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { RawClient } from '../support/ddp.js';
import { addPerson, addRoom } from '../support/people.js';
import { headersOf, post, type RestAnswer, request } from '../support/rest.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;
const CONNECT = '{"msg":"connect","version":"1","support":["1"]}';
const NOT_FOUND = '404 Error: Page not found\n';
const NORMAL_CLOSURE = 'c[1000,"Normal closure"]';
const GOING_AWAY = 'c[1001,"Server is shutting down"]';
const NO_CACHE = 'no-store, no-cache, no-transform, must-revalidate, max-age=0';

/** Each ends a running call of `pending`. */
const pendingCalls: (() => void)[] = [];
/** Called when a call of `pending` begins, with the number of calls in `pendingCalls`. */
let onPendingCall: (size: number) => void = () => {};
function endPendingCalls(): void {
	for (const end of pendingCalls.splice(0)) end();
}

let onClosed: () => void = () => {};
let answerWait: (value: string) => void = () => {};
const methods = [
	method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({ ...anyone, name: 'session', run: (_args, { connection }) => connection?.id }),
	method({ ...anyone, name: 'address', run: (_args, { connection }) => connection?.clientAddress }),
	method({ ...anyone, name: 'hang up', run: (_args, { connection }) => connection?.close() }),
	method({
		...anyone,
		name: 'wait',
		run: () =>
			new Promise<string>((resolve) => {
				answerWait = resolve;
			}),
	}),
	method({
		...anyone,
		name: 'pending',
		parallel: true,
		run: () =>
			new Promise<void>((resolve) => {
				onPendingCall(pendingCalls.push(resolve));
			}),
	}),
	method({ ...anyone, name: 'on close', run: (_args, { connection }) => connection?.onClose(() => onClosed()) }),
];
const call = (id: string, name: string, ...params: unknown[]) =>
	JSON.stringify({ msg: 'method', id, method: name, params });

async function postOverNewConnection(url: string): Promise<{ status: number | undefined; text: string }> {
	const [response] = await once(httpRequest(url, { method: 'POST', agent: false }).end(), 'response');
	return { status: response.statusCode, text: (await response.toArray()).join('') };
}

function messagesOf(frame: string): Record<string, unknown>[] {
	expect(frame[0]).to.equal('a');
	return JSON.parse(frame.slice(1)).map((message: string) => JSON.parse(message));
}

describe('SockJS', () => {
	let app: TestApp;
	const apps: TestApp[] = [];
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ methods });
	});
	after(() => app.close());
	afterEach(async () => {
		await Promise.all(apps.splice(0).map((other) => other.close()));
	});

	async function startOther(options: TestAppOptions['ddp'] = {}): Promise<TestApp> {
		const other = await startApp({ methods, ddp: options });
		apps.push(other);
		return other;
	}

	const get = (path: string, headers = {}) => request(app.url + path, { headers });

	describe('endpoints (1.1)', () => {
		for (const path of ['/sockjs', '/sockjs/']) {
			it(`greets at ${path}`, async () => {
				const { status, headers, text } = await get(path);
				expect({ status, text }).to.deep.equal({ status: 200, text: 'Welcome to SockJS!\n' });
				expect(headers.get('content-type')).to.match(/^text\/plain/);
			});
		}

		for (const [verb, path] of [
			['GET', '/sockjs/x'],
			['GET', '/sockjs/iframe.html'],
			['POST', '/sockjs/chunking_test'],
			['POST', '/sockjs/info'],
			['GET', '/sockjs/a/b'],
			['GET', '/sockjs/a/b/xhr'],
			['GET', '/sockjs/a/b/jsonp'],
			['POST', '/sockjs/a/b/xhr_streaming'],
			['GET', '/sockjs/a/b/eventsource'],
			['POST', '/sockjs/a.b/c/xhr'],
			['POST', '/sockjs/a/b.c/xhr'],
			['POST', '/sockjs//b/xhr'],
			['POST', '/sockjs/a//xhr'],
			['POST', '/sockjs/a/b/c/xhr'],
			['GET', '/sockjs/a.b/c/websocket'],
		] as const) {
			it(`answers ${verb} ${path} with 404`, async () => {
				const { status, headers, text } = await request(app.url + path, { method: verb });
				expect({ status, text }).to.deep.equal({ status: 404, text: NOT_FOUND });
				expect(headers.get('content-type')).to.equal('text/plain; charset=UTF-8');
			});
		}

		for (const path of ['/websocket', '/sockjs/websocket', '/sockjs/a/b/websocket', '/sockjs/a/b/websocket/']) {
			it(`answers a plain GET ${path} with 400`, async () => {
				const { status, text } = await get(path);
				expect({ status, text }).to.deep.equal({ status: 400, text: 'Not a valid websocket request' });
			});
		}

		for (const path of ['/sockjs/a.b/c/websocket', '/sockjs/a/websocket', '/sockjs/a/b/c/websocket', '/sockjs/info']) {
			it(`refuses an upgrade at ${path} with 404`, async () => {
				const socket = new WebSocket(app.url.replace('http', 'ws') + path);
				const [error] = await once(socket, 'error');
				expect(error.message).to.include('404');
			});
		}

		for (const path of ['/websocket', '/sockjs/a/b/websocket']) {
			it(`refuses an upgrade to version 7 of the WebSocket protocol at ${path}`, async () => {
				const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '7' };
				const sent = httpRequest(app.url + path, { headers }).end();
				const [response] = await once(sent, 'response');
				expect(response.statusCode).to.equal(400);
				expect(String((await response.toArray()).join(''))).to.equal('Only supported WebSocket protocol is RFC 6455.');
			});
		}
	});

	describe('compression of WebSockets (1.2, 1.6)', () => {
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

	describe('info, and CORS headers (1.3)', () => {
		it('returns the features of the server and a random number', async () => {
			const { status, headers, body } = await get('/sockjs/info');
			expect(status).to.equal(200);
			expect(headers.get('content-type')).to.equal('application/json; charset=UTF-8');
			expect(headers.get('cache-control')).to.equal(NO_CACHE);
			expect(body).to.have.all.keys('websocket', 'origins', 'cookie_needed', 'entropy');
			expect(body).to.deep.include({ websocket: true, origins: ['*:*'], cookie_needed: false });
			expect(body.entropy)
				.to.satisfy(Number.isInteger)
				.and.to.be.within(0, 2 ** 32 - 1);
			expect((await get('/sockjs/info/?t=1')).body.entropy).not.to.equal(body.entropy);
		});

		const cors = ({ headers }: RestAnswer) => ({
			origin: headers.get('access-control-allow-origin'),
			credentials: headers.get('access-control-allow-credentials'),
			vary: headers.get('vary'),
		});

		for (const [verb, path] of [
			['GET', '/sockjs/info'],
			['OPTIONS', '/sockjs/info'],
			['POST', '/sockjs/cors/a/xhr'],
			['POST', '/sockjs/a/unknown/xhr_send'],
		] as const) {
			it(`lets pages of any origin use ${verb} ${path}`, async () => {
				const origin = 'https://chat.example.com';
				const from = await request(app.url + path, { method: verb, headers: { Origin: origin } });
				expect(cors(from)).to.deep.equal({ origin, credentials: 'true', vary: 'Origin' });
			});

			it(`lets clients without an Origin use ${verb} ${path}`, async () => {
				// The test above has opened the session `a`, where another poll would be held.
				const answer = await request(app.url + path.replace('cors/a', 'program/b'), { method: verb });
				expect(cors(answer)).to.deep.equal({ origin: '*', credentials: null, vary: 'Origin' });
			});
		}

		for (const [path, verbs] of [
			['/sockjs/info', 'OPTIONS, GET'],
			['/sockjs/a/b/xhr', 'OPTIONS, POST'],
			['/sockjs/a/b/xhr_send', 'OPTIONS, POST'],
		] as const) {
			it(`answers OPTIONS ${path}`, async () => {
				const asked = { 'Access-Control-Request-Headers': 'content-type' };
				const { status, headers, text } = await request(app.url + path, { method: 'OPTIONS', headers: asked });
				expect({ status, text }).to.deep.equal({ status: 204, text: '' });
				expect(headers.get('access-control-allow-methods')).to.equal(verbs);
				expect(headers.get('access-control-max-age')).to.equal('31536000');
				expect(headers.get('access-control-allow-headers')).to.equal('content-type');
			});
		}
	});

	describe('framing on WebSocket (1.4)', () => {
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

	describe('polling (1.5)', () => {
		let sessionCount = 0;

		function client({ url } = app, path = `/sockjs/000/session${++sessionCount}`) {
			const post = (end: string, init: RequestInit = {}) => request(url + path + end, { method: 'POST', ...init });
			const poll = async (signal: AbortSignal | null = null) => (await post('/xhr', { signal })).text;
			const send = (body: string | object, headers = {}) =>
				post('/xhr_send', { body: typeof body === 'string' ? body : JSON.stringify(body), headers });
			return { post, poll, send };
		}

		async function open(target?: TestApp) {
			const opened = client(target);
			expect(await opened.poll()).to.equal('o\n');
			return opened;
		}

		async function connect(target?: TestApp) {
			const connected = await open(target);
			await connected.send([CONNECT]);
			expect(messagesOf(await connected.poll())).to.have.nested.property('[0].msg', 'connected');
			return connected;
		}

		it('opens at the first poll', async () => {
			const { status, headers, text } = await client().post('/xhr');
			expect({ status, text }).to.deep.equal({ status: 200, text: 'o\n' });
			expect(headers.get('content-type')).to.equal('application/javascript; charset=UTF-8');
			expect(headers.get('cache-control')).to.equal(NO_CACHE);
		});

		it('identifies the connection by the session part of the path alone', async () => {
			const path = `/sockjs/one/session${++sessionCount}`;
			expect(await client(app, path).poll()).to.equal('o\n');
			const { send, poll } = client(app, path.replace('one', 'two'));
			await send([CONNECT]);
			expect(messagesOf(await poll())).to.have.nested.property('[0].msg', 'connected');
		});

		it('holds a poll until there are messages, then sends all of them', async () => {
			const { poll, send } = await connect();
			const held = poll();
			const { status, headers, text } = await send([call('1', 'echo', 'é😀'), call('2', 'address')]);
			expect({ status, text }).to.deep.equal({ status: 204, text: '' });
			expect(headers.get('content-type')).to.equal('text/plain; charset=UTF-8');
			const frame = await held;
			expect(frame).to.match(/^a\[.*\]\n$/);
			const messages = messagesOf(frame);
			while (messages.length < 4) messages.push(...messagesOf(await poll()));
			expect(messages).to.deep.equal([
				{ msg: 'updated', methods: ['1'] },
				{ msg: 'result', id: '1', result: 'é😀' },
				{ msg: 'updated', methods: ['2'] },
				{ msg: 'result', id: '2', result: '127.0.0.1' },
			]);
		});

		it('buffers messages between two polls', async () => {
			const { poll, send } = await connect();
			await send(['{"msg":"ping","id":"a"}']);
			await send(['{"msg":"ping","id":"b"}']);
			expect(messagesOf(await poll()).map(({ id }) => id)).to.deep.equal(['a', 'b']);
		});

		it('answers a poll that was held for long with a heartbeat', async () => {
			const other = await startOther({ sockJs: { heartbeat: { interval: 20, timeout: 20 } } });
			const { poll } = await open(other);
			expect(await poll()).to.equal('h\n');
			expect(await poll()).to.equal('h\n');
		});

		it('refuses a second poll while one is held, and still answers the first', async () => {
			const { poll, send } = await connect();
			const first = poll().then((text) => ({ name: 'first', text }));
			const second = poll().then((text) => ({ name: 'second', text }));
			// The two polls have separate sockets, so either may arrive first.
			const refused = await Promise.race([first, second]);
			expect(refused.text).to.equal('c[2010,"Another connection still open"]\n');
			await send(['{"msg":"ping"}']);
			const answered = await (refused.name === 'first' ? second : first);
			expect(messagesOf(answered.text)).to.deep.equal([{ msg: 'pong' }]);
		});

		it('answers xhr_send with 404 if no poll has opened the connection', async () => {
			const { status, headers, text } = await client().send([CONNECT]);
			expect({ status, text }).to.deep.equal({ status: 404, text: NOT_FOUND });
			expect(headers.get('content-type')).to.equal('text/plain; charset=UTF-8');
		});

		for (const [body, answer] of [
			['', 'Payload expected.'],
			['{}', 'Payload expected.'],
			['"{}"', 'Payload expected.'],
			['null', 'Payload expected.'],
			['[5]', 'Payload expected.'],
			['["x', 'Broken JSON encoding.'],
			['x', 'Broken JSON encoding.'],
		] as const) {
			it(`answers xhr_send of ${body || 'no body'} with 500, and the connection stays open`, async () => {
				const { send, poll } = await connect();
				const { status, headers, text } = await send(body);
				expect({ status, text }).to.deep.equal({ status: 500, text: answer });
				expect(headers.get('content-type')).to.equal('text/plain; charset=UTF-8');
				expect((await send(['{"msg":"ping"}'])).status).to.equal(204);
				expect(messagesOf(await poll())).to.deep.equal([{ msg: 'pong' }]);
			});
		}

		for (const type of ['text/plain', 'text/plain;charset=UTF-8', 'application/json', 'application/xml', 'T/x']) {
			it(`accepts a body of the type ${type}`, async () => {
				const { send } = await connect();
				expect((await send(['{"msg":"ping"}'], { 'Content-Type': type })).status).to.equal(204);
			});
		}

		it('refuses with 413 a body above the limit for frames', async () => {
			const { send } = await connect();
			expect((await send(['x'.repeat(64 * 1024)])).status).to.equal(413);
		});

		it('answers a body over 8 KiB before `connect` with 413, and closes', async () => {
			const { send, poll } = await open();
			expect((await send(Array.from({ length: 3000 }, () => ''))).status).to.equal(413);
			expect(await poll()).to.equal(`${NORMAL_CLOSURE}\n`);
		});

		it('sends the last messages before the close', async () => {
			const { send, poll } = await open();
			await send(['{"msg":"connect","version":"9","support":["9"]}']);
			expect(messagesOf(await poll())).to.deep.equal([{ msg: 'failed', version: '1' }]);
			expect(await poll()).to.equal(`${NORMAL_CLOSURE}\n`);
			expect((await send(['{"msg":"ping"}'])).status).to.equal(204);
			expect(await poll()).to.equal(`${NORMAL_CLOSURE}\n`);
		});

		it('closes and forgets the connection when the client aborts a poll', async () => {
			const { send, poll } = await connect();
			const closed = new Promise<void>((resolve) => {
				onClosed = resolve;
			});
			await send([call('1', 'on close')]);
			await poll();
			const abort = new AbortController();
			const held = poll(abort.signal).catch((error) => error.name);
			// The error of a second poll shows that the first poll is held.
			expect(await poll()).to.match(/^c\[2010/);
			abort.abort();
			expect(await held).to.equal('AbortError');
			await closed;
			expect((await send(['{"msg":"ping"}'])).status).to.equal(404);
			expect(await poll()).to.equal('o\n');
		});

		it('disconnects a client for which too many bytes are buffered', async () => {
			const other = await startOther({ maxBuffered: 1000 });
			const { send, poll } = await connect(other);
			await send([call('1', 'echo', 'x'.repeat(1000))]);
			expect(await poll()).to.equal(`${NORMAL_CLOSURE}\n`);
		});
	});

	interface AnyConnection {
		send(message: string): unknown;
		next(): Promise<Record<string, unknown>[]>;
	}

	async function openWebSocket({ webSocketUrl }: TestApp): Promise<AnyConnection> {
		const client = await clients.open(webSocketUrl);
		return { send: (message) => client.send(message), next: async () => [{ ...(await client.next()) }] };
	}

	async function openSockJs({ url }: TestApp): Promise<AnyConnection> {
		const client = await clients.open(`${url.replace('http', 'ws')}/sockjs/a/b/websocket`);
		await client.nextText();
		return { send: (message) => client.send([message]), next: async () => messagesOf(await client.nextText()) };
	}

	async function openPolling({ url }: TestApp): Promise<AnyConnection> {
		const base = `${url}/sockjs/000/${randomBytes(8).toString('hex')}`;
		const post = (end: string, body: string | null = null) => request(base + end, { method: 'POST', body });
		await post('/xhr');
		return {
			send: (message) => post('/xhr_send', JSON.stringify([message])),
			next: async () => messagesOf((await post('/xhr')).text),
		};
	}

	const transports = [
		['WebSocket', openWebSocket],
		['SockJS over WebSocket', openSockJs],
		['SockJS polling', openPolling],
	] as const;

	for (const compression of [false, true]) {
		describe(`large publications, and events for several clients, ${compression ? 'compressed' : 'uncompressed'}`, () => {
			const COUNT = 1500;
			const large = publication({
				name: 'large',
				anonymous: true,
				args: {},
				summary: 'for a test',
				run: () => liveQuery('rooms', { t: 'c' }, { name: 1 }),
			});
			let other: TestApp;

			before(async () => {
				other = await startApp({ publications: [large], ddp: { compression, maxBuffered: 512 * 1024 } });
				for (let i = 0; i < COUNT; i++) {
					await other.store.rooms.insertOne({ _id: `r${i}`, t: 'c', name: randomBytes(1024).toString('hex') });
				}
			});
			after(() => other.close());

			for (const [transport, open] of transports) {
				it(`a publication larger than the limit for buffered bytes arrives completely over ${transport}`, async () => {
					const { send, next } = await open(other);
					await send(CONNECT);
					await send('{"msg":"sub","id":"s","name":"large"}');
					const seen: unknown[] = [];
					while (seen.at(-1) !== 'ready') seen.push(...(await next()).map(({ msg }) => msg));
					expect(seen.filter((msg) => msg === 'added')).to.have.lengthOf(COUNT);
				});
			}

			it('an event reaches every transport', async () => {
				const alice = await addPerson(other.store);
				const rid = await addRoom(other.store, [alice]);
				const eventName = `${alice.id}/rooms-changed`;
				const all = await Promise.all(transports.map(([, open]) => open(other)));
				for (const { send, next } of all) {
					await send(CONNECT);
					await send(call('1', 'login', { resume: alice.token }));
					await send(JSON.stringify({ msg: 'sub', id: 's', name: 'stream-notify-user', params: [eventName, false] }));
					while (!(await next()).some(({ msg }) => msg === 'ready'));
				}
				await post(`${other.url}/api/v1/e2e.setRoomKeyID`, alice, { rid, keyID: 'k' });
				for (const { next } of all) {
					const [event] = await next();
					expect(event).to.deep.include({ msg: 'changed', collection: 'stream-notify-user', id: 'id' });
					expect(event).to.have.nested.property('fields.eventName', eventName);
				}
			});
		});
	}

	describe('the end of sessions', () => {
		it('a polling session is closed when its login token is removed (16.2)', async () => {
			const { token, id } = await addPerson(app.store);
			const url = `${app.url}/sockjs/000/removal`;
			const poll = async () => (await request(`${url}/xhr`, { method: 'POST' })).text;
			expect(await poll()).to.equal('o\n');
			const body = JSON.stringify([CONNECT, call('1', 'login', { resume: token })]);
			await request(`${url}/xhr_send`, { method: 'POST', body });
			let frame = await poll();
			while (!frame.includes('tokenExpires')) frame = await poll();
			const held = poll();
			await request(`${app.url}/api/v1/logout`, { method: 'POST', headers: headersOf({ id, token }) });
			expect(await held).to.equal(`${NORMAL_CLOSURE}\n`);
		});

		it('a shutdown answers calls of a polling client, then sends the close frame (18)', async () => {
			const other = await startApp({ methods, grace: 10_000 });
			const post = async (end: string, body: string | null = null) =>
				(await request(`${other.url}/sockjs/000/waiting/${end}`, { method: 'POST', body })).text;
			await post('xhr');
			await post('xhr_send', JSON.stringify([CONNECT, call('1', 'wait')]));
			expect(messagesOf(await post('xhr'))).to.have.nested.property('[0].msg', 'connected');
			// One poll is refused, which shows that the other is held.
			const polls = [post('xhr'), post('xhr')];
			expect(await Promise.race(polls)).to.match(/^c\[2010/);
			const ended = other.close();
			answerWait('done');
			const frame = (await Promise.all(polls)).find((text) => text.startsWith('a'));
			expect(messagesOf(frame ?? '')).to.deep.equal([
				{ msg: 'updated', methods: ['1'] },
				{ msg: 'result', id: '1', result: 'done' },
			]);
			// During the shutdown a known session may poll over a new TCP connection. A new session is refused.
			expect(await postOverNewConnection(`${other.url}/sockjs/000/new/xhr`)).to.include({ status: 503 });
			expect(await postOverNewConnection(`${other.url}/sockjs/000/waiting/xhr`)).to.deep.equal({
				status: 200,
				text: `${GOING_AWAY}\n`,
			});
			await ended;
		});

		it('a shutdown closes polling sessions, sessions over SockJS WebSockets, and the server (18)', async () => {
			const other = await startApp({ methods });
			const framed = await RawClient.open(`${other.url.replace('http', 'ws')}/sockjs/a/b/websocket`);
			const poll = async (name: string) =>
				(await request(`${other.url}/sockjs/000/${name}/xhr`, { method: 'POST' })).text;
			// `away` has no open poll when the server shuts down.
			expect([await poll('held'), await poll('away')]).to.deep.equal(['o\n', 'o\n']);
			const polls = [poll('held'), poll('held')];
			expect(await Promise.race(polls)).to.match(/^c\[2010/);
			await other.close();
			expect(await Promise.all(polls)).to.include(`${GOING_AWAY}\n`);
			expect([await framed.nextText(), await framed.nextText()]).to.deep.equal(['o', GOING_AWAY]);
		});
	});
});
