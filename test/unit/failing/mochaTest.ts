/** Run under mocha by `testing.test.ts`: a test that fails before it closes its server. */
import assert from 'node:assert/strict';
import { openAndForget } from './parts.js';

it('fails with an open server', async () => {
	await openAndForget();
	assert.equal(1, 2);
});
