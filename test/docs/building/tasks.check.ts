import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestServer } from 'roomkey/testing';
import { addTask, finishTask, myTasks, tasks } from './tasks.js';

test('a task appears for its owner, and nobody else can finish it', async (t) => {
	const server = await openTestServer({
		collections: [tasks],
		methods: [addTask, finishTask],
		publications: [myTasks],
	});
	t.after(() => server.close());
	const alice = await server.addUser();
	const bob = await server.addUser();
	const client = await server.connect(alice);
	await client.subscribe('tasks.mine');

	const id = await server.call(alice, 'tasks.add', 'write');
	await server.call(alice, 'tasks.finish', id);

	assert.deepEqual(client.documents('tasks'), [{ _id: id, text: 'write', done: true }]);
	await assert.rejects(server.call(bob, 'tasks.finish', id), { error: 'tasks-unknown' });
});
