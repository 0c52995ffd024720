/** DDP over real sockets. Numbers in titles are sections of test/contract/ddp.md. */
import { expect } from 'chai';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { Gates } from '../support/gates.js';
import { request } from '../support/rest.js';
import { SEED, seedVectors } from '../support/seeds.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

const gates = new Gates();

const methods = [
	method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({
		...anyone,
		name: 'throw',
		run: () => {
			throw new ClientError('code', 'reason', { d: 1, when: new Date(5), far: Infinity });
		},
	}),
	method({ ...anyone, name: 'fail', run: () => Promise.reject(new Error('a secret')) }),
	method({ ...anyone, name: 'two strings', args: { a: String, b: String }, run: () => 'both' }),
	method({ ...anyone, name: 'wait', args: { gate: String }, run: ({ gate: name }) => gates.wait(name) }),
	method({
		...anyone,
		name: 'unblock and wait',
		args: { gate: String },
		run: ({ gate: name }, context) => {
			context.unblock();
			// The second call has no effect.
			context.unblock();
			return gates.wait(name);
		},
	}),
	method({ ...anyone, name: 'open', args: { gate: String }, run: ({ gate: name }) => gates.open(name) }),
	method({ ...anyone, name: 'seed', run: (_args, { randomSeed }) => randomSeed }),
	method({ ...anyone, name: 'foo', run: (_args, { randomSeed }) => randomSeed }),
	method({ ...anyone, name: 'call foo', run: (_args, context) => context.call('foo') }),
	method({
		...anyone,
		name: 'draw',
		args: { stream: String },
		run({ stream: name }, { random }) {
			const stream = random.stream(name);
			return [stream.id(), stream.id(), stream.hexString(24), stream.hexString(20), stream.fraction()];
		},
	}),
	method({
		...anyone,
		name: 'connection',
		run: (_args, { connection }) => ({ ...connection, httpHeaders: connection?.httpHeaders }),
	}),
	method({ ...anyone, name: 'hang up', run: (_args, { connection }) => connection?.close() }),
	method({
		...anyone,
		name: 'on close',
		args: { gate: String },
		run: ({ gate: name }, { connection }) => connection?.onClose(() => gates.open(name)),
	}),
];

describe('DDP over WebSocket', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ methods });
	});
	after(() => app.close());

	const open = (path = '/websocket', headers = {}) =>
		clients.open(app.webSocketUrl.replace('/websocket', path), headers);

	const connect = (headers = {}) => clients.connect(app.webSocketUrl, headers);

	describe('transports (1)', () => {
		for (const path of ['/websocket', '/websocket/', '/websocket?x=1', '/sockjs/websocket', '/sockjs/websocket/']) {
			it(`accepts raw WebSockets at ${path}`, async () => {
				const client = await open(path);
				client.send({ msg: 'connect', version: '1', support: ['1'] });
				expect(await client.next()).to.include({ msg: 'connected' });
			});
		}

		it('refuses an upgrade elsewhere with 404', async () => {
			const error = await open('/elsewhere').then(
				() => null,
				(reason) => reason,
			);
			expect(error).to.have.property('message').that.includes('404');
		});

		for (const path of ['/websocket', '/sockjs/websocket']) {
			it(`answers a plain GET ${path} with 400`, async () => {
				const { status, text } = await request(app.url + path);
				expect({ status, text }).to.deep.equal({ status: 400, text: 'Not a valid websocket request' });
			});
		}

		it('chooses no subprotocol', async () => {
			const { WebSocket } = await import('ws');
			const socket = new WebSocket(app.webSocketUrl, ['ddp', 'x']);
			const error = await new Promise<Error>((resolve) => socket.on('error', resolve));
			expect(error.message).to.equal('Server sent no subprotocol');
		});

		it('reads binary frames as text', async () => {
			const client = await connect();
			client.socket.send(Buffer.from('{"msg":"ping","id":"b"}'));
			expect(await client.next()).to.deep.equal({ msg: 'pong', id: 'b' });
		});
	});

	describe('envelope (2)', () => {
		it('decodes params and encodes results as EJSON', async () => {
			const client = await connect();
			client.send('{"msg":"method","id":"1","method":"echo","params":[{"$date":5}],"more":1}');
			expect(await client.nextText()).to.equal('{"msg":"updated","methods":["1"]}');
			expect(await client.nextText()).to.equal('{"msg":"result","id":"1","result":{"$date":5}}');
		});

		it('sends the details of an error as plain JSON', async () => {
			const client = await connect();
			client.send('{"msg":"method","id":"1","method":"throw"}');
			await client.next();
			expect(await client.nextText()).to.equal(
				'{"msg":"result","id":"1","error":{"isClientSafe":true,"error":"code","reason":"reason",' +
					'"details":{"d":1,"when":"1970-01-01T00:00:00.005Z","far":null},"message":"reason [code]","errorType":"Meteor.Error"}}',
			);
		});
	});

	describe('connecting (3)', () => {
		for (const [support, version, answer] of [
			[['1', 'pre2', 'pre1'], '1', 'connected'],
			[['pre2'], 'pre2', 'connected'],
			[['pre1'], 'pre1', 'connected'],
			[['9', '1'], '1', 'connected'],
			[['pre2', '1'], '1', 'pre2'],
			[['9'], '9', '1'],
			[['1'], 'pre2', '1'],
			[[], '1', '1'],
			['1', '1', '1'],
			[['1', 5], '1', '1'],
			[['1'], 1, '1'],
			[undefined, undefined, '1'],
		] as const) {
			const outcome = answer === 'connected' ? answer : `failed, and the version ${answer}`;
			it(`answers the version ${JSON.stringify(version)} of ${JSON.stringify(support)} with ${outcome}`, async () => {
				const client = await open();
				client.send({ msg: 'connect', version, support });
				const reply = await client.next();
				if (answer === 'connected') {
					expect(reply.session).to.match(/^[23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz]{17}$/);
				} else {
					expect(reply).to.deep.equal({ msg: 'failed', version: answer });
					expect(await client.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
				}
			});
		}

		it('ignores messages after a failed connect', async () => {
			const client = await open();
			client.send({ msg: 'connect', version: '9', support: ['9'] });
			client.send({ msg: 'method', id: '1', method: 'echo', params: [1] });
			expect(await client.next()).to.include({ msg: 'failed' });
			await client.closed;
			const more = await client.nextText().then(
				(text) => text,
				(error) => error.message,
			);
			expect(more).to.equal('the socket has closed');
		});

		it('refuses every message before connect, also a ping, and stays open', async () => {
			const client = await open();
			client.send('{"msg":"ping"}');
			expect(await client.nextText()).to.equal(
				'{"msg":"error","reason":"Must connect first","offendingMessage":{"msg":"ping"}}',
			);
			client.send({ msg: 'connect', version: '1', support: ['1'] });
			expect(await client.next()).to.include({ msg: 'connected' });
		});

		it('refuses a second connect and stays connected', async () => {
			const client = await connect();
			client.send('{"msg":"connect","version":"1","support":["1"]}');
			expect(await client.next()).to.deep.include({ msg: 'error', reason: 'Already connected' });
			expect(await client.call('echo', 1)).to.include({ result: 1 });
		});

		it('gives every connection a new session, even if the client names a former session', async () => {
			const first = await open();
			first.send({ msg: 'connect', version: '1', support: ['1'] });
			const { session } = await first.next();
			const second = await open();
			second.send({ msg: 'connect', version: '1', support: ['1'], session });
			expect((await second.next()).session)
				.to.be.a('string')
				.and.not.equal(session);
		});

		it('accepts calls that are sent before the answer to connect', async () => {
			const client = await open();
			client.send({ msg: 'connect', version: '1', support: ['1'] });
			client.send({ msg: 'method', id: '1', method: 'echo', params: ['x'] });
			const [connected, updated, result] = await client.take(3);
			expect([connected?.msg, updated?.msg, result?.result]).to.deep.equal(['connected', 'updated', 'x']);
		});

		it('refuses a ping in the version pre1', async () => {
			const client = await open();
			client.send({ msg: 'connect', version: 'pre1', support: ['pre1'] });
			await client.next();
			client.send('{"msg":"ping"}');
			expect(await client.next()).to.include({ msg: 'error', reason: 'Bad request' });
		});
	});

	describe('heartbeat (4)', () => {
		for (const [sent, reply] of [
			['{"msg":"ping"}', '{"msg":"pong"}'],
			['{"msg":"ping","id":"abc"}', '{"msg":"pong","id":"abc"}'],
		] as const) {
			it(`answers ${sent} with ${reply}`, async () => {
				const client = await connect();
				client.send(sent);
				expect(await client.nextText()).to.equal(reply);
			});
		}

		it('answers pings while a method runs, and ignores pongs', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'wait', params: ['ping'] });
			client.send({ msg: 'pong' });
			client.send({ msg: 'ping', id: 'p' });
			expect(await client.next()).to.deep.equal({ msg: 'pong', id: 'p' });
			gates.open('ping');
			expect(await client.take(2)).to.have.length(2);
		});
	});

	describe('the queue (5)', () => {
		it('handles messages of one connection in order', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'wait', params: ['order'] });
			client.send({ msg: 'method', id: '2', method: 'echo', params: [2] });
			client.send({ msg: 'foo' });
			const other = await connect();
			// When this call is answered, both calls above have been read.
			await other.call('open', 'order');
			const seen = await client.take(5);
			expect(seen.map(({ msg, id, methods: ids }) => `${msg} ${id ?? ids ?? ''}`)).to.deep.equal([
				'updated 1',
				'result 1',
				'updated 2',
				'result 2',
				'error ',
			]);
		});

		it('lets the next message start after unblock', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'unblock and wait', params: ['un'] });
			client.send({ msg: 'method', id: '2', method: 'open', params: ['un'] });
			const seen = await client.take(4);
			expect(seen.filter(({ msg }) => msg === 'result').map(({ id }) => id)).to.have.members(['1', '2']);
		});

		it('drops the queued messages when the connection closes', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'wait', params: ['drop'] });
			// If this call ran, it would log an error.
			client.send({ msg: 'method', id: '2', method: 'fail' });
			client.send({ msg: 'ping' });
			await client.next();
			const lines = app.log.lines.length;
			await client.close();
			const other = await connect();
			await other.call('open', 'drop');
			await other.call('echo', 1);
			expect(app.log.lines.slice(lines).filter(({ level }) => level === 'error')).to.deep.equal([]);
		});
	});

	describe('methods (6)', () => {
		for (const message of [
			'{"msg":"method","method":"echo"}',
			'{"msg":"method","id":1,"method":"echo"}',
			'{"msg":"method","id":"1"}',
			'{"msg":"method","id":"1","method":["echo"]}',
			'{"msg":"method","id":"1","method":"echo","params":null}',
			'{"msg":"method","id":"1","method":"echo","params":{"0":1}}',
			'{"msg":"method","id":"1","method":"echo","randomSeed":null}',
			'{"msg":"method","id":"1","method":"echo","randomSeed":5}',
		]) {
			it(`refuses ${message} as malformed`, async () => {
				const client = await connect();
				client.send(message);
				expect(await client.nextText()).to.equal(
					`{"msg":"error","reason":"Malformed method invocation","offendingMessage":${message}}`,
				);
			});
		}

		it('treats absent params as an empty list', async () => {
			const client = await connect();
			client.send('{"msg":"method","id":"","method":"echo"}');
			expect(await client.nextText()).to.equal('{"msg":"updated","methods":[""]}');
			expect(await client.nextText()).to.equal('{"msg":"result","id":""}');
		});

		it('passes the random seed to the method, unless the seed is empty', async () => {
			const client = await connect();
			for (const [randomSeed, seen] of [
				['abc', 'abc'],
				['', null],
			]) {
				client.send({ msg: 'method', id: '1', method: 'seed', randomSeed });
				expect((await client.take(2))[1]).to.include({ result: seen });
			}
		});

		it('answers an unknown method with the result first', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '2', method: 'nope', params: [] });
			expect(await client.nextText()).to.equal(
				'{"msg":"result","id":"2","error":{"isClientSafe":true,"error":404,"reason":"Method \'nope\' not found",' +
					'"message":"Method \'nope\' not found [404]","errorType":"Meteor.Error"}}',
			);
			expect(await client.nextText()).to.equal('{"msg":"updated","methods":["2"]}');
		});

		it('runs a call again if its id is repeated', async () => {
			const client = await connect();
			for (const value of [1, 2]) {
				client.send({ msg: 'method', id: 'same', method: 'echo', params: [value] });
				expect((await client.take(2))[1]).to.include({ result: value });
			}
		});

		for (const [what, value, text] of [
			['null', null, ',"result":null}'],
			['zero', 0, ',"result":0}'],
			['false', false, ',"result":false}'],
			['an empty string', '', ',"result":""}'],
		] as const) {
			it(`answers with ${what}`, async () => {
				const client = await connect();
				client.send({ msg: 'method', id: '1', method: 'echo', params: [value] });
				await client.next();
				expect(await client.nextText()).to.equal(`{"msg":"result","id":"1"${text}`);
			});
		}
	});

	describe('updated (7)', () => {
		it('comes once for each call, also a failed or unknown one', async () => {
			const client = await connect();
			const names = ['echo', 'throw', 'fail', 'two strings', 'nope'];
			for (const name of names) client.send({ msg: 'method', id: name, method: name });
			client.send({ msg: 'method', id: 'end', method: 'echo' });
			const frames = await client.take(2 * names.length + 2);
			const updated = frames.filter(({ msg }) => msg === 'updated').flatMap(({ methods: ids }) => ids);
			expect(updated)
				.to.have.members([...names, 'end'])
				.and.have.length(names.length + 1);
			client.send({ msg: 'ping' });
			expect(await client.next()).to.deep.equal({ msg: 'pong' });
		});

		it('does not come for malformed calls or calls of other connections', async () => {
			const [client, other] = [await connect(), await connect()];
			await client.callWithId('mine', 'echo');
			other.send({ msg: 'method', id: 'malformed', method: 'echo', params: null });
			expect((await other.next()).msg).to.equal('error');
			other.send({ msg: 'ping' });
			expect(await other.next()).to.deep.equal({ msg: 'pong' });
		});

		it('comes before the result if nothing is written, except for unknown methods', async () => {
			const client = await connect();
			for (const [name, ...order] of [
				['echo', 'updated', 'result'],
				['throw', 'updated', 'result'],
				['nope', 'result', 'updated'],
			]) {
				client.send({ msg: 'method', id: '1', method: name });
				expect((await client.take(2)).map(({ msg }) => msg)).to.deep.equal(order);
			}
		});
	});

	describe('errors (8)', () => {
		it('sends an unexpected error as 500, without its text', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'fail' });
			await client.next();
			expect(await client.nextText()).to.equal(
				'{"msg":"result","id":"1","error":{"isClientSafe":true,"error":500,"reason":"Internal server error",' +
					'"message":"Internal server error [500]","errorType":"Meteor.Error"}}',
			);
		});

		it('sends a Match error as 400, without its text', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'two strings', params: ['a', 5] });
			await client.next();
			expect(await client.nextText()).to.equal(
				'{"msg":"result","id":"1","error":{"isClientSafe":true,"error":400,"reason":"Match failed",' +
					'"message":"Match failed [400]","errorType":"Meteor.Error"}}',
			);
		});
	});

	describe('protocol errors (9)', () => {
		/** One level deeper than EJSON allows. */
		const deep = `${'['.repeat(101)}${']'.repeat(101)}`;
		for (const [text, reply] of [
			['{bad', '{"msg":"error","reason":"Bad request"}'],
			['', '{"msg":"error","reason":"Bad request"}'],
			['null', '{"msg":"error","reason":"Bad request"}'],
			['5', '{"msg":"error","reason":"Bad request"}'],
			['"x"', '{"msg":"error","reason":"Bad request"}'],
			['true', '{"msg":"error","reason":"Bad request"}'],
			['\ufeff{"msg":"ping"}', '{"msg":"error","reason":"Bad request"}'],
			['[]', '{"msg":"error","reason":"Bad request","offendingMessage":[]}'],
			['{"a":1}', '{"msg":"error","reason":"Bad request","offendingMessage":{"a":1}}'],
			['{"msg":""}', '{"msg":"error","reason":"Bad request","offendingMessage":{"msg":""}}'],
			['{"msg":"foo","a":1}', '{"msg":"error","reason":"Bad request","offendingMessage":{"msg":"foo","a":1}}'],
			['{"msg":5}', '{"msg":"error","reason":"Bad request","offendingMessage":{"msg":5}}'],
			['{"msg":"result"}', '{"msg":"error","reason":"Bad request","offendingMessage":{"msg":"result"}}'],
			['{"msg":"method","params":[{"$type":"nope","$value":1}]}', '{"msg":"error","reason":"Parse error"}'],
			['{"msg":"method","params":[{"$binary":"=A"}]}', '{"msg":"error","reason":"Parse error"}'],
			['{"msg":"method","params":[{"$regexp":"(","$flags":""}]}', '{"msg":"error","reason":"Parse error"}'],
			['{"msg":"changed","cleared":5}', '{"msg":"error","reason":"Parse error"}'],
			[`{"msg":"method","params":${deep}}`, '{"msg":"error","reason":"Parse error"}'],
		] as const) {
			it(`answers ${text.slice(0, 60) || 'an empty frame'} with an error, and stays open`, async () => {
				const client = await connect();
				client.send(text);
				expect(await client.nextText()).to.equal(reply);
				expect(await client.call('echo', 1)).to.include({ result: 1 });
			});
		}
	});

	describe('sub and unsub without a publication (10)', () => {
		for (const [text, reply] of [
			[
				'{"msg":"sub","id":"s","name":"nope"}',
				'{"msg":"nosub","id":"s","error":{"isClientSafe":true,"error":404,"reason":"Subscription \'nope\' not found",' +
					'"message":"Subscription \'nope\' not found [404]","errorType":"Meteor.Error"}}',
			],
			[
				'{"msg":"sub","id":"","name":"x"}',
				'{"msg":"error","reason":"Malformed subscription","offendingMessage":{"msg":"sub","id":"","name":"x"}}',
			],
			[
				'{"msg":"sub","id":"s"}',
				'{"msg":"error","reason":"Malformed subscription","offendingMessage":{"msg":"sub","id":"s"}}',
			],
			['{"msg":"unsub","id":"s"}', '{"msg":"nosub","id":"s"}'],
		] as const) {
			it(`have the answer ${JSON.parse(reply).msg}: ${text}`, async () => {
				const client = await connect();
				client.send(text);
				expect(await client.nextText()).to.equal(reply);
			});
		}
	});

	describe('the connection object (13)', () => {
		it('gives methods the address and some headers of the client, without cookies', async () => {
			const client = await connect({ Cookie: 'c', Authorization: 'a', 'User-Agent': 'test', 'X-Other': 'x' });
			const { result } = await client.call('connection');
			expect(result).to.have.all.keys('id', 'clientAddress', 'httpHeaders');
			expect(result).to.include({ clientAddress: '127.0.0.1' });
			expect(result).to.have.property('httpHeaders').that.has.all.keys('host', 'user-agent');
		});

		it('closes cleanly on close(), and calls onClose', async () => {
			const client = await connect();
			const closed = gates.wait('closed');
			await client.call('on close', 'closed');
			client.send({ msg: 'method', id: '1', method: 'hang up' });
			expect(await client.closed).to.deep.equal({ code: 1000, reason: 'Normal closure' });
			await closed;
		});
	});

	describe('randomSeed (15)', () => {
		for (const [seed, name, ...values] of seedVectors) {
			it(`makes the values of the client's simulation: ${seed}, ${name}`, async () => {
				const client = await connect();
				client.send({ msg: 'method', id: '1', method: 'draw', params: [name], randomSeed: seed });
				expect((await client.take(2))[1]).to.deep.equal({ msg: 'result', id: '1', result: values });
			});
		}

		it('derives the seed of a nested call', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: '1', method: 'call foo', randomSeed: SEED });
			expect((await client.take(2))[1]).to.include({ result: '616c821ab23918e894c8' });
		});

		it('makes random values without a seed', async () => {
			const client = await connect();
			const drawn = [await client.call('draw', 'default'), await client.call('draw', 'default')];
			expect(drawn[0]?.result).to.not.deep.equal(drawn[1]?.result);
		});
	});
});
