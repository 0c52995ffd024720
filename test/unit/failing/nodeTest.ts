/** Run under `node:test` by `testing.test.ts`: tests that fail before they close their server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeClock } from 'roomkey/testing';
import { openAndForget } from './parts.js';

test('fails with an open server', async () => {
	await openAndForget();
	assert.equal(1, 2);
});

test('fails with an open server and a fake clock', async () => {
	fakeClock();
	await openAndForget();
	assert.equal(1, 2);
});

test('fails with an open server and a fake clock, while that of the previous test is not restored', async () => {
	fakeClock();
	await openAndForget();
	assert.equal(1, 2);
});
