/** A consumer of the package, which the test compiles in strict mode and runs. */
import assert from 'node:assert/strict';
import {
	type ApiOf,
	ClientError,
	type Collection,
	check,
	collection,
	createServer,
	EJSON,
	liveQuery,
	Match,
	method,
	publication,
	type ServerOptions,
	stream,
} from 'roomkey';
import * as conformance from 'roomkey/conformance';
import { generatePassphrase } from 'roomkey/e2e';
import { openTestServer } from 'roomkey/testing';

interface Task {
	_id: string;
	text: string;
	owner: string;
}

declare module 'roomkey' {
	interface Collections {
		tasks: Task;
	}
	interface User {
		colour?: string;
	}
}

const tasks = collection('tasks', { indexes: [{ fields: ['owner'] }] });
const others = collection<{ _id: string; size: number }>('others', { indexes: [{ fields: ['size'] }] });
// @ts-expect-error: documents have no such field
collection<Task>('wrong', { indexes: [{ fields: ['colour'] }] });

const addTask = method({
	name: 'tasks.add',
	summary: 'Adds a task',
	args: { text: String, number: Match.Optional(Number) },
	returns: String,
	async run({ text, number }, { userId, collections, random, store }) {
		const typed: Collection<Task> = collections.tasks;
		const numbers: number | undefined = number;
		check(numbers, Match.Optional(Number));
		if (text === '') throw new ClientError('tasks-empty', 'A task needs a text');
		const _id = random.stream('/collection/tasks').id();
		await typed.insertOne({ _id, text, owner: userId });
		// @ts-expect-error: a task has no size
		await collections.tasks.findOne({ size: 5 });
		await store.users.updateOne({ _id: userId }, { $set: { colour: 'red' } });
		return _id;
	},
});

const mine = publication({
	name: 'tasks.mine',
	summary: "The caller's tasks",
	args: {},
	run: (_args, { userId }) => liveQuery(tasks, { owner: userId }, { text: 1 }),
});

const options = {
	collections: [tasks, others],
	methods: [addTask],
	publications: [mine],
	streams: [stream({ name: 'news', summary: 'News', mayRead: () => true })],
} satisfies ServerOptions;

// @ts-expect-error: a task has no colour
liveQuery(tasks, { colour: 1 }, { text: 1 });

type Api = ApiOf<typeof options.methods>;
const name: keyof Api = 'tasks.add';

const server = await createServer({ ...options, store: { memory: true }, port: 0, logLevel: 'silent' });
assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
const info = (await (await fetch(`${server.url}/api/info`)).json()) as { success: boolean };
assert.equal(info.success, true);
await server.store.users.insertOne({ _id: 'alice', username: 'alice' });
await server.call(name, ['write'], { userId: 'alice' });
assert.equal((await server.collections.tasks.findOne({}))?.text, 'write');
await server.close();

const test = await openTestServer(options);
const bob = await test.addUser({ colour: 'blue' });
const client = await test.connect(bob);
await client.subscribe('tasks.mine');
await test.call(bob, 'tasks.add', 'read');
assert.equal(client.documents('tasks')[0]?.text, 'read');
await test.close();

assert.equal(EJSON.stringify(new Date(5)), '{"$date":5}');
assert.equal(typeof generatePassphrase(), 'string');
assert.ok(Object.keys(conformance).length > 0);
console.log(`used under ${process.version}`);
