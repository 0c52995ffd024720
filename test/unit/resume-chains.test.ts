/** Chains of sessions, each of which resumed the one before (test/contract/beyond.md E1). */
import { expect } from 'chai';
import { createResumeChains } from '../../server/ddp/resume-chains.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';

/** How long a session stays in its chain after its end, in ms. */
const LIFETIME = 120_000;

describe('chains of resumed sessions', () => {
	let now = 0;
	const open = (max = 10) =>
		createResumeChains({ ttl: LIFETIME, max, now: () => now, store: {} as Store, log: memoryLog() });

	it('begin with a session that resumes none, and continue with each that resumes one of them', () => {
		const chains = open();
		expect(chains.join('A', undefined)).to.equal('A');
		expect(chains.join('B', 'A')).to.equal('A');
		expect(chains.join('C', 'B')).to.equal('A');
		chains.leave('C');
		expect(chains.join('D', 'C')).to.equal('A');
		expect(chains.join('X', undefined)).to.equal('X');
	});

	it('begin with the resumed session if it is unknown', () => {
		expect(open().join('B', 'of another process')).to.equal('of another process');
	});

	it('are kept while a session is open, and for the lifetime after its end', () => {
		const chains = open();
		chains.join('A', undefined);
		chains.join('B', 'A');
		now += 100 * LIFETIME;
		expect(chains.join('C', 'B')).to.equal('A');
		chains.leave('B');
		now += LIFETIME - 1;
		expect(chains.join('D', 'B')).to.equal('A');
		now += 1;
		expect(chains.join('E', 'B')).to.equal('B');
	});
});
