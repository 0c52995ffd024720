/** Idempotency (test/contract/beyond.md E1): a repeated call receives the answer of the first one. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import type { IdempotencyKey } from '../../server/core/caller.js';
import { createResumeChains } from '../../server/ddp/resume-chains.js';
import { ClientError, clientError, MatchError } from '../../shared/errors.js';
import { ExpiringCache } from '../../shared/expiringCache.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

/** How long an answer is cached, in ms. */
const LIFETIME = 120_000;

/** The names of the methods that have run, in order. */
const runs: string[] = [];
/** Functions that settle the calls of `held` and `hasty`. */
let settle: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
/** The signal of the latest call of `held` or `hasty`. */
let signal: AbortSignal | undefined;

/**
 * A method that records its run, and by default returns its name with the number of all runs. `held` and `hasty` wait
 * until the test settles them; `throws` throws its argument.
 */
function recordingMethod(name: string, fields: Partial<Method> = {}): Method {
	const recording = method({
		name,
		summary: 'for a test',
		args: { value: Match.Any },
		once: true,
		run({ value }, context) {
			runs.push(name);
			if (name === 'held' || name === 'hasty') {
				signal = context.signal;
				return new Promise((resolve, reject) => settle.push({ resolve, reject }));
			}
			if (name === 'throws') throw value;
			return `${name} ${runs.length}`;
		},
	});
	return { ...recording, ...fields };
}

const methods = [
	recordingMethod('quick'),
	recordingMethod('throws'),
	recordingMethod('held'),
	recordingMethod('every time', { once: false }),
	recordingMethod('anyone', { anonymous: true }),
	recordingMethod('hasty', { timeout: 1 }),
	method({
		name: 'outer',
		summary: 'for a test',
		args: {},
		run: async (_args, context) => [await context.call('quick', 1), await context.call('quick', 1)],
	}),
];

describe('the idempotency of methods with `once` (E1)', () => {
	let now = 0;
	let roomkey: TestRoomkey;

	beforeEach(async () => {
		now = 1_000_000;
		runs.length = 0;
		settle = [];
		roomkey = await openRoomkey(methods, { once: { ttl: LIFETIME, max: 5, now: () => now } });
	});
	afterEach(() => roomkey.close());

	/** The idempotency key of a REST call. */
	const rest = (key: string): IdempotencyKey => ({ key: `key ${key}`, session: null });
	/**
	 * The idempotency key of a DDP call.
	 * @param chain the first of several sessions, each of which resumed the one before
	 * @param session the session that makes the call
	 */
	const ddp = (chain: string, id: string, session: string): IdempotencyKey => ({ key: `${chain} ${id}`, session });
	function ask(key: IdempotencyKey | undefined, name: string, value?: unknown, userId: string | null = 'alice') {
		return roomkey.callAs({ userId, idempotencyKey: key }, name, value);
	}

	it('answers a repeated call with the first outcome, and does not run it again', async () => {
		expect(await ask(rest('a'), 'quick', 1)).to.equal('quick 1');
		expect(await ask(rest('a'), 'quick', 1)).to.equal('quick 1');
		expect(runs).to.have.length(1);
	});

	it('answers a repeated call with the first outcome, even if the method has changed the object that it returned', async () => {
		const state = { count: 1, at: new Date(5), list: [{ n: 1 }] };
		const first = ask(rest('a'), 'held');
		settle[0]?.resolve(state);
		await first;
		state.count = 2;
		state.at.setTime(6);
		state.list.push({ n: 2 });
		expect(await ask(rest('a'), 'held')).to.deep.equal({ count: 1, at: new Date(5), list: [{ n: 1 }] });
	});

	it('runs every call without an idempotency key, and every call of a method without `once`', async () => {
		await ask(undefined, 'quick');
		await ask(undefined, 'quick');
		await ask(rest('a'), 'every time');
		await ask(rest('a'), 'every time');
		expect(runs).to.deep.equal(['quick', 'quick', 'every time', 'every time']);
	});

	it('distinguishes calls by idempotency key, user and method', async () => {
		await ask(rest('a'), 'quick', 1);
		await ask(rest('b'), 'quick', 1);
		await ask(rest('a'), 'quick', 1, 'bob');
		await ask(rest('a'), 'anyone', 1);
		expect(runs).to.have.length(4);
	});

	it('runs every call of a caller who is not logged in', async () => {
		await ask(rest('a'), 'anyone', 1, null);
		await ask(rest('a'), 'anyone', 1, null);
		expect(runs).to.have.length(2);
	});

	it('throws the same error again', async () => {
		const refused = new ClientError('code', 'Reason', { d: 1 });
		const first = await rejection(ask(rest('a'), 'throws', refused));
		const again = await rejection(ask(rest('a'), 'throws', refused));
		expect(again)
			.to.deep.include({ error: 'code', reason: 'Reason', details: { d: 1 } })
			.and.equal(first);
		const fault = new MatchError('Expected string, got number');
		await rejection(ask(rest('b'), 'throws', fault));
		expect(await rejection(ask(rest('b'), 'throws', fault))).to.equal(fault);
		expect(runs).to.have.length(2);
	});

	for (const [what, thrown] of [
		['a server error', new Error('a secret')],
		['an error with code 500', new ClientError(500, 'Internal server error')],
		['the error of a rate limit', new ClientError('too-many-requests')],
		['a time-out', new ClientError('error-timeout')],
		['the error of an interrupted reset', clientError('resetFailed')],
		['the error of a reset during another reset', clientError('resetInProgress')],
	] as const) {
		it(`does not cache ${what}: a repeated call runs`, async () => {
			await rejection(ask(rest('a'), 'throws', thrown));
			await rejection(ask(rest('a'), 'throws', thrown));
			expect(runs).to.have.length(2);
		});
	}

	it('does not cache the error for invalid arguments', async () => {
		const withKeyMethods = await openRoomkey();
		const alice = await addPerson(withKeyMethods.store);
		const rid = await addRoom(withKeyMethods.store, [alice]);
		const set = (as: Person, ...args: unknown[]) =>
			withKeyMethods.callAs({ userId: as.id, idempotencyKey: rest('a') }, 'e2e.setRoomKeyID', ...args);
		await rejection(set(alice, rid, 5));
		expect(await set(alice, rid, 'key')).to.equal(undefined);
		await withKeyMethods.close();
	});

	for (const [what, first, second] of [
		['with another value', 1, 2],
		['of another type', '1', 1],
		['that are missing', null, undefined],
		['with another long text', 'x'.repeat(10_000), `${'x'.repeat(9_999)}y`],
		['with another date', new Date(1), new Date(2)],
		['with another regular expression', /a/, /b/],
	]) {
		it(`refuses a used idempotency key with arguments ${what}`, async () => {
			await ask(rest('a'), 'quick', first);
			expect(await rejection(ask(rest('a'), 'quick', second))).to.deep.include({
				error: 'error-idempotency-mismatch',
				details: { method: 'quick' },
			});
			expect(await ask(rest('a'), 'quick', first)).to.equal('quick 1');
		});
	}

	it('ignores the order of keys in arguments', async () => {
		await ask(rest('a'), 'quick', { x: 1, y: [{ p: new Date(5), q: 2 }] });
		expect(await ask(rest('a'), 'quick', { y: [{ q: 2, p: new Date(5) }], x: 1 })).to.equal('quick 1');
	});

	it('lets a repeated call wait for the first call while it runs', async () => {
		const asked = [1, 2, 3].map(() => ask(rest('a'), 'held', 1));
		expect((await rejection(ask(rest('a'), 'held', 2))) as object).to.include({ error: 'error-idempotency-mismatch' });
		expect(settle).to.have.length(1);
		settle[0]?.resolve('done');
		expect(await Promise.all(asked)).to.deep.equal(['done', 'done', 'done']);
		const failing = [1, 2].map(() => rejection(ask(rest('b'), 'held', 1)));
		settle[1]?.reject(new Error('a secret'));
		for (const { message } of await Promise.all(failing)) expect(message).to.equal('Internal server error [500]');
		expect(runs).to.have.length(2);
	});

	it('tells repeated calls that wait for the first call about its writes', async () => {
		// `onWrite` is called if a listener of the event of a write returns a promise.
		const written = Promise.resolve();
		const writing = await openRoomkey([
			recordingMethod('write', {
				async run(_args, { store }) {
					await store.rooms.insertOne({ _id: 'r', t: 'p' });
				},
			}),
		]);
		const stop = writing.bus.on('changed', () => written);
		const order: string[] = [];
		const asked = ['first', 'joined'].map((who) =>
			writing.callAs({ userId: 'alice', idempotencyKey: rest('a'), onWrite: () => void order.push(who) }, 'write'),
		);
		await Promise.all(asked);
		expect(order).to.deep.equal(['first', 'joined']);
		stop();
		await writing.close();
	});

	it('evicts the oldest outcomes if their total size is too large', async () => {
		const tight = await openRoomkey(methods, { once: { ttl: LIFETIME, max: 1000, maxSize: 1000 } });
		const tried = (key: string, value: unknown) =>
			rejection(tight.callAs({ userId: 'alice', idempotencyKey: rest(key) }, 'throws', value));
		const large = () => new ClientError('code', 'Reason', 'x'.repeat(400));
		for (const key of ['a', 'b', 'c']) await tried(key, large());
		expect(runs).to.have.length(3);
		const again = large();
		expect(await tried('c', again)).not.to.equal(again);
		expect(await tried('b', again)).not.to.equal(again);
		expect(runs).to.have.length(3);
		expect(await tried('a', again)).to.equal(again);
		expect(runs).to.have.length(4);
		await tight.close();
	});

	it('evicts an answer after its lifetime, counted from the end of the call', async () => {
		const slow = ask(rest('slow'), 'held', 1);
		await ask(rest('a'), 'quick', 1);
		now += LIFETIME - 1;
		settle[0]?.resolve('done');
		await slow;
		await ask(rest('a'), 'quick', 1);
		expect(runs).to.deep.equal(['held', 'quick']);
		now += 1;
		await ask(rest('a'), 'quick', 1);
		expect(runs).to.deep.equal(['held', 'quick', 'quick']);
		now += LIFETIME - 2;
		expect(await ask(rest('slow'), 'held', 1)).to.equal('done');
		now += 1;
		const rerun = ask(rest('slow'), 'held', 1);
		settle[1]?.resolve('done again');
		expect(await rerun).to.equal('done again');
	});

	it('caches a maximum number of answers, and evicts the oldest', async () => {
		for (const key of ['1', '2', '3', '4', '5', '6']) await ask(rest(key), 'quick', 1);
		expect(await ask(rest('2'), 'quick', 1)).to.equal('quick 2');
		expect(await ask(rest('1'), 'quick', 1)).to.equal('quick 7');
	});

	it('caches nothing with a lifetime of 0', async () => {
		const uncached = await openRoomkey(methods, { once: { ttl: 0 } });
		for (const _ of [1, 2]) await uncached.callAs({ userId: 'alice', idempotencyKey: rest('a') }, 'quick', 1);
		expect(runs).to.have.length(2);
		await uncached.close();
	});

	it('distinguishes long idempotency keys that differ only at the end', async () => {
		const id = 'x'.repeat(100_000);
		await ask(ddp('A', `${id}1`, 'A'), 'quick', 1);
		await ask(ddp('A', `${id}2`, 'A'), 'quick', 1);
		expect(await ask(ddp('A', `${id}1`, 'B'), 'quick', 1)).to.equal('quick 1');
	});

	it('counts a repeated call towards rate limits', async () => {
		const limited = await openRoomkey([recordingMethod('quick', { limit: { calls: 2, per: 60_000 } })], {
			rateLimit: 'on',
		});
		const again = () => limited.callAs({ userId: 'alice', idempotencyKey: rest('a') }, 'quick', 1);
		await again();
		await again();
		expect(await rejection(again())).to.include({ error: 'too-many-requests' });
		expect(runs).to.have.length(1);
		await limited.close();
	});

	it('continues a call after its timeout: a repeated call gets the outcome', async () => {
		expect(await rejection(ask(rest('a'), 'hasty', 1))).to.include({ error: 'error-timeout' });
		settle[0]?.resolve('late');
		expect(await ask(rest('a'), 'hasty', 1)).to.equal('late');
		expect(runs).to.have.length(1);
	});

	it('runs a call whose idempotency key is known only after the timeout with a signal that has fired', async () => {
		let tell = (_key: string) => {};
		const key = () =>
			new Promise<string>((resolve) => {
				tell = resolve;
			});
		expect(await rejection(ask({ key, session: null }, 'hasty', 1))).to.include({ error: 'error-timeout' });
		expect(runs).to.deep.equal([]);
		tell('key a');
		await nextTurn();
		expect(signal?.aborted).to.equal(true);
		settle[0]?.resolve('late');
		expect(await ask(rest('a'), 'hasty', 1)).to.equal('late');
	});

	it('stops waiting, after the lifetime, for a call that never ends', async () => {
		expect(await rejection(ask(rest('a'), 'hasty', 1))).to.include({ error: 'error-timeout' });
		now += LIFETIME + 1;
		const again = ask(rest('a'), 'hasty', 1);
		settle[1]?.resolve('second');
		expect(await again).to.equal('second');
		settle[0]?.resolve('first, much later');
		expect(await ask(rest('a'), 'hasty', 1)).to.equal('second');
	});

	it('does not abort a call when its client disconnects', async () => {
		const client = new AbortController();
		const asked = roomkey.callAs({ userId: 'alice', idempotencyKey: rest('a'), signal: client.signal }, 'held', 1);
		client.abort();
		expect(signal?.aborted).to.equal(false);
		settle[0]?.resolve('done');
		await asked;
	});

	it('does not apply to calls that a method makes', async () => {
		expect(await ask(rest('a'), 'outer')).to.deep.equal(['quick 1', 'quick 2']);
	});

	describe('over DDP', () => {
		it('runs a call whose id is repeated in the same session, as Meteor does, and caches the latest answer', async () => {
			await ask(ddp('A', '1', 'A'), 'quick', 1);
			expect(await ask(ddp('A', '1', 'A'), 'quick', 2)).to.equal('quick 2');
			expect(await ask(ddp('A', '1', 'B'), 'quick', 2)).to.equal('quick 2');
			expect((await rejection(ask(ddp('A', '1', 'B'), 'quick', 1))) as object).to.include({
				error: 'error-idempotency-mismatch',
			});
		});

		it('answers repeated calls in all later sessions of the chain', async () => {
			await ask(ddp('A', '1', 'A'), 'quick', 1);
			for (const session of ['B', 'B', 'C', 'C']) {
				expect(await ask(ddp('A', '1', session), 'quick', 1)).to.equal('quick 1');
			}
		});

		it('does not run the original call if it arrives after its repetition', async () => {
			expect(await ask(ddp('A', '1', 'B'), 'quick', 1)).to.equal('quick 1');
			expect(await ask(ddp('A', '1', 'A'), 'quick', 1)).to.equal('quick 1');
		});

		it('caches the answer of the latest of two concurrent calls with one id', async () => {
			const first = ask(ddp('A', '1', 'A'), 'held', 1);
			const second = ask(ddp('A', '1', 'A'), 'held', 1);
			settle[1]?.resolve('second');
			settle[0]?.resolve('first');
			expect([await first, await second]).to.deep.equal(['first', 'second']);
			expect(await ask(ddp('A', '1', 'B'), 'held', 1)).to.equal('second');
		});
	});
});

describe('chains of resumed sessions', () => {
	let now = 0;
	const open = (max = 10) =>
		createResumeChains({ ttl: LIFETIME, max, now: () => now, store: {} as Store, log: memoryLog() });

	it('begin with a session that resumes none, and continue with the sessions that resume one of the chain', () => {
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

describe('a cache whose entries expire', () => {
	it('removes expired entries by itself', async () => {
		const cache = new ExpiringCache<number>({ ttl: 1, max: 10 });
		cache.set('a', 1);
		cache.set('b', 2, { ttl: 6 });
		expect(cache.size).to.equal(2);
		while (cache.size > 0) await new Promise(setImmediate);
		expect(cache.get('a')).to.equal(undefined);
		cache.set('c', 3);
		while (cache.size > 0) await new Promise(setImmediate);
	});

	it('never exceeds its maximum size; an entry larger than the maximum evicts nothing', () => {
		const size = fc.integer({ min: 1, max: 6 });
		const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), size });
		fc.assert(
			fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
				const cache = new ExpiringCache<number>({ ttl: 5, max: 100, maxSize: 5, now: () => 0 });
				let model: { key: string; size: number }[] = [];
				for (const each of steps) {
					cache.set(each.key, each.size, { size: each.size });
					model = model.filter(({ key }) => key !== each.key);
					if (each.size <= 5) model.push(each);
					while (model.reduce((sum, entry) => sum + entry.size, 0) > 5) model.shift();
					for (const key of 'abcd') expect(cache.get(key)).to.equal(model.find((entry) => entry.key === key)?.size);
				}
			}),
		);
	});

	it('keeps the newest entries that were not deleted and have not expired, whatever the order of operations', () => {
		const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
		const step = fc.oneof(
			fc.record({ kind: fc.constant('set'), key, time: fc.nat(2) }),
			fc.record({ kind: fc.constant('delete'), key, time: fc.nat(2) }),
		);
		fc.assert(
			fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
				let time = 1;
				const cache = new ExpiringCache<number>({ ttl: 5, max: 3, now: () => time });
				let model: { key: string; value: number; setAt: number }[] = [];
				for (const [value, { kind, key, time: passed }] of steps.entries()) {
					time += passed;
					model = model.filter((entry) => entry.key !== key);
					if (kind === 'delete') cache.delete(key);
					else {
						cache.set(key, value);
						model = [...model, { key, value, setAt: time }].slice(-3);
					}
					expect(cache.size).to.equal(model.length);
					for (const name of 'abcdef') {
						const known = model.find((entry) => entry.key === name);
						const fresh = known && time < known.setAt + 5;
						expect(cache.get(name)).to.equal(fresh ? known.value : undefined);
					}
				}
			}),
		);
	});
});
