/** The server notices login tokens that another process has removed from the store (test/contract/ddp.md 16.2). */
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { hashToken } from '../../methods/model/users/tokens.js';
import { createBus } from '../../server/cluster/bus.js';
import { watchTokens } from '../../server/core/token-watcher.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { addPerson } from '../support/people.js';
import { eachTestWithStore } from '../support/store.js';

type Find = Store['users']['find'];

/** The time between two checks, in ms. */
const INTERVAL = 1000;

describe('the token watcher', () => {
	const test = eachTestWithStore();

	beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }));
	afterEach(() => mock.timers.reset());

	/**
	 * Watches tokens, and counts the queries.
	 * @param inUse the hashes of the tokens, with the ids of their users
	 */
	function watch(inUse: ReadonlyMap<string, string>, find: Find = (...asked) => test.store.users.find(...asked)) {
		/** The number of tokens in each query. */
		const queries: number[] = [];
		const log = memoryLog();
		const bus = createBus(log);
		const counting: Find = (filter, options) => {
			queries.push((Object.values(filter)[0] as { $in: string[] }).$in.length);
			return find(filter, options);
		};
		const store = { ...test.store, users: { ...test.store.users, find: counting } };
		const { stop } = watchTokens({ store, bus, log }, () => inUse);
		/** All that was announced until now. */
		const announcements: unknown[] = [];
		bus.on('tokens-removed', (payload) => {
			announcements.push(payload);
		});
		const announced = (count: number) =>
			new Promise<unknown[]>((resolve) => {
				const payloads: unknown[] = [];
				bus.on('tokens-removed', (payload) => {
					payloads.push(payload);
					if (payloads.length === count) resolve(payloads);
				});
			});
		return { queries, log, stop, announced, announcements };
	}

	it('announces removed tokens after a second, and looks for no more after `stop`', async () => {
		const [alice, bob] = [await addPerson(test.store), await addPerson(test.store)];
		const inUse = new Map([
			[hashToken(alice.token), alice.id],
			['gone', alice.id],
			[hashToken(bob.token), bob.id],
			['lost', 'nobody'],
		]);
		const { queries, stop, announced } = watch(inUse);
		const gone = announced(2);
		mock.timers.tick(INTERVAL - 1);
		expect(queries).to.deep.equal([]);
		mock.timers.tick(1);
		expect(await gone).to.deep.equal([
			{ userId: alice.id, hashedTokens: ['gone'] },
			{ userId: 'nobody', hashedTokens: ['lost'] },
		]);
		expect(queries).to.deep.equal([4]);
		await stop();
		mock.timers.tick(10 * INTERVAL);
		expect(queries).to.deep.equal([4]);
	});

	it('announces the tokens of users who were deactivated by another program', async () => {
		const alice = await addPerson(test.store, { active: false });
		const { stop, announced } = watch(new Map([[hashToken(alice.token), alice.id]]));
		const gone = announced(1);
		mock.timers.tick(INTERVAL);
		expect(await gone).to.deep.equal([{ userId: alice.id, hashedTokens: [hashToken(alice.token)] }]);
		await stop();
	});

	// Each interval looks up at most 500 tokens, or a tenth of all if that is more.
	for (const [count, intervals] of [
		[1220, [500, 500, 220]],
		[12_000, Array.from({ length: 10 }, () => 1200)],
	] as [number, number[]][]) {
		it(`reads ${count} tokens in ${intervals.length} intervals, with at most 50 tokens in each query`, async () => {
			const inUse = new Map(Array.from({ length: count }, (_, i) => [`token-${i}`, 'someone']));
			const { queries, stop, announced } = watch(inUse);
			const asked: number[] = [];
			for (const tokens of intervals) {
				const gone = announced(tokens);
				mock.timers.tick(INTERVAL);
				await gone;
				// After its last query, a check waits one turn of the event loop, and then ends. Only then can the next one
				// begin. The first turn here may come before the end of the check, the second comes after it.
				await nextTurn();
				await nextTurn();
				for (let left = tokens; left > 0; left -= 50) asked.push(Math.min(50, left));
				expect(queries).to.deep.equal(asked);
			}
			await stop();
		});
	}

	it('lets other work run between two queries of a check', async () => {
		const inUse = new Map(Array.from({ length: 200 }, (_, i) => [`token-${i}`, 'someone']));
		const { queries, stop, announced } = watch(inUse);
		const gone = announced(200);
		const seen: number[] = [];
		mock.timers.tick(INTERVAL);
		while (queries.length < 4) {
			await nextTurn();
			seen.push(queries.length);
		}
		expect(seen).to.include.members([1, 2, 3]);
		await gone;
		await stop();
	});

	it('makes no query while nobody is logged in', async () => {
		const { queries, stop } = watch(new Map());
		mock.timers.tick(10 * INTERVAL);
		await stop();
		expect(queries).to.deep.equal([]);
	});

	it('announces nothing if a query fails, and tries again', async () => {
		const failure = new Error('the query fails');
		let tries = 0;
		const { queries, stop, announced, announcements, log } = watch(new Map([['gone', 'someone']]), (...asked) => {
			if (++tries === 1) throw failure;
			return test.store.users.find(...asked);
		});
		const gone = announced(1);
		mock.timers.tick(INTERVAL);
		while (log.lines.length === 0) await Promise.resolve();
		expect(log.lines).to.deep.equal([
			{ level: 'warn', facts: { err: failure }, text: 'Login tokens in use could not be looked up' },
		]);
		await nextTurn();
		expect(announcements).to.deep.equal([]);
		mock.timers.tick(INTERVAL);
		await gone;
		expect(queries).to.deep.equal([1, 1]);
		await stop();
	});

	it('makes no query while one is unanswered', async () => {
		let answer = () => {};
		const { queries, stop } = watch(new Map([['gone', 'someone']]), (...asked) => ({
			...test.store.users.find(...asked),
			async *[Symbol.asyncIterator]() {
				await new Promise<void>((resolve) => {
					answer = resolve;
				});
			},
		}));
		mock.timers.tick(5 * INTERVAL);
		expect(queries).to.deep.equal([1]);
		const stopped = stop();
		answer();
		await stopped;
	});
});
