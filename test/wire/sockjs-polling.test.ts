/** SockJS polling, and the end of SockJS sessions (test/contract/ddp.md 1.5, 16.2, 18). */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { appsOfEachTest, startApp, type TestApp, type TestAppOptions } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { addPerson } from '../support/people.js';
import { headersOf, request } from '../support/rest.js';
import { CONNECT, call, GOING_AWAY, messagesOf, NO_CACHE, NORMAL_CLOSURE, NOT_FOUND } from '../support/sockJs.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;
let onClosed: () => void = () => {};
let answerWait: (value: string) => void = () => {};
const methods = [
	method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({ ...anyone, name: 'address', run: (_args, { connection }) => connection?.clientAddress }),
	method({
		...anyone,
		name: 'wait',
		run: () =>
			new Promise<string>((resolve) => {
				answerWait = resolve;
			}),
	}),
	method({ ...anyone, name: 'on close', run: (_args, { connection }) => connection?.onClose(() => onClosed()) }),
];

async function postOverNewConnection(url: string): Promise<{ status: number | undefined; text: string }> {
	const [response] = await once(httpRequest(url, { method: 'POST', agent: false }).end(), 'response');
	return { status: response.statusCode, text: (await response.toArray()).join('') };
}

describe('SockJS sessions', () => {
	let app: TestApp;
	const startAppOfTest = appsOfEachTest();

	before(async () => {
		app = await startApp({ methods });
	});
	after(() => app.close());

	const startOther = (options: TestAppOptions['ddp'] = {}) => startAppOfTest({ methods, ddp: options });

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
