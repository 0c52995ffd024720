/** A server in a program: `createServer`, with collections, methods and publications of an application. */
import { expect } from 'chai';
import {
	ClientError,
	type Collection,
	collection,
	createServer,
	EJSON,
	hasPermission,
	liveQuery,
	loginHandler,
	Match,
	method,
	OptionError,
	publication,
	requirePermission,
	type ServerOptions,
	stream,
} from '../../server/index.js';
import { openTestServer, type TestServer } from '../../server/testing/index.js';
import { rejection } from '../support/rejection.js';

interface Task {
	_id: string;
	text: string;
	owner: string;
	done?: boolean;
	number?: number;
}

const tasks = collection<Task>('tasks', {
	indexes: [{ fields: ['owner'] }, { fields: ['number'], unique: true, sparse: true }],
});

const tasksOf = ({ collections }: { collections: object }) =>
	(collections as { readonly tasks: Collection<Task> }).tasks;

const addTask = method({
	name: 'tasks.add',
	summary: 'Adds a task',
	args: { text: String, number: Match.Optional(Number) },
	errors: ['tasks-full'],
	async run({ text, number }, context) {
		const { userId, random } = context;
		if ((await tasksOf(context).countDocuments({ owner: userId })) >= 3) {
			throw new ClientError('tasks-full', 'You have three tasks already', { most: 3 });
		}
		const _id = random.stream('/collection/tasks').id();
		await tasksOf(context).insertOne({ _id, text, owner: userId, ...(number !== undefined && { number }) });
		context.events.emit('notify', { stream: 'news', eventName: 'all', args: [text] });
		return _id;
	},
});

const finishTask = method({
	name: 'tasks.finish',
	summary: 'Marks a task as done',
	args: { id: String },
	async run({ id }, context) {
		await tasksOf(context).updateOne({ _id: id, owner: context.userId }, { $set: { done: true } });
	},
});

const removeAnyTask = method({
	name: 'tasks.removeAny',
	summary: 'Removes a task of anybody',
	args: { id: String },
	async run({ id }, context) {
		await requirePermission(context, 'tasks.removeAny');
		await tasksOf(context).deleteOne({ _id: id });
		return hasPermission(context, 'another');
	},
});

const myTasks = publication({
	name: 'tasks.mine',
	summary: "The caller's tasks",
	args: {},
	run: (_args, { userId }) => liveQuery(tasks, { owner: userId }, { text: 1, done: 1 }),
});

const news = stream({ name: 'news', summary: 'News', mayRead: () => true });

const parts = {
	collections: [tasks],
	methods: [addTask, finishTask, removeAnyTask],
	publications: [myTasks],
	streams: [news],
} satisfies ServerOptions;

describe('createServer', () => {
	let server: TestServer;
	const open = async (options: ServerOptions = {}) => {
		server = await openTestServer({ ...parts, ...options });
		return server;
	};
	afterEach(() => server?.close());

	it('stores what methods write to a declared collection', async () => {
		const alice = await (await open()).addUser();
		const id = await server.call(alice, 'tasks.add', 'write');
		expect(await tasksOf(server).find({}).toArray()).to.have.length(1);
		expect(await tasksOf(server).findOne({ owner: alice.id })).to.include({ _id: id, text: 'write' });
	});

	it('enforces a unique index of a declared collection', async () => {
		const alice = await (await open()).addUser();
		await server.call(alice, 'tasks.add', 'one', 1);
		expect(await rejection(server.call(alice, 'tasks.add', 'another one', 1))).to.include({ error: 500 });
		await server.call(alice, 'tasks.add', 'no number');
		await server.call(alice, 'tasks.add', 'no number either');
	});

	it('publishes writes to a declared collection without further code, before `updated`', async () => {
		const alice = await (await open()).addUser();
		const bob = await server.addUser();
		const [client, other] = [await server.connect(alice), await server.connect(bob)];
		await client.subscribe('tasks.mine');
		await other.subscribe('tasks.mine');

		const id = (await client.call('tasks.add', 'write')) as string;
		expect(client.documents('tasks')).to.deep.equal([{ _id: id, text: 'write' }]);
		expect(other.documents('tasks')).to.deep.equal([]);

		await client.call('tasks.finish', id);
		expect(client.documents('tasks')).to.deep.equal([{ _id: id, text: 'write', done: true }]);
		expect(server.events.of('tasks')).to.deep.equal([`inserted ${id}`, `updated ${id}`]);
		expect(server.events.named('news all')).to.deep.equal([['write']]);
	});

	it("lets an application have a collection named `rooms`: the name of Roomkey's own rooms in the database is another one", async () => {
		const rooms = collection<Task>('rooms');
		await open({ collections: [rooms] });
		const own = (server.collections as unknown as { rooms: Collection<Task> }).rooms;
		await own.insertOne({ _id: '1', text: 'mine', owner: 'me' });
		expect(await server.store.rooms.countDocuments({})).to.equal(0);
		expect(await own.countDocuments({})).to.equal(1);
	});

	it("passes the application's own error codes to callers", async () => {
		const alice = await (await open()).addUser();
		for (const text of ['1', '2', '3']) await server.call(alice, 'tasks.add', text);
		const error = await rejection(server.call(alice, 'tasks.add', '4'));
		expect(error).to.deep.include({
			error: 'tasks-full',
			reason: 'You have three tasks already',
			details: { most: 3 },
		});
	});

	it('gives the permissions of the application to the roles that the option names', async () => {
		await open({ permissions: { 'tasks.removeAny': ['editor'] } });
		const [editor, user] = [await server.addUser({ roles: ['editor'] }), await server.addUser()];
		expect(await rejection(server.call(user, 'tasks.removeAny', 'x'))).to.include({ error: 'error-unauthorized' });
		expect(await server.call(editor, 'tasks.removeAny', 'x')).to.equal(false);
	});

	it('logs in by a login handler; the next handler is asked if the first returns nothing', async () => {
		const bySecret = loginHandler('secret', async (options, { store }) => {
			if (options.secret === undefined) return undefined;
			if (options.secret !== 'open') throw new ClientError(403, 'Wrong secret');
			const user = await store.users.findOne({ username: 'alice' });
			return user ? { userId: user._id } : undefined;
		});
		const ghost = loginHandler('ghost', ({ ghost }) => (ghost ? { userId: 'nobody' } : undefined));
		await open({ loginHandlers: [bySecret, ghost] });
		const alice = await server.addUser({ username: 'alice' });
		const client = await server.connect();

		expect(await rejection(client.call('login', { secret: 'shut' }))).to.include({
			error: 403,
			reason: 'Wrong secret',
		});
		expect(await rejection(client.call('login', { ghost: true }))).to.include({ error: 403 });
		expect(await rejection(client.call('login', { unknown: true }))).to.include({ error: 400 });
		const login = (await client.call('login', { secret: 'open' })) as { id: string; type: string; token: string };
		expect(login).to.include({ id: alice.id, type: 'secret' });
		await client.call('tasks.add', 'write');
		const again = await server.connect();
		expect(await again.call('login', { resume: login.token })).to.include({ type: 'resume' });
	});

	it('refuses a login as a deactivated user by a login handler', async () => {
		const handler = loginHandler('id', ({ id }) => (typeof id === 'string' ? { userId: id } : undefined));
		await open({ loginHandlers: [handler] });
		const gone = await server.addUser({ active: false });
		expect(await rejection((await server.connect()).call('login', { id: gone.id }))).to.include({ error: 403 });
	});

	it('has accounts and no key service by default; `accounts: false` and `keys: true` reverse this', async () => {
		await open();
		const messageOf = async (name: string) => (await rejection(server.call(null, name))).message;
		expect(await messageOf('login')).to.include('Match');
		expect(await messageOf('e2e.fetchMyKeys')).to.include('not found');
		await server.close();
		await open({ accounts: false, keys: true });
		expect(await messageOf('login')).to.include('not found');
		expect(await messageOf('e2e.fetchMyKeys')).not.to.include('not found');
	});

	it('calls methods as a user or without a user, and without rate limits', async () => {
		const limited = method({
			name: 'limited',
			summary: 'Says who calls',
			args: {},
			anonymous: true,
			limit: { calls: 1, per: 60_000 },
			run: (_args, { userId, connection }) => ({ userId, connection }),
		});
		const real = await createServer({ methods: [limited], store: { memory: true }, listen: false, logLevel: 'silent' });
		// The limit of one call counts the calls of each user separately.
		for (let i = 0; i < 2; i++) {
			expect(await real.call('limited', [], { userId: 'x' })).to.deep.equal({ userId: 'x', connection: null });
			expect(await real.call('limited')).to.deep.equal({ userId: null, connection: null });
		}
		expect(real.url).to.equal('');
		await real.close();
	});

	it('calls onConnection for clients that connect', async () => {
		const addresses: (string | null)[] = [];
		await open({ onConnection: [({ clientAddress }) => void addresses.push(clientAddress)] });
		await server.connect();
		expect(addresses).to.deep.equal([null]);
	});

	it('ignores what listeners of connections return', async () => {
		const returned = true as unknown as undefined;
		await new Promise<void>((closed) => {
			open({
				onConnection: [
					(connection) => {
						connection.onClose(() => returned);
						connection.onClose(closed);
						return returned;
					},
				],
			}).then(async () => (await server.connect()).close());
		});
		expect(server.logs.filter(({ level }) => level === 'error')).to.deep.equal([]);
	});

	it('gives each call of a method its own random ids', async () => {
		await open();
		const alice = await server.addUser();
		const [a, b] = [await server.call(alice, 'tasks.add', '1'), await server.call(alice, 'tasks.add', '2')];
		expect(a)
			.to.match(/^[A-Za-z0-9]{17}$/)
			.and.not.equal(b);
	});

	for (const [options, message] of [
		[{ prot: 1 }, 'Unknown option prot'],
		[{ 'max-body': 2048 }, 'Unknown option max-body; did you mean maxBody?'],
		[{ memory: true }, 'Unknown option memory; did you mean store: { memory: … }?'],
		[{ port: '80' }, 'port must be a whole number from 0 to 65535, not the text "80": leave out the quotes'],
		[{ port: 65_536 }, 'port must be a whole number from 0 to 65535, not 65536'],
		[{ host: '' }, 'host must not be empty'],
		[{ rateLimit: true }, 'rateLimit must be one of on, off, dry-run, not true'],
		[{ signUps: 'yes' }, "signUps must be true or false, not 'yes'"],
		[{ adminPass: ' ' }, 'adminPass must be a password'],
		[{ methods: addTask }, 'methods must be a list of what method() returns'],
		[{ methods: [{ name: 'x' }] }, 'methods must be a list of what method() returns'],
		[{ publications: [addTask] }, 'publications must be a list of what publication() returns'],
		[{ collections: ['tasks'] }, 'collections must be a list of what collection() returns'],
		[{ collections: [tasks, tasks] }, "collections has 'tasks' twice"],
		[{ collections: [collection('users')] }, "collections must not have 'users', which is Roomkey's own"],
		[{ store: {} }, 'store must be { memory: true }, { data: folder } or { mongoUrl: address }'],
		[{ store: { memory: true, data: 'x' } }, 'store must be'],
		[{ store: { memory: true }, demo: true }, 'demo keeps its data in memory: leave out store'],
		[{ strategies: { tasks: 'ALL' } }, 'strategies must be an object of strategies by collection'],
		[{ log: console.log }, 'log must be an object with debug, info, warn and error'],
		[{ onConnection: {} }, 'onConnection must be a list of functions'],
		[{ listen: 'no' }, 'listen must be true or false'],
		[{ accounts: 1 }, 'accounts must be true or false'],
	] as const) {
		it(`refuses ${JSON.stringify(Object.keys(options))} with '${message}'`, async () => {
			const error = await rejection(createServer(options as never));
			expect(error).to.be.instanceOf(OptionError);
			expect(error.message).to.include(message);
		});
	}

	it('refuses two methods with one name', async () => {
		expect((await rejection(open({ methods: [addTask, addTask] }))).message).to.include('already defined');
	});

	it('refuses a REST path that another method or Roomkey has already, and names the method or Roomkey', async () => {
		const at = (name: string, path: string, verb: 'GET' | 'POST' = 'GET') =>
			method({
				name,
				summary: 'Does nothing',
				args: { id: 'any' },
				rest: { verb, path },
				anonymous: true,
				run: () => {},
			});
		const message = async (...methods: ReturnType<typeof at>[]) => (await rejection(open({ methods }))).message;
		for (const [first, second, path] of [
			['same', 'same', '/api/v1/same'],
			['two/parts', '/api/v1/two/parts/', '/api/v1/two/parts/'],
			['item/:id', 'item/:id', '/api/v1/item/:id'],
		] as const) {
			const expected = `the REST route of method 'b': the path GET ${path} is already that of method 'a'`;
			expect(await message(at('a', first), at('b', second))).to.equal(expected);
		}
		for (const [verb, path] of [
			['POST', '/api/v1/login'],
			['GET', '/api/info'],
			['GET', '/livez'],
			['GET', '/metrics'],
			['GET', '/api-docs'],
			['GET', '/asyncapi.json'],
		] as const) {
			const expected = `the REST route of method 'a': the path ${verb} ${path} is Roomkey's own`;
			expect(await message(at('a', path, verb))).to.equal(expected);
		}
		expect(await message(at('a', 'login', 'POST'))).to.include("POST /api/v1/login is Roomkey's own");
	});

	it('lets a method have a REST path of one parameter, beside the fixed paths', async () => {
		const item = method({
			name: 'item',
			summary: 'Returns its id',
			args: { id: String },
			rest: { verb: 'GET', path: ':id' },
			anonymous: true,
			run: ({ id }) => id,
		});
		const server = await openTestServer({ methods: [item], listen: true, port: 0 });
		try {
			const answer = async (path: string, verb = 'GET') => {
				const { status, headers } = await fetch(`${server.url}/api/v1/${path}`, { method: verb });
				return [status, headers.get('allow')];
			};
			expect(await (await fetch(`${server.url}/api/v1/one`)).json()).to.include({ result: 'one' });
			expect(await (await fetch(`${server.url}/api/v1/info`)).json()).to.have.property('version');
			expect(await answer('info', 'PUT')).to.deep.equal([405, 'GET, HEAD']);
			expect(await answer('one', 'PUT')).to.deep.equal([405, 'GET, HEAD']);
			expect(await answer('one/two')).to.deep.equal([404, null]);
		} finally {
			await server.close();
		}
	});

	it('names the verbs of all REST paths that a URL matches when it refuses another verb', async () => {
		const at = (name: string, verb: 'GET' | 'PUT', path: string) =>
			method({
				name,
				summary: 'Returns its name',
				args: { id: Match.Optional(String) },
				rest: { verb, path },
				anonymous: true,
				run: () => name,
			});
		const methods = [at('read', 'GET', 'items/first'), at('write', 'PUT', 'items/:id')];
		const server = await openTestServer({ methods, listen: true, port: 0 });
		try {
			const call = (verb: string) => fetch(`${server.url}/api/v1/items/first`, { method: verb });
			expect(await (await call('GET')).json()).to.include({ result: 'read' });
			expect(await (await call('PUT')).json()).to.include({ result: 'write' });
			const refused = await call('DELETE');
			expect([refused.status, refused.headers.get('allow')]).to.deep.equal([405, 'GET, PUT, HEAD']);
		} finally {
			await server.close();
		}
	});

	it('lets functions be destructured from the context of a method and of a publication', async () => {
		const inner = method({ name: 'inner', summary: 'Returns 1', args: {}, run: () => 1 });
		const outer = method({
			name: 'outer',
			summary: 'Calls inner',
			args: {},
			async run(_args, { call, unblock, log }) {
				log.debug({}, 'taken out');
				unblock();
				return call('inner');
			},
		});
		const list = publication({
			name: 'list',
			summary: 'Publishes one document',
			args: {},
			run(_args, { added, changed, removed, ready, onStop, call }) {
				onStop(() => {});
				added('things', 'a', { count: 0 });
				changed('things', 'a', { count: 1 });
				added('things', 'b', {});
				removed('things', 'b');
				void call('inner').then(ready);
			},
		});
		const server = await openTestServer({ methods: [inner, outer], publications: [list] });
		const alice = await server.addUser();
		expect(await server.call(alice, 'outer')).to.equal(1);
		const client = await server.connect(alice);
		await client.subscribe('list');
		expect(client.documents('things')).to.deep.equal([{ _id: 'a', count: 1 }]);
		await server.close();
	});

	it('accepts no name of a collection that is an empty text, too long, or of a wrong form', () => {
		for (const name of ['', 'a$', 'system.x', '1a', 'a'.repeat(121)])
			expect(() => collection(name)).to.throw('cannot be the name of a collection');
	});
});

describe('EJSON', () => {
	it('has the functions of Meteor’s package', () => {
		const value = { when: new Date(5), list: [Number.NaN, new Uint8Array([1])] };
		expect(EJSON.parse(EJSON.stringify(value))).to.deep.equal(value);
		expect(EJSON.fromJSONValue(EJSON.toJSONValue(value))).to.deep.equal(value);
		expect(EJSON.equals({ a: 1, b: 2 }, { b: 2, a: 1 })).to.equal(true);
		expect(EJSON.clone(value)).to.deep.equal(value);
		expect(EJSON.clone(value)).not.to.equal(value);
	});

	it('encodes and decodes a type of the application', async () => {
		class Money {
			constructor(readonly cents: number) {}
			typeName = () => 'money-of-a-test';
			toJSONValue = () => this.cents;
			clone = () => new Money(this.cents);
			equals = (other: unknown) => other instanceof Money && other.cents === this.cents;
		}
		EJSON.addType('money-of-a-test', (cents) => new Money(cents as number));
		const read = EJSON.parse(EJSON.stringify({ price: new Money(5) })) as { price: Money };
		expect(read.price).to.be.instanceOf(Money).and.include({ cents: 5 });
	});
});
