/** A program of `node:test` whose tests fail before they close their server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeClock } from 'roomkey/testing';
import { openAndForget } from './parts.js';

test('fails with an open server', async () => {
	await openAndForget();
	assert.equal(1, 2);
});

test('fails with an open server and a clock that stands still', async () => {
	fakeClock();
	await openAndForget();
	assert.equal(1, 2);
});

test('fails with another such clock', async () => {
	fakeClock();
	await openAndForget();
	assert.equal(1, 2);
});
