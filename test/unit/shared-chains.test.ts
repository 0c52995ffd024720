/** Chains of resumed DDP sessions over several processes (test/contract/beyond.md E1). */
import { expect } from 'chai';
import { type ChainId, createResumeChains } from '../../server/ddp/resume-chains.js';
import { declareShared } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { type OpenStore, openTestStore } from '../support/store.js';

/** How long an answer is stored, in ms. */
const LIFETIME = 120_000;

describe('chains of sessions over several processes (E1)', () => {
	const idOf = (chain: ChainId) => (typeof chain === 'string' ? chain : chain());
	let open: OpenStore;
	beforeEach(async () => {
		open = await openTestStore();
		declareShared(open.store);
	});
	afterEach(() => open.close());
	const chains = () => createResumeChains({ ttl: LIFETIME, max: 10, store: open.store, log: memoryLog() });
	const stored = () => open.store.sharedState.find({}).toArray();

	it('continue at another process, however often the session is resumed', async () => {
		const [one, two, three] = [chains(), chains(), chains()];
		expect(await idOf(one.join('A', undefined))).to.equal('A');
		expect(await idOf(two.join('B', 'A'))).to.equal('A');
		expect(await idOf(three.join('C', 'B'))).to.equal('A');
		expect(await idOf(one.join('D', 'C'))).to.equal('A');
	});

	it('write nothing when a session joins', async () => {
		chains().join('B', 'A');
		expect(await stored()).to.deep.equal([]);
	});

	it('continue after a session that made no call', async () => {
		const [one, two] = [chains(), chains()];
		one.join('B', 'A');
		one.leave('B');
		while ((await stored()).length === 0) await new Promise(setImmediate);
		expect(await idOf(two.join('C', 'B'))).to.equal('A');
	});

	it('continue after a session whose chain was removed from the store', async () => {
		const [one, two] = [chains(), chains()];
		await idOf(one.join('B', 'A'));
		await open.store.sharedState.deleteMany({});
		one.leave('B');
		while ((await stored()).length === 0) await new Promise(setImmediate);
		expect(await idOf(two.join('C', 'B'))).to.equal('A');
	});

	it('are not readable in the store', async () => {
		const session = 'the-first-session';
		await idOf(chains().join('the-second-session', session));
		const text = JSON.stringify(await stored());
		expect(text).not.to.include(session).and.not.to.include('the-second-session');
	});

	it('end when a session has been closed for the lifetime of an answer', async () => {
		const [one, two] = [chains(), chains()];
		await idOf(one.join('B', 'A'));
		one.leave('B');
		const ends = async () => (await stored())[0]?.until.getTime() ?? 0;
		// The chain of an open session is stored for a week. Leaving shortens this time.
		while ((await ends()) > Date.now() + LIFETIME) await new Promise(setImmediate);
		await open.store.sharedState.updateMany({}, { $set: { until: new Date() } });
		expect(await idOf(two.join('C', 'B'))).to.equal('B');
	});
});
