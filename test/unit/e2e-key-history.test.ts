/** `roomkey/e2e`: the check of what `e2e.keyHistory` answers. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import * as e2e from 'roomkey/e2e';
import { codeOf } from '../clients/e2e/suite.js';

describe('the check of a history of identity keys', () => {
	let alice: e2e.Identity;
	let bob: e2e.Identity;
	before(async () => {
		[alice, bob] = await Promise.all([e2e.makeIdentity(), e2e.makeIdentity()]);
	});

	const chain = (...keys: string[]): e2e.KeyHistoryEntry[] => {
		let previous = '';
		return keys.map((public_key, index) => {
			const ts = new Date(1000 + index);
			const hash = createHash('sha256').update(`${previous}\n${ts.getTime()}\n${public_key}`).digest('hex');
			const entry = { public_key, ts, previous, hash };
			previous = hash;
			return entry;
		});
	};

	it('returns the last hash, and the changes since a known hash', async () => {
		const respelled = JSON.stringify({ own: 'spelling', ...JSON.parse(alice.publicKey) });
		const entries = chain(alice.publicKey, respelled, bob.publicKey);
		const [first, second, third] = entries;
		const whole = await e2e.verifyKeyHistory(entries);
		expect(whole).to.deep.equal({
			head: third?.hash,
			publicKey: bob.publicKey,
			since: entries,
			changes: [first, third],
		});
		const later = await e2e.verifyKeyHistory(entries, first?.hash);
		expect(later).to.deep.include({ since: [second, third], changes: [third] });
		expect(await e2e.verifyKeyHistory(entries, third?.hash)).to.deep.include({ since: [], changes: [] });
		const none = { head: '', publicKey: undefined, since: [], changes: [] };
		expect(await e2e.verifyKeyHistory([])).to.deep.equal(none);
	});

	it('accepts times in the forms of DDP and of REST', async () => {
		const entries = chain('one', 'two');
		const overDdp = entries.map((entry) => ({ ...entry, ts: { $date: (entry.ts as Date).getTime() } }));
		const overRest = JSON.parse(JSON.stringify(entries));
		expect((await e2e.verifyKeyHistory(overDdp)).head).to.equal(entries[1]?.hash);
		expect((await e2e.verifyKeyHistory(overRest)).head).to.equal(entries[1]?.hash);
	});

	it('accepts a history without old entries, unless some since the known hash are missing', async () => {
		const [first, second, third] = chain('one', 'two', 'three') as [
			e2e.KeyHistoryEntry,
			e2e.KeyHistoryEntry,
			e2e.KeyHistoryEntry,
		];
		const changes = [second, third];
		for (const knownHead of [undefined, first.hash])
			expect(await e2e.verifyKeyHistory(changes, knownHead)).to.deep.include({ head: third.hash, changes });
		expect(await e2e.verifyKeyHistory(changes, second.hash)).to.deep.include({ changes: [third] });
		expect(await codeOf(() => e2e.verifyKeyHistory([third], first.hash))).to.equal('broken-history');
	});

	it('refuses a history that was altered or ends before the known hash', async () => {
		const entries = chain('one', 'two', 'three');
		const [first, second, third] = entries as [e2e.KeyHistoryEntry, e2e.KeyHistoryEntry, e2e.KeyHistoryEntry];
		for (const changed of [
			[first, { ...second, public_key: 'other' }, third],
			[first, { ...second, ts: new Date(1500) }, third],
			[first, third],
			[{ ...second, previous: '' }, third],
			[first, third, second],
			[first, first, second, third],
			[null, second],
			5 as never,
			null as never,
		]) {
			const run = () => e2e.verifyKeyHistory(changed as e2e.KeyHistoryEntry[]);
			expect(await codeOf(run)).to.equal('broken-history');
		}
		expect(await codeOf(() => e2e.verifyKeyHistory([first, second], third.hash))).to.equal('broken-history');
	});
});
