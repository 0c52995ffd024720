/** Large answers over every transport. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { expect } from 'chai';
import type { Room } from '../../shared/documents.js';
import { decode } from '../../shared/ejson.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import type { Frame } from '../support/ddp.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { headersOf, post, request } from '../support/rest.js';

const ROOM_COUNT = 1000;
const CONNECT = { msg: 'connect', version: '1', support: ['1'] };
const list = Array.from({ length: 20_000 }, (_, i) => ({ i, text: `"${'é😀\n'.repeat(10)}"`, at: new Date(i) }));

const methods = [
	method({ name: 'large', anonymous: true, args: {}, summary: 'for a test', run: () => list }),
	method({ name: 'echo', anonymous: true, args: { value: Number }, summary: 'for a test', run: ({ value }) => value }),
	method({
		name: 'unencodable',
		anonymous: true,
		args: {},
		summary: 'for a test',
		rest: 'GET',
		run: () => ({ list, big: 5n }),
	}),
];

interface TestConnection {
	send(message: object): void;
	next(): Promise<Frame>;
}

for (const compression of [false, true]) {
	describe(`large answers, ${compression ? 'compressed' : 'uncompressed'}`, () => {
		let app: TestApp;
		let alice: Person;
		const clients = clientsOfEachTest();

		before(async () => {
			// Each large answer has more than three times `maxBuffered`.
			app = await startApp({ methods, ddp: { compression, maxBuffered: 128 * 1024 } });
			alice = await addPerson(app.store);
			for (let i = 0; i < ROOM_COUNT; i++) await addRoom(app.store, [alice], { name: `${i} ${'x'.repeat(300)}` });
		});
		after(() => app.close());

		async function openWebSocket(): Promise<TestConnection> {
			const client = await clients.open(app.webSocketUrl);
			return { send: (message) => client.send(JSON.stringify(message)), next: () => client.next() };
		}

		/** `nextFrame` receives a frame of SockJS, such as `a["…"]` with messages. */
		function sockJsConnection(send: (frame: string) => void, nextFrame: () => Promise<string>): TestConnection {
			const frames: Frame[] = [];
			return {
				send: (message) => send(JSON.stringify([JSON.stringify(message)])),
				async next() {
					while (frames.length === 0) {
						const frame = await nextFrame();
						if (frame.startsWith('c')) throw new Error(`the connection was closed: ${frame}`);
						if (frame.startsWith('a')) {
							frames.push(...JSON.parse(frame.slice(1)).map((text: string) => decode(JSON.parse(text))));
						}
					}
					return frames.shift() as Frame;
				},
			};
		}

		async function openSockJs(): Promise<TestConnection> {
			const url = app.webSocketUrl.replace('/websocket', `/sockjs/000/${randomBytes(8).toString('hex')}/websocket`);
			const client = await clients.open(url);
			return sockJsConnection(
				(frame) => client.send(frame),
				() => client.nextText(),
			);
		}

		async function openPolling(): Promise<TestConnection> {
			const base = `${app.url}/sockjs/000/${randomBytes(8).toString('hex')}`;
			await request(`${base}/xhr`, { method: 'POST' });
			let sent: Promise<unknown> = Promise.resolve();
			return sockJsConnection(
				(body) => {
					sent = sent.then(() => request(`${base}/xhr_send`, { method: 'POST', body }));
				},
				async () => (await request(`${base}/xhr`, { method: 'POST' })).text,
			);
		}

		for (const [transport, open] of [
			['WebSocket', openWebSocket],
			['SockJS over WebSocket', openSockJs],
			['SockJS polling', openPolling],
		] as const) {
			describe(`over ${transport}`, () => {
				it('five concurrent rooms/get do not disconnect a client that reads', async () => {
					const { send, next } = await open();
					send(CONNECT);
					send({ msg: 'method', id: 'login', method: 'login', params: [{ resume: alice.token }] });
					const ids = ['1', '2', '3', '4', '5'];
					for (const id of ids) send({ msg: 'method', id, method: 'rooms/get', params: [] });
					const results = new Map<unknown, Room[]>();
					while (results.size < ids.length) {
						const { msg, id, result } = await next();
						if (msg === 'result' && id !== 'login') results.set(id, result as Room[]);
					}
					expect([...results.keys()]).to.have.members(ids);
					for (const rooms of results.values()) expect(rooms).to.have.length(ROOM_COUNT);
				});

				it('an answer arrives unchanged, and before the answers of later calls', async () => {
					const { send, next } = await open();
					send(CONNECT);
					for (const [id, name, ...params] of [
						['1', 'echo', 1],
						['2', 'large'],
						['3', 'echo', 3],
						['4', 'large'],
					]) {
						send({ msg: 'method', id, method: name, params });
					}
					const results: unknown[] = [];
					while (results.length < 4) {
						const { msg, id, result } = await next();
						if (msg === 'result') results.push([id, result]);
					}
					expect(results.map((pair) => (pair as unknown[])[0])).to.deep.equal(['1', '2', '3', '4']);
					expect(results).to.deep.equal([
						['1', 1],
						['2', list],
						['3', 3],
						['4', list],
					]);
				});

				it('an answer that cannot be encoded is a server error without a disconnection', async () => {
					const { send, next } = await open();
					send(CONNECT);
					send({ msg: 'method', id: '1', method: 'unencodable', params: [] });
					send({ msg: 'method', id: '2', method: 'echo', params: [2] });
					const answers: Frame[] = [];
					while (answers.length < 2) {
						const frame = await next();
						if (frame.msg === 'result') answers.push(frame);
					}
					expect(answers[0]).to.have.nested.property('error.error', 500);
					expect(answers[1]).to.include({ id: '2', result: 2 });
				});
			});
		}

		// Compression is a setting of DDP, so REST is tested once.
		if (compression) return;

		describe('over REST', () => {
			const restGet = (path: string) => request(`${app.url}/api/v1/${path}`, { headers: headersOf(alice) });

			it('an answer arrives whole, with its length', async () => {
				const { status, headers, text, body } = await restGet('rooms.get');
				expect(status).to.equal(200);
				expect(headers.get('content-type')).to.equal('application/json');
				expect(Number(headers.get('content-length'))).to.equal(Buffer.byteLength(text));
				expect(body).to.include({ success: true });
				expect(body.update).to.have.length(ROOM_COUNT);
			});

			it('method.call carries the text of a DDP message', async () => {
				const message = JSON.stringify({ msg: 'method', id: '1', method: 'large', params: [] });
				const { body } = await post(`${app.url}/api/v1/method.call/large`, alice, { message });
				const answer = JSON.parse(body.message as string) as { result: unknown };
				expect(decode(answer.result)).to.deep.equal(list);
			});

			it('an answer that cannot be encoded is a server error', async () => {
				const { status, body } = await restGet('unencodable');
				expect(status).to.equal(500);
				expect(body).to.deep.equal({ success: false, error: 'Internal server error' });
			});

			it('a client that disconnects during an answer has no effect on others', async () => {
				const call = get(`${app.url}/api/v1/rooms.get`, { headers: headersOf(alice) });
				const [response] = await once(call, 'response');
				response.destroy();
				await once(response, 'close');
				expect((await restGet('rooms.get')).body.update).to.have.length(ROOM_COUNT);
			});
		});
	});
}
