/**
 * Faults of Meteor that Roomkey does not have. A title names the fault of the table in test/contract/ddp.md section 19, then
 * what Roomkey does.
 */
import { expect } from 'chai';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { Gates } from '../support/gates.js';

const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;

const gates = new Gates();
const FALSY = [undefined, null, false, 0, ''];

let countingRuns = 0;

const methods = [
	method({ ...anyone, name: 'echo', args: { value: Match.Any }, run: ({ value }) => value }),
	method({ ...anyone, name: 'length', args: { value: String }, run: ({ value }) => value.length }),
	method({
		...anyone,
		name: 'throw falsy',
		args: { which: Number, late: Boolean },
		run({ which, late }) {
			if (late) return Promise.reject(FALSY[which]);
			throw FALSY[which];
		},
	}),
	method({ ...anyone, name: 'bigint', run: () => 10n }),
	method({
		...anyone,
		name: 'cycle',
		run() {
			const list: unknown[] = [];
			list.push(list);
			return list;
		},
	}),
	method({
		...anyone,
		name: 'counting',
		args: { value: String },
		async run() {
			countingRuns++;
		},
	}),
	method({
		...anyone,
		name: 'wait',
		run: () => gates.wait('flood'),
	}),
	method({ ...anyone, name: 'open', run: () => gates.open('flood') }),
];
const publications = [
	publication({ ...anyone, name: 'odd', args: { value: Match.Any }, run: (_args, context) => context.ready() }),
];

describe('faults of Meteor that are not copied (19)', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({ methods, publications });
	});
	after(() => app.close());

	const connect = () => clients.connect(app.webSocketUrl);

	/** Sends a message. Expects these frames, and that the connection stays open. */
	async function answers(sent: string, ...frames: string[]): Promise<void> {
		const client = await connect();
		client.send(sent);
		for (const frame of frames) expect(await client.nextText()).to.equal(frame);
		expect(await client.call('echo', 1)).to.include({ result: 1 });
	}

	const errorOf = (code: number, reason: string) =>
		`{"isClientSafe":true,"error":${code},"reason":"${reason}","message":"${reason} [${code}]","errorType":"Meteor.Error"}`;

	describe('handlers are looked up in a plain object', () => {
		for (const name of ['toString', '__proto__', 'hasOwnProperty']) {
			it(`the method ${name} is not found`, () =>
				answers(
					`{"msg":"method","id":"2","method":"${name}","params":[]}`,
					`{"msg":"result","id":"2","error":${errorOf(404, `Method '${name}' not found`)}}`,
					'{"msg":"updated","methods":["2"]}',
				));

			it(`the publication ${name} is not found`, () =>
				answers(
					`{"msg":"sub","id":"s","name":"${name}"}`,
					`{"msg":"nosub","id":"s","error":${errorOf(404, `Subscription '${name}' not found`)}}`,
				));
		}

		it('the message type toString is a bad request', () =>
			answers('{"msg":"toString"}', '{"msg":"error","reason":"Bad request","offendingMessage":{"msg":"toString"}}'));
	});

	it('message type `__proto__`: a bad request', () =>
		answers('{"msg":"__proto__"}', '{"msg":"error","reason":"Bad request","offendingMessage":{"msg":"__proto__"}}'));

	for (const unsub of ['{"msg":"unsub","id":5}', '{"msg":"unsub","id":{}}', '{"msg":"unsub"}']) {
		it(`\`unsub\` without an id that is a string: malformed, for ${unsub}`, () =>
			answers(unsub, `{"msg":"error","reason":"Malformed unsubscription","offendingMessage":${unsub}}`));
	}

	for (const id of ['5', '{"a":1}', 'null', '0']) {
		it(`\`ping\` with an id that is no string: echoed as it is, for ${id}`, () =>
			answers(`{"msg":"ping","id":${id}}`, `{"msg":"pong","id":${id}}`));
	}

	for (const name of ['bigint', 'cycle']) {
		it(`a result that cannot be encoded: 500 and \`updated\`, for ${name}`, async () => {
			const client = await connect();
			expect((await client.call(name)).error).to.include({ error: 500, reason: 'Internal server error' });
		});
	}

	for (const [which, value] of FALSY.entries()) {
		it(`a falsy value is thrown: 500, for ${value === '' ? 'an empty string' : value}`, async () => {
			const client = await connect();
			for (const late of [false, true]) {
				const { error } = await client.call('throw falsy', which, late);
				expect(error).to.include({ error: 500, reason: 'Internal server error' });
			}
		});
	}

	describe('an own key `__proto__` survives decoding', () => {
		for (const params of ['[{"__proto__":1}]', '[{"__\\u0070roto__":1}]', '[[{"a":{"__proto__":{"b":1}}}]]']) {
			it(`a call with ${params} is refused`, () =>
				answers(
					`{"msg":"method","id":"1","method":"echo","params":${params}}`,
					'{"msg":"error","reason":"Parse error"}',
				));
		}

		it('a subscription with such a key is refused', () =>
			answers(
				'{"msg":"sub","id":"s","name":"odd","params":[{"__proto__":1}]}',
				'{"msg":"error","reason":"Parse error"}',
			));
	});

	it('audit of arguments with async methods: the arguments are checked before the method runs', async () => {
		const client = await connect();
		countingRuns = 0;
		expect((await client.call('counting', 5)).error).to.include({ error: 400, reason: 'Match failed' });
		expect(countingRuns).to.equal(0);
	});

	describe('message size and queue length are not limited', () => {
		it('only the socket that sends too large a frame is closed, with 1009', async () => {
			const [client, other] = [await connect(), await connect()];
			client.send('x'.repeat(64 * 1024 + 1));
			expect((await client.closed).code).to.equal(1009);
			expect(await other.call('echo', 1)).to.include({ result: 1 });
		});

		it('a client that sends too fast is slowed down by TCP, without losses', async () => {
			const client = await connect();
			client.send({ msg: 'method', id: 'first', method: 'wait' });
			const [count, value] = [1000, 'x'.repeat(30_000)];
			for (let i = 0; i < count; i++) client.send({ msg: 'method', id: `${i}`, method: 'length', params: [value] });
			const other = await connect();
			await other.call('echo', 1);
			// 30 MB are more than the socket buffers on both sides hold.
			expect(client.socket.bufferedAmount).to.be.greaterThan(0);
			await other.call('open');
			const frames = await client.take(2 * (count + 1));
			const results = frames.filter(({ msg }) => msg === 'result');
			expect(results.map(({ id }) => id)).to.deep.equal(['first', ...Array.from({ length: count }, (_, i) => `${i}`)]);
			expect(results.at(-1)).to.include({ result: value.length });
		});
	});
});
