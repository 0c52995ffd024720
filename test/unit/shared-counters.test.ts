/** The counters of rate limits, in memory and for several processes (test/contract/ddp.md section 14). */
import { mock } from 'node:test';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { SILENT } from '../../methods/model/sharedState.js';
import { createCounter } from '../../server/core/limits/counters.js';
import { createStoreCounter } from '../../server/core/limits/storeCounter.js';
import { UsageExchange } from '../../server/core/limits/usageExchange.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { type OpenStore, openTestStore } from '../support/store.js';

const MINUTE = 60_000;

/** A store that records the operations on its shared state. The operation named by `fail` fails. */
function watched(store: Store): { store: Store; operations: string[]; fail?: string | undefined } {
	const seen: { store: Store; operations: string[]; fail?: string | undefined } = { store, operations: [] };
	const sharedState = new Proxy(store.sharedState, {
		get(target, operation) {
			const own = Reflect.get(target, operation);
			return (...args: unknown[]) => {
				seen.operations.push(String(operation));
				if (seen.fail === operation) return Promise.reject(new Error('the database is gone'));
				return Reflect.apply(own, target, args);
			};
		},
	});
	seen.store = new Proxy(store, {
		get: (target, name) => (name === 'sharedState' ? sharedState : Reflect.get(target, name)),
	});
	return seen;
}

describe('counters of rate limits (14)', () => {
	let open: OpenStore;
	beforeEach(async () => {
		open = await openTestStore();
	});
	afterEach(() => open.close());

	describe('a count in the store', () => {
		it('is neither read nor written just after its key exceeded the limit', async () => {
			const { store, operations } = watched(open.store);
			const counter = createStoreCounter(store, 'test', { calls: 1, per: MINUTE });
			await counter.count('a');
			await counter.count('a');
			operations.length = 0;
			const { allowed, remaining, timeToReset } = await counter.count('a');
			expect({ allowed, remaining }).to.deep.equal({ allowed: false, remaining: 0 });
			expect(timeToReset).to.be.within(1, MINUTE);
			expect(operations).to.deep.equal([]);
		});

		it('contains the number of calls left, and belongs to one key', async () => {
			const counter = createStoreCounter(open.store, 'test', { calls: 3, per: MINUTE });
			for (const left of [2, 1, 0]) expect((await counter.count('a')).remaining).to.equal(left);
			expect(await counter.count('b')).to.include({ allowed: true, limit: 3, remaining: 2 });
			await counter.refund('b');
			expect((await counter.count('b')).remaining).to.equal(2);
		});

		it('allows calls at once when a refund brings it below the limit', async () => {
			const counter = createStoreCounter(open.store, 'test', { calls: 1, per: MINUTE });
			await counter.count('a');
			expect((await counter.count('a')).allowed).to.equal(false);
			// The refused call was counted too.
			await counter.refund('a');
			await counter.refund('a');
			expect((await counter.count('a')).allowed).to.equal(true);
		});
	});

	describe('a counter in memory', () => {
		afterEach(() => mock.timers.reset());

		it('ignores a refund for the window before', async () => {
			mock.timers.enable({ apis: ['Date', 'setTimeout'] });
			const counter = createCounter({ calls: 1, per: MINUTE });
			await counter.count('a');
			mock.timers.tick(MINUTE);
			await counter.refund('a');
			expect((await counter.count('a')).allowed).to.equal(true);
			expect((await counter.count('a')).allowed).to.equal(false);
		});
	});

	// A process stores its counted calls in a report for the others, at most once a second.
	describe('reports of usage', () => {
		/** The id of a report of another process: `usage <time> <process> <number>`. */
		const idOfReport = (number: number) => `usage ${Date.now()} another ${number}`;
		const openExchange = (store: Store = open.store) => {
			const exchange = new UsageExchange(store, memoryLog());
			return { usage: exchange, counter: exchange.counter('test', { calls: 10, per: MINUTE }) };
		};
		async function count({ counter }: ReturnType<typeof openExchange>, times: number, key = 'alice'): Promise<number> {
			let remaining = Number.NaN;
			for (let i = 0; i < times; i++) ({ remaining } = await counter.count(key));
			return remaining;
		}

		it('are added once to the counts of the other processes', async () => {
			const [one, two] = [openExchange(), openExchange()];
			await count(one, 3);
			await count(two, 2);
			for (let i = 0; i < 3; i++) for (const { usage } of [one, two]) await usage.exchange();
			expect(await count(one, 1)).to.equal(4);
			expect(await count(two, 1)).to.equal(4);
		});

		it('count calls by key, also for a process that starts later', async () => {
			const one = openExchange();
			await count(one, 3);
			await count(one, 5, 'bob');
			await one.usage.exchange();
			const late = openExchange();
			await late.usage.exchange();
			expect(await count(late, 1)).to.equal(6);
			expect(await count(late, 1, 'bob')).to.equal(4);
		});

		it('end with the window in which the calls were counted', async () => {
			const exchange = new UsageExchange(open.store, memoryLog());
			const brief = exchange.counter('test', { calls: 10, per: 1 });
			await brief.count('alice');
			await exchange.exchange();
			// Waits until the brief window is over. If `reader` read the report before, its window would end with the brief one.
			for (const now = Date.now(); Date.now() <= now + 1; ) await nextTurn();
			const reader = openExchange();
			await reader.usage.exchange();
			const { remaining, timeToReset } = await reader.counter.count('alice');
			expect(remaining).to.equal(9);
			expect(timeToReset).to.be.greaterThan(1000);
			const one = openExchange();
			await count(one, 1);
			await one.usage.exchange();
			const late = openExchange();
			await late.usage.exchange();
			const [document] = await open.store.sharedState.find({}, { sort: { until: -1 }, limit: 1 }).toArray();
			const end = Date.now() + (await late.counter.count('alice')).timeToReset;
			expect(end).to.be.within((document?.until.getTime() ?? 0) - 50, (document?.until.getTime() ?? 0) + 50);
		});

		it('are not written by a call, nor if nothing was counted', async () => {
			const { store, operations } = watched(open.store);
			const one = openExchange(store);
			await count(one, 5);
			expect(operations).to.deep.equal([]);
			await one.usage.exchange();
			expect(operations).to.deep.equal(['insertOne', 'find']);
			operations.length = 0;
			await one.usage.exchange();
			expect(operations).to.deep.equal(['find']);
		});

		it('are written later if the store is not available', async () => {
			const seen = watched(open.store);
			const [one, two] = [openExchange(seen.store), openExchange()];
			await count(one, 3);
			seen.fail = 'insertOne';
			await one.usage.exchange().catch(() => {});
			await count(one, 2);
			seen.fail = undefined;
			await one.usage.exchange();
			await two.usage.exchange();
			expect(await count(two, 1)).to.equal(4);
		});

		it('carry no calls over to the next window if the store is unavailable when their window ends', async () => {
			let refuseInsert: ((error: Error) => void) | undefined;
			const { sharedState } = open.store;
			const insertOne = () => new Promise((_, reject) => (refuseInsert = reject));
			const state = { find: sharedState.find.bind(sharedState), insertOne } as unknown as Store['sharedState'];
			const [one, two] = [openExchange({ ...open.store, sharedState: state }), openExchange()];
			const end = Date.now() + 1000;
			const counts = JSON.stringify([['test', 'alice', 1, end]]);
			await sharedState.insertOne({ _id: idOfReport(0), counts, until: new Date(end) }, SILENT);
			await one.usage.exchange();
			expect(await count(one, 3)).to.equal(6);
			const exchange = one.usage.exchange().catch(() => {});
			// The window of `one` may end a little after `end`.
			while (Date.now() <= end + 100) await delay(end + 101 - Date.now());
			expect(await count(one, 1)).to.equal(9);
			refuseInsert?.(new Error('the database is gone'));
			await exchange;
			state.insertOne = sharedState.insertOne.bind(sharedState);
			await one.usage.exchange();
			await two.usage.exchange();
			expect(await count(two, 1)).to.equal(8);
		});

		it('are stored in several documents if there are many callers', async () => {
			const [one, two] = [openExchange(), openExchange()];
			for (let i = 0; i < 4500; i++) await one.counter.count(`user-${i}`);
			await one.usage.exchange();
			// A report has at most 2,000 counts.
			expect(await open.store.sharedState.countDocuments({})).to.equal(3);
			await two.usage.exchange();
			expect(await count(two, 1, 'user-4499')).to.equal(8);
		});

		it('are ignored if they are malformed, or of an unknown counter', async () => {
			const end = Date.now() + MINUTE;
			const counts = [
				'no JSON',
				'{}',
				JSON.stringify([null, 5, ['test', 'alice', 'many', end], ['test', 'alice', -5, end]]),
				JSON.stringify([['test', 'alice', 1, end - 2 * MINUTE]]),
				JSON.stringify([['of another version', 'alice', 5, end]]),
				JSON.stringify([['test', 'alice', 1, end]]),
			];
			for (const [i, text] of counts.entries()) {
				const report = { _id: idOfReport(i), counts: text, until: new Date(end) };
				await open.store.sharedState.insertOne(report, { silent: true });
			}
			await open.store.sharedState.insertOne({ _id: 'usage 9', until: new Date(end) }, { silent: true });
			const one = openExchange();
			await one.usage.exchange();
			expect(await count(one, 1)).to.equal(8);
		});
	});
});
