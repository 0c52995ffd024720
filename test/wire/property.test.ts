/** Random input over WebSocket and HTTP. */
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { get, headersOf, request } from '../support/rest.js';

const RUNS = { numRuns: 300 };

/** The types of messages that the server may send. */
const ANSWERS = new Set(['connected', 'failed', 'pong', 'error', 'result', 'updated', 'nosub', 'added', 'removed']);

/** Words of valid messages and of EJSON. */
const word = fc.constantFrom(
	'msg',
	'method',
	'id',
	'params',
	'name',
	'version',
	'support',
	'session',
	'randomSeed',
	'connect',
	'sub',
	'unsub',
	'ping',
	'pong',
	'result',
	'1',
	'pre1',
	'login',
	'logout',
	'me',
	'e2e.setRoomKeyID',
	'toString',
	'__proto__',
	'constructor',
	'resume',
	'user',
	'password',
	'$date',
	'$type',
	'$value',
	'$escape',
	'$binary',
	'$regexp',
	'$flags',
	'$InfNaN',
	'cleared',
	'fields',
	'',
);
/** JSON of known words and random values, as keys and values. */
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
	json: fc.oneof(
		{ depthSize: 'small', withCrossShrink: true },
		fc.oneof(word, fc.string({ unit: 'binary' }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
		fc.array(tie('json'), { maxLength: 4 }),
		fc.array(fc.tuple(fc.oneof(word, fc.string()), tie('json')), { maxLength: 5 }).map((entries) => {
			const object: Record<string, unknown> = {};
			for (const [key, value] of entries)
				Object.defineProperty(object, key, { value, enumerable: true, configurable: true });
			return object;
		}),
	),
}));
const message = fc.record(
	{
		msg: fc.oneof(fc.constantFrom('connect', 'method', 'sub', 'unsub', 'ping', 'pong', 'foo'), json),
		id: fc.oneof(fc.string(), json),
		method: fc.oneof(word, json),
		name: fc.oneof(word, json),
		params: fc.oneof(fc.array(json), json),
		version: fc.oneof(word, json),
		support: fc.oneof(fc.array(word), json),
		randomSeed: json,
	},
	{ requiredKeys: [] },
);
const text = fc.oneof(
	fc.oneof(message, json).map((value) => JSON.stringify(value) ?? ''),
	fc.string({ unit: 'binary' }),
	fc.tuple(message, fc.nat()).map(([value, cut]) => {
		const whole = JSON.stringify(value);
		return whole.slice(0, cut % (whole.length + 1));
	}),
);
const frame = fc.oneof(text, fc.uint8Array({ maxLength: 200 }));

/** Replaces lone surrogates, which cannot be sent as text. */
function sendable(data: string | Uint8Array): string | Uint8Array {
	return typeof data === 'string' ? data.toWellFormed() : data;
}

describe('a server with arbitrary input', () => {
	let app: TestApp;
	let alice: Person;
	const unhandled: unknown[] = [];
	const onUnhandled = (reason: unknown) => void unhandled.push(reason);

	before(async () => {
		app = await startApp();
		alice = await addPerson(app.store);
		await addRoom(app.store, [alice]);
		process.on('unhandledRejection', onUnhandled);
	});
	after(async () => {
		process.off('unhandledRejection', onUnhandled);
		await app.close();
	});
	afterEach(() => {
		expect(unhandled).to.deep.equal([]);
		expect(app.log.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
	});

	async function expectServing(): Promise<void> {
		const client = await RawClient.connect(app.webSocketUrl);
		expect((await client.call('login', { resume: alice.token })).error).to.equal(undefined);
		await client.close();
		const { status } = await get(`${app.url}/api/v1/me`, alice);
		expect(status).to.equal(200);
	}

	for (const isConnected of [false, true]) {
		it(`stays up with frames ${isConnected ? 'after' : 'before'} a valid connect`, async () => {
			await fc.assert(
				fc.asyncProperty(fc.array(frame, { maxLength: 6 }), async (frames) => {
					const client = await RawClient[isConnected ? 'connect' : 'open'](app.webSocketUrl);
					for (const data of frames) client.socket.send(sendable(data));
					// The pong comes after the answers to all frames, unless the server closes the connection.
					client.send('{"msg":"connect","version":"1","support":["1"]}');
					client.send('{"msg":"ping","id":"the end"}');
					while (true) {
						const answer = await client.nextText().catch(() => undefined);
						if (answer === undefined) {
							// Closed normally, for invalid UTF-8, or for a frame that is too large.
							expect((await client.closed).code).to.be.oneOf([1000, 1007, 1009]);
							break;
						}
						const { msg, id } = JSON.parse(answer);
						expect(ANSWERS.has(msg), answer).to.equal(true);
						if (msg === 'pong' && id === 'the end') break;
						// A connection of the version pre1 answers a ping with an error.
						if (msg === 'error' && answer.includes('"the end"')) break;
					}
					await client.close();
				}),
				RUNS,
			);
			await expectServing();
		});
	}

	it('stays up with bytes in place of WebSocket frames', async () => {
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
				const client = await RawClient.open(app.webSocketUrl);
				const raw = (client.socket as unknown as { _socket: Socket })._socket;
				raw.write(bytes);
				raw.end();
				// 1005: the close frame had no code. 1006: there was no close frame.
				expect((await client.closed).code).to.be.oneOf([1000, 1002, 1005, 1006, 1007, 1009]);
			}),
			RUNS,
		);
		await expectServing();
	});

	it('stays up with bodies, paths, verbs and headers of requests', async () => {
		const path = fc.oneof(
			fc.constantFrom('e2e.setRoomKeyID', 'me', 'login', 'logout', 'method.call/me', 'method.callAnon/login'),
			fc.webPath().map((given) => given.slice(1)),
		);
		const verb = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS');
		const type = fc.oneof(
			fc.constantFrom(
				'application/json',
				'application/json; charset=utf-8',
				'application/x-www-form-urlencoded',
				'text/plain',
				'',
			),
			fc.stringMatching(/^[\x20-\x7e]{0,30}$/),
		);
		const body = fc.oneof(
			text,
			fc.record({ message: text }).map((value) => JSON.stringify(value)),
			fc.uint8Array(),
		);
		await fc.assert(
			fc.asyncProperty(path, verb, type, body, fc.boolean(), async (where, method, contentType, data, isUser) => {
				const {
					status,
					body: answer,
					text: answerText,
				} = await request(`${app.url}/api/v1/${where}`, {
					method,
					headers: {
						...(contentType.trim() && { 'Content-Type': contentType }),
						// A new user each time, because one of the paths logs out.
						...(isUser && headersOf(await addPerson(app.store))),
					},
					...(method === 'GET' ? {} : { body: sendable(data) as string }),
				});
				expect(status).to.be.within(200, 499);
				if (answerText !== '') expect(answer).to.satisfy((a: object) => 'success' in a || 'status' in a);
			}),
			RUNS,
		);
		await expectServing();
	});

	it('stays up with bytes in place of an HTTP request', async () => {
		const { hostname, port } = new URL(app.url);
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
				const socket = connect(Number(port), hostname);
				socket.end(bytes);
				let answer = '';
				for await (const chunk of socket) answer += chunk;
				expect(answer).to.match(/^(HTTP\/1\.1 [45]\d\d |$)/);
			}),
			RUNS,
		);
		await expectServing();
	});
});
