/** `roomkey/testing`: failing test programs end, errors have causes, and wrong calls are reported. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { type ApiOf, ClientError, callerOf, createServer, liveQuery, method, publication } from '../../server/index.js';
import { fakeClock, openTestServer, type TestServer } from '../../server/testing/index.js';
import { StoreUnavailableError } from '../../shared/errors.js';
import { rejection } from '../support/rejection.js';
import { get, post } from '../support/rest.js';

const FAULT = 'the fault inside';

function fail(): never {
	throw new RangeError(FAULT);
}

const broken = method({ name: 'broken', summary: 'Fails', args: {}, rest: 'POST', run: fail });
const outer = method({
	name: 'outer',
	summary: 'Calls what fails',
	args: {},
	run: (_args, context) => context.call('broken'),
});
const unavailable = method({
	name: 'unavailable',
	summary: 'Needs a store that is unavailable',
	args: {},
	run() {
		throw new StoreUnavailableError(FAULT);
	},
});
const refused = method({
	name: 'refused',
	summary: 'Refuses',
	args: {},
	run() {
		throw new ClientError('no', 'No');
	},
});
const takes = method({ name: 'takes', summary: 'Takes a text', args: { options: { text: String } }, run: () => 0 });
const wait = method({ name: 'wait', summary: 'Never ends', args: {}, run: () => new Promise(() => {}) });
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;
const UNENCODABLE: readonly unknown[] = [5n, { count: 5n }, cyclic];
const unencodable = method({
	name: 'unencodable',
	summary: 'Answers what cannot be sent',
	args: { index: Number },
	run: ({ index }) => UNENCODABLE[index] as never,
});
const brokenList = publication({ name: 'broken', summary: 'Fails', args: {}, run: fail });
const users = publication({
	name: 'users',
	summary: 'Users',
	args: {},
	run: () => liveQuery('users', { username: undefined } as object, { username: 1 }),
});

const forgotten = publication({
	name: 'forgotten',
	summary: 'Forgets to return its live query',
	args: {},
	run() {
		liveQuery('users', {}, { username: 1 });
	},
});

const endless = publication({
	name: 'endless',
	summary: 'Is never ready',
	args: {},
	run: () => new Promise<void>(() => {}),
});

const parts = {
	methods: [broken, outer, unavailable, refused, takes, wait, unencodable],
	publications: [brokenList, users, forgotten, endless],
};

const causeOf = async (promise: Promise<unknown>) => (await rejection(promise)).cause;

describe('a failing test program', () => {
	const { NODE_TEST_CONTEXT: _, ...env } = process.env;
	it('ends when an awaited method reaches its timeout, which each test reports', async () => {
		const child = promisify(execFile)(process.execPath, ['--test', 'dist/test/unit/failing/waiting.js'], { env });
		const { code, stdout } = (await rejection(child)) as Error & Record<string, unknown>;
		expect(code).to.equal(1);
		expect(String(stdout)).to.include('# fail 2').and.to.include('# cancelled 0');
		expect(String(stdout).match(/error-timeout/g), String(stdout)).to.have.length.greaterThan(1);
	});
	for (const [name, args] of [
		['node:test', ['--test', 'dist/test/unit/failing/nodeTest.js']],
		['mocha', ['node_modules/mocha/bin/mocha.js', '--no-config', 'dist/test/unit/failing/mochaTest.js']],
	] as const) {
		it(`ends under ${name} with an open server, open sockets and a stopped clock`, async () => {
			const child = promisify(execFile)(process.execPath, [...args], { env, timeout: 100_000 });
			const { code, signal, stdout, stderr } = (await rejection(child)) as Error & Record<string, unknown>;
			expect({ code, signal }, String(stdout)).to.deep.equal({ code: 1, signal: null });
			expect(`${stdout}${stderr}`, 'each call was answered').not.to.include('has not been answered');
			// The program of mocha has one test, that of `node:test` three.
			expect(String(stdout).match(/1 !== 2/g), String(stdout)).to.have.length(name === 'mocha' ? 1 : 3);
		});
	}
});

describe('the cause of an error in a test', () => {
	let server: TestServer;
	let alice: Awaited<ReturnType<TestServer['addUser']>>;
	before(async () => {
		server = await openTestServer(parts);
		alice = await server.addUser();
	});
	after(() => server.close());

	it('is the error that the method or a nested method has thrown', async () => {
		for (const name of ['broken', 'outer']) {
			const error = await rejection(server.call(alice, name));
			expect(error).to.include({ error: 500 });
			expect(error.cause).to.be.instanceOf(RangeError).with.property('message', FAULT);
		}
		expect(await causeOf(server.call(alice, 'unavailable'))).to.be.instanceOf(StoreUnavailableError);
	});

	it('is available to a client of the test, for calls and subscriptions', async () => {
		const client = await server.connect(alice);
		const other = await server.connect(alice);
		for (const name of ['broken', 'outer']) {
			expect(await causeOf(client.call(name))).to.be.instanceOf(RangeError);
		}
		expect(await causeOf(client.call('unavailable'))).to.be.instanceOf(StoreUnavailableError);
		expect(await causeOf(other.subscribe('broken'))).to.be.instanceOf(RangeError);
		const invalidFilter = (await causeOf(other.subscribe('users'))) as Error;
		expect(invalidFilter.message).to.equal(
			'username: cannot be compared with undefined; a filter leaves the field out, or has { $exists: false }',
		);
	});

	it('names a live query that a publication has not returned', async () => {
		const client = await server.connect(alice);
		const cause = (await causeOf(client.subscribe('forgotten'))) as Error;
		expect(cause.message).to.equal('Publish function made a live query but did not return it');
	});

	it('is absent from an error that is meant for the caller', async () => {
		const client = await server.connect(alice);
		for (const call of [
			() => server.call(alice, 'refused'),
			() => client.call('refused'),
			() => server.call(alice, 'unknown'),
		]) {
			const error = await rejection(call());
			expect(error).to.be.instanceOf(ClientError);
			expect('cause' in error).to.equal(false);
		}
	});

	it('names the line of the call, and an argument that does not match', async () => {
		const client = await server.connect(alice);
		const thisFile = /testing\.test\.[jt]s/;
		for (const call of [
			() => server.call(alice, 'refused'),
			() => client.call('refused'),
			() => client.subscribe('unknown'),
		]) {
			expect((await rejection(call())).stack).to.match(thisFile);
		}
		const mismatch = await rejection(server.call(alice, 'login', 'a text'));
		expect(mismatch.stack)
			.to.match(thisFile)
			.and.to.match(/^Error: Match error: .* \(argument 'options'\)/);
		const stackLines = mismatch.stack?.split('\n').slice(1);
		expect(stackLines, 'each line once').to.deep.equal([...new Set(stackLines)]);
		const wrongArgument = await rejection(client.call('takes', { text: 5 }));
		expect(wrongArgument).to.include({ error: 400, reason: 'Match failed' });
		expect(wrongArgument.cause)
			.to.be.instanceOf(Error)
			.with.property('message', "Argument 'options' does not match its pattern at 'text'");
		expect((await rejection(server.call(alice, 'broken'))).cause)
			.to.have.property('stack')
			.that.matches(thisFile);
	});

	it('is the error that a method has thrown, also for `call` of createServer', async () => {
		const real = await createServer({ ...parts, store: { memory: true }, listen: false, logLevel: 'silent' });
		const error = await rejection(real.call('broken', [], { userId: alice.id }));
		expect(error.cause).to.be.instanceOf(RangeError).with.property('message', FAULT);
		expect(Object.keys(error)).not.to.include('cause');
		await real.close();
	});

	it('is never sent, over DDP or REST', async () => {
		const real = await openTestServer({ ...parts, listen: true, port: 0 });
		const bob = await real.addUser();
		const client = await real.connect(bob);
		await rejection(client.call('broken'));
		await rejection(client.call('unavailable'));
		await rejection(client.subscribe('broken'));
		const frames = JSON.stringify(client.frames);
		expect(frames).to.include('Internal server error');
		expect(frames).not.to.include(FAULT);
		const direct = await post(`${real.url}/api/v1/broken`, bob, {});
		expect(direct.status).to.equal(500);
		const message = JSON.stringify({ msg: 'method', id: '1', method: 'broken', params: [] });
		const relayed = await post(`${real.url}/api/v1/method.call/broken`, bob, { message });
		const unknown = await get(`${real.url}/api/v1/none`, bob);
		for (const { text } of [direct, relayed, unknown]) {
			expect(text).not.to.include(FAULT);
			expect(text).not.to.include('cause');
		}
		expect(real.logs.filter(({ facts }) => 'err' in facts)).not.to.deep.equal([]);
		await real.close();
	});
});

describe('a test server', () => {
	it('reports a call without a caller', async () => {
		const server = await openTestServer(parts);
		const calls = [undefined, {}, 5].map((as) => [as, 'refused']);
		for (const args of [...calls, ['refused'], ['refused', 'an argument'], ['refused', ['an argument']]]) {
			const error = await rejection(server.call(...(args as [never, never])));
			expect(error).to.be.instanceOf(TypeError);
			expect(error.message).to.equal(
				'The first argument of call is the user who calls: what addUser returns, an id, or null',
			);
		}
		await server.close();
	});

	it('reports requests without a name, and messages that cannot be sent or read', async () => {
		const server = await openTestServer(parts);
		const alice = await server.addUser();
		const client = await server.connect(alice);
		const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`);
		for (const [request, message] of [
			[(name: never) => server.call(alice, name), 'The second argument of call is the name of a method'],
			[(name: never) => client.call(name), 'The first argument of call is the name of a method'],
			[(name: never) => client.subscribe(name), 'The first argument of subscribe is the name of a publication'],
			[
				(id: never) => client.unsubscribe(id),
				'The argument of unsubscribe is the id of a subscription: what subscribe returns',
			],
		] as const) {
			for (const name of [undefined, null, 5, {}]) {
				const error = await rejection(request(name as never));
				expect(error).to.be.instanceOf(TypeError).with.property('message', message);
			}
		}
		for (const request of [() => client.call('takes', deep), () => client.subscribe('users', deep)]) {
			expect((await rejection(request())).message).to.equal('The server has refused the message: Parse error');
		}
		expect((await rejection(client.call('takes', 5n))).message).to.include('BigInt');
		expect(client.isWaiting).to.equal(false);
		expect(await rejection(client.call('refused'))).to.include({ error: 'no' });
		await server.close();
	});

	it('fails a call whose answer cannot be sent, as over the network', async () => {
		const server = await openTestServer(parts);
		const alice = await server.addUser();
		const client = await server.connect(alice);
		for (const index of UNENCODABLE.keys()) {
			const direct = await rejection(server.call(alice, 'unencodable', index));
			const sent = await rejection(client.call('unencodable', index));
			for (const error of [direct, sent]) {
				expect(error).to.be.instanceOf(ClientError).and.include({ error: 500, reason: 'Internal server error' });
			}
			expect(direct.cause).to.be.instanceOf(Error);
		}
		const text = "The result of method 'unencodable' cannot be encoded";
		expect(server.logs.filter((line) => line.text === text)).to.have.length(2 * UNENCODABLE.length);
		await server.close();
	});

	it('refuses calls and clients after it is closed', async () => {
		const server = await openTestServer(parts);
		const alice = await server.addUser();
		await server.close();
		for (const request of [
			() => server.call(null, 'login', {}),
			() => server.call(alice, 'refused'),
			() => server.connect(),
			() => server.connect(alice),
		]) {
			expect((await rejection(request())).message).to.equal('The server is closed');
		}
	});

	it('reports a text as the argument of connect or addUser, which take objects', async () => {
		const server = await openTestServer(parts);
		const { id } = await server.addUser();
		expect((await rejection(server.connect(id as never))).message).to.equal(
			'The argument of connect is the user who logs in: what addUser returns',
		);
		expect((await rejection(server.addUser('alice' as never))).message).to.equal(
			"addUser takes an object of fields, such as { username: 'alice' }",
		);
		await server.close();
	});

	it('connects clients that are typed by callerOf with the methods', async () => {
		const length = method({
			name: 'length',
			summary: 'Counts',
			args: { text: String },
			run: ({ text }) => text.length,
		});
		const typed = await openTestServer({ methods: [length] });
		const caller = callerOf<ApiOf<[typeof length]>>(await typed.connect(await typed.addUser()));
		const count: number = await caller.call('length', 'four');
		expect(count).to.equal(4);
		await typed.close();
	});

	it('closes during calls and while the clock is stopped, and may be closed twice', async () => {
		const clock = fakeClock();
		const server = await openTestServer(parts);
		const alice = await server.addUser();
		const client = await server.connect(alice);
		const call = rejection(client.call('wait'));
		void client.call('wait');
		await server.close();
		await server.close();
		expect((await call).message).to.equal('The connection is closed');
		expect((await rejection(client.call('refused'))).message).to.equal('The connection is closed');
		clock.restore();
	});

	it('leaves no unhandled rejection when a client closes before its requests are answered', async () => {
		const unhandled: unknown[] = [];
		const note = (reason: unknown) => void unhandled.push(reason);
		process.on('unhandledRejection', note);
		const server = await openTestServer(parts);
		const client = await server.connect(await server.addUser());
		void client.subscribe('endless');
		void client.call('wait');
		client.close();
		await server.close();
		// Node reports unhandled rejections before the next turn of the event loop.
		await new Promise(setImmediate);
		process.off('unhandledRejection', note);
		expect(unhandled).to.deep.equal([]);
	});

	it('records its log, and passes it on to a log of the test', async () => {
		const texts: string[] = [];
		const note = (_facts: object, text: string) => void texts.push(text);
		const log = { debug: note, info: note, warn: note, error: note };
		const server = await openTestServer({ ...parts, log });
		await rejection(server.call(await server.addUser(), 'broken'));
		await server.close();
		expect(texts).to.include("Exception while invoking method 'broken'");
		expect(server.logs.map(({ text }) => text)).to.deep.equal(texts);
	});
});
