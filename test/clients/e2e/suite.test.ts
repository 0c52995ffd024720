/** Runs the suite of `roomkey/e2e` in Node. */
import { readFileSync } from 'node:fs';
import { cases } from './suite.js';

describe('roomkey/e2e in Node', function () {
	this.timeout(60_000);
	const vectors = JSON.parse(readFileSync('test/clients/e2e/vectors.json', 'utf8'));
	for (const { title, run } of cases(vectors)) it(title, run);
});
