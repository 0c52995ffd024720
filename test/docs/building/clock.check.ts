import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeClock, openTestServer } from 'roomkey/testing';
import { addTask, tasks } from './tasks.js';

test('a user can add at most 60 tasks in a minute', async (t) => {
	const clock = fakeClock();
	t.after(() => clock.restore());
	const server = await openTestServer({ collections: [tasks], methods: [addTask], rateLimit: 'on' });
	t.after(() => server.close());
	const alice = await server.addUser();
	for (let i = 0; i < 60; i++) await server.call(alice, 'tasks.add', 'write');
	await assert.rejects(server.call(alice, 'tasks.add', 'write'), { error: 'too-many-requests' });

	clock.advance(60_000);

	await server.call(alice, 'tasks.add', 'write');
});
