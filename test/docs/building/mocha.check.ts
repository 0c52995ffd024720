import assert from 'node:assert/strict';
import { openTestServer, type TestServer } from 'roomkey/testing';
import { addTask, tasks } from './tasks.js';

describe('tasks.add', () => {
	let server: TestServer;
	beforeEach(async () => {
		server = await openTestServer({ collections: [tasks], methods: [addTask] });
	});
	afterEach(() => server.close());

	it('refuses an empty text', async () => {
		const alice = await server.addUser();
		await assert.rejects(server.call(alice, 'tasks.add', ''), {
			message: 'Match error: Expected text of 1 to 200 characters',
		});
	});
});
