/**
 * Run under `node:test` by `testing.test.ts`: tests that wait until a call fails with `error-timeout`. Nothing but the
 * waiting call keeps the process alive.
 */
import { test } from 'node:test';
import { openTestServer } from 'roomkey/testing';
import { wait } from './parts.js';

test('waits for a call', async () => {
	const server = await openTestServer({ methods: [wait] });
	await server.call(await server.addUser(), 'wait');
});

test('waits for a call of a client', async () => {
	const server = await openTestServer({ methods: [wait] });
	const client = await server.connect(await server.addUser());
	await client.call('wait');
});
