/** Rate limits over several processes, which are Roomkeys in one process here (test/contract/ddp.md section 14). */
import { mock } from 'node:test';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { SILENT } from '../../methods/model/sharedState.js';
import { createCounter } from '../../server/core/limits/counters.js';
import { createStoreCounter } from '../../server/core/limits/storeCounter.js';
import { UsageExchange } from '../../server/core/limits/usageExchange.js';
import { sweepSharedState } from '../../server/core/sweepSharedState.js';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { type OpenStore, openTestStore } from '../support/store.js';

const MINUTE = 60_000;

function occurrences(values: readonly unknown[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1;
	return counts;
}

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

describe('limits over several processes (14)', () => {
	let open: OpenStore;
	let servers: TestRoomkey[];
	let next = 0;

	beforeEach(async () => {
		open = await openTestStore();
		servers = [];
	});
	afterEach(async () => {
		for (const server of servers) await server.close();
		await open.close();
	});
	async function start(methods?: readonly Method[], limits?: Parameters<typeof openRoomkey>[1]): Promise<void> {
		const options = { ...limits, rateLimit: 'on', shared: open } as const;
		servers = await Promise.all([1, 2, 3].map(() => openRoomkey(methods, options)));
	}
	const anyServer = () => servers[next++ % servers.length] as TestRoomkey;
	const endWindows = () =>
		open.store.sharedState.updateMany({ count: { $exists: true } }, { $set: { until: new Date() } }, { silent: true });

	describe('failed logins', () => {
		const outcomes = {
			right: async () => 'right',
			wrong: () => Promise.reject(new ClientError(403, 'wrong')),
			broken: () => Promise.reject(new Error('the database is gone')),
		};
		type Outcome = keyof typeof outcomes;
		const prove = method({
			name: 'prove',
			summary: 'for a test',
			anonymous: true,
			args: { account: String, outcome: Match.Any },
			run: ({ account, outcome }, context) => context.attempt(account, outcomes[outcome as Outcome]),
		});
		const attempt = (account: string, outcome: Outcome, clientAddress = '1.2.3.4') =>
			anyServer()
				.callAs({ clientAddress }, 'prove', account, outcome)
				.catch(({ error }) => error);
		const attempts = (
			count: number,
			accountOf: (i: number) => string,
			outcome: Outcome,
			addressOf: (i: number) => string = () => '1.2.3.4',
		) => Promise.all(Array.from({ length: count }, (_, i) => attempt(accountOf(i), outcome, addressOf(i))));
		const alice = () => 'alice';

		beforeEach(() => start([prove]));

		it('are limited to ten for one name from one address', async () => {
			expect(occurrences(await attempts(100, alice, 'wrong'))).to.deep.equal({ 403: 10, 'too-many-requests': 90 });
			expect(await attempt('Alice', 'right')).to.equal('too-many-requests');
			expect(await attempt('alice', 'right', '5.6.7.8')).to.equal('right');
		});

		it('are limited to thirty for one name from different addresses', async () => {
			const answers = await attempts(100, alice, 'wrong', (i) => `1.1.1.${i}`);
			expect(occurrences(answers)).to.deep.equal({ 403: 30, 'too-many-requests': 70 });
		});

		it('are limited to a hundred for different names from one address', async () => {
			const answers = await attempts(150, (i) => `name-${i}`, 'wrong');
			expect(occurrences(answers)).to.deep.equal({ 403: 100, 'too-many-requests': 50 });
		});

		it('are forgotten at every process after the right password', async () => {
			for (let i = 0; i < 3; i++) {
				expect(occurrences(await attempts(9, alice, 'wrong'))).to.deep.equal({ 403: 9 });
				expect(await attempt('alice', 'right')).to.equal('right');
			}
		});

		it('block no address from which the user has logged in, at any process', async () => {
			expect(await attempt('alice', 'right', '10.0.0.1')).to.equal('right');
			await attempts(40, alice, 'wrong', (i) => `1.1.1.${i}`);
			for (const _ of servers) {
				expect(await attempt('alice', 'right', '2.2.2.2')).to.equal('too-many-requests');
				expect(await attempt('alice', 'right', '10.0.0.1')).to.equal('right');
			}
		});

		it('do not include server errors', async () => {
			expect(occurrences(await attempts(10, alice, 'broken'))).to.deep.equal({ 500: 10 });
			expect(occurrences(await attempts(10, alice, 'wrong'))).to.deep.equal({ 403: 10 });
		});

		it('are counted anew in a window that begins once for all processes', async () => {
			// One fewer than the limit, because a process remembers for a second that a name is over the limit.
			await attempts(9, alice, 'wrong');
			await endWindows();
			expect(occurrences(await attempts(20, alice, 'wrong'))).to.deep.equal({
				403: 10,
				'too-many-requests': 10,
			});
		});

		it('store neither names nor addresses', async () => {
			await attempt('alice', 'right', '10.11.12.13');
			await attempt('alice', 'wrong', '10.11.12.13');
			const text = JSON.stringify(await open.store.sharedState.find({}).toArray());
			expect(text).not.to.include('alice').and.not.to.include('10.11.12.13');
			expect(text).to.include('count');
		});
	});

	it('allow fifty REST calls of login and createUser together from one address', async () => {
		await start();
		const areRefused = await Promise.all(
			Array.from({ length: 60 }, (_, i) =>
				anyServer()
					.callAs({ clientAddress: '1.2.3.4' }, i % 2 ? 'login' : 'createUser', {})
					.catch(({ error }) => error === 'too-many-requests'),
			),
		);
		expect(occurrences(areRefused)).to.deep.equal({ false: 50, true: 10 });
	});

	it('count logins on a connection in its process, without the store', async () => {
		await start();
		const [server] = servers as [TestRoomkey];
		for (let i = 0; i < 5; i++) await server.callAs({ connectionId: 'c' }, 'login', {}).catch(() => {});
		expect(await open.store.sharedState.countDocuments({})).to.equal(0);
		expect(await server.callAs({ connectionId: 'c' }, 'login', {}).catch(({ error }) => error)).to.equal(
			'too-many-requests',
		);
	});

	it('apply a limit in a definition to all processes, after a short time', async () => {
		const limited = { summary: 'for a test', anonymous: true, args: {}, limit: { calls: 10, per: MINUTE } } as const;
		await start([method({ ...limited, name: 'limited', run: () => 'done' })]);
		const [one, two] = servers as [TestRoomkey, TestRoomkey];
		const callAt = (server: TestRoomkey) =>
			server.callAs({ userId: 'alice' }, 'limited').catch(({ error }) => error as string);
		for (let i = 0; i < 10; i++) expect(await callAt(one)).to.equal('done');
		let more = 0;
		while ((await callAt(two)) === 'done') {
			// Without the calls of the other process, ten would be accepted here. Counts are exchanged once a second.
			expect(++more).to.be.below(10);
			await delay(500);
		}
	});

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
			// Waits for the end of the brief window, which an earlier reader would adopt.
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

		it('are not added to the next window if the store was unavailable', async () => {
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
			// Rounding may end the window a little after `end`.
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

	it('have their documents removed a minute after expiry', async () => {
		const now = Date.now();
		for (const [_id, age] of [
			['current', -1],
			['expired', 59_000],
			['old', 61_000],
		] as const)
			await open.store.sharedState.insertOne({ _id, until: new Date(now - age) }, { silent: true });
		await sweepSharedState(open.store, now);
		const left = await open.store.sharedState.find({}).toArray();
		expect(left.map(({ _id }) => _id).sort()).to.deep.equal(['current', 'expired']);
	});
});
