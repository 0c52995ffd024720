/** Errors for wrong definitions name the definition and the member. */
import { expect } from 'chai';
import {
	type Collection,
	collection,
	createServer,
	DefinitionError,
	liveQuery,
	loginHandler,
	Match,
	method,
	OptionError,
	publication,
	stream,
} from '../../server/index.js';
import { openTestServer } from '../../server/testing/index.js';
import { rejection } from '../support/rejection.js';

const run = () => 1;
const METHOD = { name: 'a.b', summary: 'Does it', args: { id: String }, run };
const PUBLICATION = { name: 'a.list', summary: 'Lists it', args: {}, run };
const STREAM = { name: 'news', summary: 'What is new', mayRead: () => true };

/** The functions without their types, as plain JavaScript calls them. */
const js = { method, publication, stream, collection, liveQuery, loginHandler } as unknown as Record<
	'method' | 'publication' | 'stream' | 'collection' | 'liveQuery' | 'loginHandler',
	(...args: unknown[]) => unknown
>;

describe('a wrong definition', () => {
	const cases: readonly [make: () => unknown, message: string][] = [
		[() => js.method(), 'A method must be defined by an object'],
		[() => js.method({ ...METHOD, name: '' }), 'name of a method without a name must be a text that is not empty'],
		[() => js.method({ ...METHOD, run: undefined }), "run of method 'a.b' must be a function"],
		[() => js.method({ ...METHOD, summary: undefined }), "summary of method 'a.b' must be a text"],
		[() => js.method({ ...METHOD, args: undefined }), "args of method 'a.b' must be an object with a pattern"],
		[() => js.method({ ...METHOD, args: [String] }), "args of method 'a.b' must be an object with a pattern"],
		[() => js.method({ ...METHOD, anonimous: true }), "method 'a.b' has no member 'anonimous'; its members are name,"],
		[() => js.method({ ...METHOD, anonymous: 'yes' }), "anonymous of method 'a.b' must be true or false"],
		[() => js.method({ ...METHOD, limit: { calls: 0, per: 1 } }), "limit of method 'a.b' must be { calls, per }"],
		[() => js.method({ ...METHOD, limit: { calls: 1 } }), "limit of method 'a.b' must be { calls, per }"],
		[() => js.method({ ...METHOD, timeout: -1 }), "timeout of method 'a.b' must be a whole number of ms"],
		[() => js.method({ ...METHOD, errors: 'x' }), "errors of method 'a.b' must be a list of error codes"],
		[() => js.method({ ...METHOD, rest: 'get' }), "rest of method 'a.b' must be a verb or { verb, path }"],
		[() => js.method({ ...METHOD, rest: { verb: 'GET' } }), "path of the REST route of method 'a.b' must be a text"],
		[
			() => js.method({ ...METHOD, rest: { verb: 'GET', path: '/a/:key' } }),
			"The path /a/:key of method 'a.b' has the parameter 'key', which is not in args",
		],
		[
			() => js.method({ ...METHOD, rest: { verb: 'GET', path: 'a', body: 'object' } }),
			"body: 'object' of the REST route of method 'a.b' needs a verb with a body: POST, PUT or PATCH",
		],
		[
			() => js.method({ ...METHOD, rest: { verb: 'DELETE', path: 'a', maxBody: 1000 } }),
			"maxBody of the REST route of method 'a.b' needs a verb with a body: POST, PUT or PATCH",
		],
		[
			() => js.method({ ...METHOD, args: { a: String, b: String }, rest: { verb: 'POST', path: 'a', body: 'object' } }),
			"body: 'object' of the REST route of method 'a.b' needs exactly one argument, which is the body",
		],
		[
			() => js.method({ ...METHOD, rest: { verb: 'PUT', path: '/a/:id', body: 'object' } }),
			"body: 'object' of the REST route of method 'a.b' does not go with the path /a/:id",
		],
		[
			() => js.method({ ...METHOD, rest: { verb: 'POST', path: 'a', body: 'object', unknownField: 'invalidRoom' } }),
			"body: 'object' of the REST route of method 'a.b' does not go with unknownField",
		],
		[
			() => js.method({ ...METHOD, rest: { verb: 'POST', path: 'a', unknownField: 'error-invalid-room' } }),
			"unknownField of the REST route of method 'a.b' must be the name of an error of shared/errorTable.ts",
		],
		[() => js.method({ ...METHOD, args: { n: undefined } }), "args of method 'a.b': the pattern of 'n' is undefined"],
		[
			() => js.method({ ...METHOD, args: { id: String, n: { a: [{ b: undefined }] } } }),
			"args of method 'a.b': the pattern of 'n.a[0].b' is undefined",
		],
		[
			() => js.method({ ...METHOD, args: { n: Match.Optional(undefined as never) } }),
			"args of method 'a.b': the pattern inside Match.Optional or Match.Maybe of 'n' is undefined",
		],
		[
			() => js.method({ ...METHOD, args: { n: [String, Number] } }),
			"args of method 'a.b': the pattern of 'n' is an array, which must contain one pattern",
		],
		[
			() => js.publication({ ...PUBLICATION, args: { n: undefined } }),
			"args of publication 'a.list': the pattern of 'n' is undefined",
		],
		[
			() => js.publication({ ...PUBLICATION, documents: { tasks: undefined } }),
			"documents of publication 'a.list': the pattern of 'tasks' is undefined",
		],
		[
			() => js.stream({ ...STREAM, events: [{ name: 'all', summary: 'All', args: { text: undefined } }] }),
			"args of event 'news all': the pattern of 'text' is undefined",
		],
		[
			() => js.stream({ ...STREAM, events: [{ name: 'all', summary: 'All', arguments: {} }] }),
			"event 'news all' has no member 'arguments'; its members are name, summary, args",
		],
		[
			() => js.stream({ ...STREAM, events: [undefined] }),
			"events of stream 'news': entry 0 must be { name, summary, args }",
		],
		[() => js.publication({ ...PUBLICATION, run: {} }), "run of publication 'a.list' must be a function"],
		[() => js.publication({ ...PUBLICATION, name: undefined }), 'name of a publication without a name must be a text'],
		[() => js.publication({ ...PUBLICATION, rest: 'GET' }), "publication 'a.list' has no member 'rest'"],
		[() => js.stream({ ...STREAM, mayRead: undefined }), "mayRead of stream 'news' must be a function"],
		[() => js.stream({ ...STREAM, mayWrite: run }), "stream 'news' has no member 'mayWrite'"],
		[() => js.collection('a', { indexes: {} }), "indexes of collection 'a' must be a list such as"],
		[() => js.collection('a', { indexes: ['owner'] }), "indexes of collection 'a': entry 0 must be an object such as"],
		[
			() => js.collection('a', { indexes: [{ fields: ['a'] }, undefined] }),
			"indexes of collection 'a': entry 1 must be an object such as { fields: ['owner'] }",
		],
		[
			() => js.collection('a', { indexes: [{ fields: ['a'], uniqe: true }] }),
			"indexes of collection 'a': entry 0 has no member 'uniqe'; its members are fields, unique, sparse",
		],
		[
			() => js.collection('a', { indexes: [{ fields: ['a', undefined] }] }),
			"indexes of collection 'a': entry 0 has a field without a name",
		],
		[() => js.collection('a', { index: [] }), "collection 'a' has no member 'index'"],
		[() => js.collection(), "'undefined' cannot be the name of a collection"],
		[() => js.loginHandler('google'), "run of login handler 'google' must be a function"],
		[() => js.loginHandler(run), 'name of a login handler without a name must be a text'],
		[() => js.liveQuery('nothing', {}, { a: 1 }), 'A live query needs what collection() returns'],
		[() => js.liveQuery(undefined, {}, { a: 1 }), 'A live query needs what collection() returns'],
		[() => js.liveQuery('users', {}, { a: 1 }, { nmae: 'x' }), "live query 'users' has no member 'nmae'"],
		[() => js.liveQuery('users', undefined, { a: 1 }), "A live query of 'users' needs a filter"],
	];
	for (const [make, message] of cases) {
		it(`is refused with '${message}'`, () => {
			expect(make).to.throw(DefinitionError).with.property('message').that.includes(message);
		});
	}

	it('is refused if it is a live query without fields that clients may see', () => {
		for (const fields of [undefined, null, {}, { services: 0 }, ['username'], 'username']) {
			expect(() => js.liveQuery('users', {}, fields), JSON.stringify(fields)).to.throw(
				DefinitionError,
				"A live query of 'users' needs the fields that clients may see",
			);
		}
	});
});

describe('a definition', () => {
	it('may set members that have a default to undefined', () => {
		expect(js.method({ ...METHOD, limit: undefined, rest: undefined })).to.include({ name: 'a.b', anonymous: false });
	});

	it('may have the name null, for a publication that every client receives', () => {
		expect(js.publication({ ...PUBLICATION, name: null })).to.include({ name: null });
	});
});

describe('a collection that is not declared', () => {
	const other = collection<{ _id: string }>('other');
	const NOT_DECLARED = "Collection 'other' is not declared: add it to collections of createServer";

	it('is named by the error when a method or a program uses it', async () => {
		const use = method({
			name: 'other.count',
			summary: 'Counts',
			args: {},
			anonymous: true,
			run: (_args, { collections }) =>
				(collections as unknown as Record<'other', Collection<{ _id: string }>>).other.countDocuments({}),
		});
		const server = await openTestServer({ methods: [use] });
		expect(await rejection(server.call(null, 'other.count'))).to.include({ error: 500 });
		expect(JSON.stringify(server.logs.map(({ facts }) => String((facts as { err?: unknown }).err)))).to.include(
			NOT_DECLARED,
		);
		expect(() => (server.collections as { other?: unknown }).other).to.throw(DefinitionError, NOT_DECLARED);
		expect('other' in server.collections).to.equal(false);
		expect(Object.keys(server.collections)).to.deep.equal([]);
		expect(JSON.stringify(await server.collections)).to.equal('{}');
		await server.close();
	});

	it('is named by the error when a publication returns a live query of it', async () => {
		const list = publication({ ...PUBLICATION, anonymous: true, run: () => liveQuery(other, {}, { a: 1 } as never) });
		const server = await openTestServer({ publications: [list] });
		const client = await server.connect();
		expect(await rejection(client.subscribe('a.list'))).to.include({ error: 500 });
		expect(server.logs.map(({ facts }) => String((facts as { err?: unknown }).err)).join()).to.include(NOT_DECLARED);
		await server.close();
	});
});

describe('a wrong entry of an option', () => {
	const one = method({ ...METHOD, args: {} });
	const list = publication(PUBLICATION);
	const news = stream(STREAM);
	for (const [options, message] of [
		[{ strategies: { tasks: 'NO_MERGE', users: 'ALL' } }, "that of 'users' must be one of SERVER_MERGE, "],
		[{ permissions: { read: ['user'], write: 'admin' } }, "that of 'write' must be a list of texts"],
		[{ permissions: { read: [1] } }, "that of 'read' must be a list of texts"],
		[{ limits: [{ matcher: {} }, { calls: 1 }] }, 'limits must be a list of rules: entry 1 must have a matcher'],
		[{ limits: [{ matcher: { user: null } }] }, "entry 0 has the unknown member 'user'"],
		[{ limits: [{ matcher: {}, call: 1 }] }, "entry 0 has the unknown member 'call'"],
		[{ limits: [{ matcher: {}, calls: '1' }] }, 'entry 0 must have whole numbers from 1 for calls and per'],
		[{ limits: [{ matcher: {}, exact: 1 }] }, 'entry 0 must have true or false for exact'],
		[{ limits: [{ matcher: {}, calls: 1.5 }] }, 'entry 0 must have whole numbers from 1 for calls and per'],
		[{ limits: [{ matcher: { name: undefined } }] }, 'entry 0 has a matcher whose name is undefined'],
		[{ limits: [{ matcher: {}, message: 5 }] }, 'entry 0 must have a text or a function as message'],
		[{ limits: [undefined] }, 'entry 0 must be an object'],
		[{ methods: [one, undefined] }, 'methods must be a list of what method() returns: entry 1 is undefined: is it'],
		[{ methods: [list] }, 'methods must be a list of what method() returns: entry 0 is another object'],
		[{ publications: [list, one] }, 'publications must be a list of what publication() returns: entry 1 is another'],
		[{ collections: ['tasks'] }, 'collections must be a list of what collection() returns: entry 0 is a string'],
		[{ streams: [undefined] }, 'streams must be a list of what stream() returns: entry 0 is undefined'],
		[{ loginHandlers: [run] }, 'loginHandlers must be a list of what loginHandler() returns: entry 0 is a function'],
		[{ onConnection: [run, undefined] }, 'onConnection must be a list of functions: entry 1 is undefined'],
		[{ log: { debug: run } }, 'log must be an object with debug, info, warn and error'],
		[{ methods: [one, one] }, "methods has 'a.b' twice"],
		[{ publications: [list, list] }, "publications has 'a.list' twice"],
		[{ streams: [news, news] }, "streams has 'news' twice"],
		[{ methods: [method({ ...METHOD, name: 'login' })] }, "methods must not have 'login', which is Roomkey's own"],
	] as const) {
		it(`is named: ${message}`, async () => {
			const error = await rejection(createServer({ store: { memory: true }, listen: false, ...options } as never));
			expect(error).to.be.instanceOf(OptionError);
			expect(error.message).to.include(message);
		});
	}
});
