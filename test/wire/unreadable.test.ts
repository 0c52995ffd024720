/** Thrown values and answers that cannot be read or encoded become server errors. */
import { expect } from 'chai';
import { ClientError, createServer, method, publication, type RoomkeyServer } from '../../server/index.js';
import { createLog } from '../../server/ops/createLog.js';
import { RawClient } from '../support/ddp.js';
import { get, post } from '../support/rest.js';

const failing = (): never => {
	throw new Error('a trap has thrown');
};

const UNREADABLE: Readonly<Record<string, () => unknown>> = {
	'an error with a message that throws': () =>
		Object.defineProperty(new Error('x'), 'message', {
			get: failing,
		}),
	'a Proxy whose traps throw': () =>
		new Proxy({}, { get: failing, getPrototypeOf: failing, has: failing, ownKeys: failing }),
	'a revoked Proxy': () => {
		const { proxy, revoke } = Proxy.revocable({}, {});
		revoke();
		return proxy;
	},
};

describe('a server whose definitions throw or return what cannot be read', () => {
	let server: RoomkeyServer;
	let lines: { msg: string; [member: string]: unknown }[];

	const open = async (options: object) => {
		lines = [];
		const log = createLog('debug', 'json', (line) => lines.push(JSON.parse(line)));
		server = await createServer({ port: 0, store: { memory: true }, grace: 100, log, ...options });
		return RawClient.connect(`${server.url.replace('http', 'ws')}/websocket`);
	};
	afterEach(() => server.close());

	const anonymous = { args: {}, summary: 'for a test', anonymous: true } as const;
	const INTERNAL = { error: 500, reason: 'Internal server error' };
	/** The lines of the level `error`, which pino writes as 50. */
	const errors = () => lines.filter(({ level }) => level === 50).map(({ msg }) => msg);

	for (const [what, make] of Object.entries(UNREADABLE)) {
		it(`answers with a server error and logs it: ${what}`, async () => {
			const run = () => {
				throw make();
			};
			const client = await open({
				methods: [method({ ...anonymous, name: 'test.throws', rest: 'GET', run })],
				publications: [publication({ ...anonymous, name: 'throws', run })],
				onConnection: [run],
			});
			const { error } = await client.call('test.throws');
			client.send({ msg: 'sub', id: 's', name: 'throws', params: [] });
			const nosub = await client.next();
			const { status } = await get(`${server.url}/api/v1/test.throws`, null);
			expect(error).to.include(INTERNAL);
			expect(nosub).to.deep.include({ msg: 'nosub', id: 's' });
			expect(nosub.error).to.include(INTERNAL);
			expect(status).to.equal(500);
			expect(errors()).to.include.members([
				"Exception while invoking method 'test.throws'",
				'Exception from sub throws id s',
				'Exception in an onConnection callback',
			]);
		});
	}

	it('answers with a server error if a member of the answer throws', async () => {
		const run = () => ({
			get value() {
				return failing();
			},
		});
		const client = await open({ methods: [method({ ...anonymous, name: 'test.getter', rest: 'GET', run })] });
		const { error } = await client.call('test.getter');
		const { status } = await get(`${server.url}/api/v1/test.getter`, null);
		const { body } = await post(`${server.url}/api/v1/method.callAnon/test.getter`, null, {
			message: '{"method":"test.getter"}',
		});
		expect(error).to.include(INTERNAL);
		expect(status).to.equal(500);
		expect(body.message).to.include('"error":500');
		// One for the call over DDP, one for `method.callAnon`.
		const text = "The result of method 'test.getter' cannot be encoded";
		expect(errors().filter((logged) => logged === text)).to.have.length(2);
	});

	it('logs a client error whose details throw, from a method or publication', async () => {
		const run = () => {
			throw Object.defineProperty({ isClientSafe: true, error: 'odd' }, 'details', { get: failing });
		};
		const client = await open({
			methods: [method({ ...anonymous, name: 'test.details', run })],
			publications: [publication({ ...anonymous, name: null, run })],
		});
		const { error } = await client.call('test.details');
		expect(error).to.include(INTERNAL);
		// One for the call, one for the publication.
		expect(errors().filter((text) => text === 'The details of an error cannot be encoded')).to.have.length(2);
	});

	it('answers with a server error, and logs why, if error details are circular', async () => {
		const circular: Record<string, unknown> = {};
		circular.self = circular;
		const run = () => {
			throw new ClientError('too-odd', 'Too odd', circular as never);
		};
		const client = await open({
			methods: [method({ ...anonymous, name: 'test.circular', run })],
			publications: [publication({ ...anonymous, name: 'circular', run })],
		});
		const { error } = await client.call('test.circular');
		client.send({ msg: 'sub', id: 's', name: 'circular', params: [] });
		const nosub = await client.next();
		expect(error).to.include(INTERNAL);
		expect(nosub.error).to.include(INTERNAL);
		const text = 'The details of an error cannot be encoded';
		expect(lines.filter(({ msg }) => msg === text)).to.have.length(2);
	});

	it('refuses to publish into a collection whose name is no text', async () => {
		const client = await open({
			publications: [
				publication({
					...anonymous,
					name: 'nameless',
					run({ added }: { added(collection: unknown, id: string, fields: object): void }) {
						added(undefined, 'a', {});
					},
				} as never),
			],
		});
		client.send({ msg: 'sub', id: 's', name: 'nameless', params: [] });
		const { msg, error } = await client.next();
		expect({ msg, error }).to.deep.include({ msg: 'nosub' });
		expect(error).to.include(INTERNAL);
	});
});
