/** Idempotency (test/contract/beyond.md E1): a repeated call receives the answer of the first one. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import type { IdempotencyKey } from '../../server/core/caller.js';
import { ClientError, clientError, MatchError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
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

	const rest = (key: string): IdempotencyKey => ({ key: `key ${key}`, session: null });
	/** @param chain the first of several sessions, each of which resumed the one before */
	const ddp = (chain: string, id: string, session: string): IdempotencyKey => ({ key: `${chain} ${id}`, session });
	function ask(key: IdempotencyKey | undefined, name: string, value?: unknown, userId: string | null = 'alice') {
		return roomkey.callAs({ userId, idempotencyKey: key }, name, value);
	}

	it('answers a repeated call with the first outcome, and does not run it again', async () => {
		expect(await ask(rest('a'), 'quick', 1)).to.equal('quick 1');
		expect(await ask(rest('a'), 'quick', 1)).to.equal('quick 1');
		expect(runs).to.have.length(1);
	});

	it('answers with the first outcome even if the method changes the returned object', async () => {
		const state = { count: 1, at: new Date(5), list: [{ n: 1 }] };
		const first = ask(rest('a'), 'held');
		settle[0]?.resolve(state);
		await first;
		state.count = 2;
		state.at.setTime(6);
		state.list.push({ n: 2 });
		expect(await ask(rest('a'), 'held')).to.deep.equal({ count: 1, at: new Date(5), list: [{ n: 1 }] });
	});

	it('runs calls without an idempotency key and methods without `once` every time', async () => {
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

	it('reports writes of the first call to repeated calls that wait for it', async () => {
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

	it('aborts the signal of a call whose idempotency key comes after the timeout', async () => {
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
		it('runs a call with a repeated id in the same session, as Meteor does', async () => {
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
