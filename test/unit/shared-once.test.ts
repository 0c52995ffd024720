/** Repeated calls over several processes, which are Roomkeys in one process here (test/contract/beyond.md E1). */
import { expect } from 'chai';
import type { IdempotencyKey } from '../../server/core/caller.js';
import { MAX_VALUES } from '../../shared/ejson.js';
import { BareError, ClientError, clientError, MatchError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { type OpenStore, openTestStore } from '../support/store.js';

/** How long an answer is stored, in ms. */
const LIFETIME = 120_000;
/** How long a running call keeps its idempotency key without renewing it, in ms. */
const LEASE = 5_000;

const runs: string[] = [];
/** Functions that settle the calls of `held` and `hasty`, in the order of the calls. */
let settle: { resolve(value: unknown): void; reject(error: unknown): void }[] = [];
let onHeld: (() => void) | undefined;

const recordingMethod = (name: string, run: (value: unknown) => unknown, timeout = 30_000) =>
	method({
		name,
		summary: 'for a test',
		args: { value: Match.Any },
		once: true,
		timeout,
		async run({ value }) {
			runs.push(name);
			return run(value);
		},
	});

const held = () =>
	new Promise((resolve, reject) => {
		settle.push({ resolve, reject });
		onHeld?.();
	});

const methods = [
	recordingMethod('quick', () => `quick ${runs.length}`),
	recordingMethod('same', (value) => value),
	recordingMethod('throws', (value) => {
		throw value;
	}),
	recordingMethod('held', held),
	recordingMethod('hasty', held, 1),
	recordingMethod('large', (length) => 'x'.repeat(Number(length))),
	recordingMethod('odd', () => 5n),
	recordingMethod('many', () => new Array(MAX_VALUES + 1).fill(1)),
];

describe('repeated calls of methods with `once` over several processes (E1)', () => {
	let now = 0;
	let open: OpenStore;
	let first: TestRoomkey;
	let second: TestRoomkey;
	let third: TestRoomkey;
	let servers: TestRoomkey[];

	beforeEach(async () => {
		now = Date.now();
		runs.length = 0;
		settle = [];
		onHeld = undefined;
		open = await openTestStore();
		const once = { ttl: LIFETIME, max: 5, now: () => now };
		servers = await Promise.all([1, 2, 3].map(() => openRoomkey(methods, { once, shared: open })));
		[first, second, third] = servers as [TestRoomkey, TestRoomkey, TestRoomkey];
	});
	afterEach(async () => {
		for (const server of servers) await server.close();
		await open.close();
	});

	const rest = (key: string): IdempotencyKey => ({ key: `key ${key}`, session: null });
	/** The idempotency key of a DDP call. `chain` stands for a session, the session that resumes it, and so on. */
	const ddp = (chain: string, id: string, session: string): IdempotencyKey => ({ key: `${chain} ${id}`, session });
	function ask(at: TestRoomkey, key: IdempotencyKey, name: string, value?: unknown, userId = 'alice') {
		return at.callAs({ userId, idempotencyKey: key }, name, value);
	}
	/** Resolves when the next call of `held` or `hasty` has begun. */
	const nextHeld = () =>
		new Promise<void>((resolve) => {
			onHeld = resolve;
		});
	const storedText = async () => JSON.stringify(await open.store.sharedState.find({}).toArray());

	it('get the first answer at every process', async () => {
		expect(await ask(first, rest('a'), 'quick', 1)).to.equal('quick 1');
		for (const server of servers) expect(await ask(server, rest('a'), 'quick', 1)).to.equal('quick 1');
		expect(runs).to.have.length(1);
	});

	it('run once if many are concurrent at all processes', async () => {
		const asked = Array.from({ length: 60 }, (_, i) => ask(servers[i % 3] as TestRoomkey, rest('a'), 'quick', 1));
		expect(new Set(await Promise.all(asked))).to.deep.equal(new Set(['quick 1']));
		expect(runs).to.have.length(1);
	});

	it('are distinguished by user, method and key', async () => {
		await ask(first, rest('a'), 'quick', 1);
		await ask(second, rest('b'), 'quick', 1);
		await ask(second, rest('a'), 'quick', 1, 'bob');
		await ask(second, rest('a'), 'same', 1);
		expect(runs).to.have.length(4);
	});

	for (const [what, value] of [
		['nothing', undefined],
		['null', null],
		['a date', { at: [new Date(5)] }],
		['bytes', new Uint8Array([1, 2, 3])],
		['NaN', Number.NaN],
		['an object that looks like a date', { $date: 5 }],
		['an object that looks like a thrown error', { thrown: { kind: 'client', error: 'code' } }],
	] as const) {
		it(`get the same answer at another process: ${what}`, async () => {
			expect(await ask(first, rest('a'), 'same', value)).to.deep.equal(value);
			expect(await ask(second, rest('a'), 'same', value)).to.deep.equal(value);
			expect(runs).to.have.length(1);
		});
	}

	for (const [what, thrown] of [
		['an error for the client', new ClientError('code', 'Reason', { d: [new Date(1)] })],
		['an error without a reason', new ClientError(403)],
		['an error that names its method', clientError('invalidRoom')],
		['an error that REST shows as its code alone', new BareError('code', undefined, undefined, 403)],
		['a wrong argument', new MatchError('Expected string, got number', 'a[0]')],
		['an error of another package that is meant for clients', { isClientSafe: true, error: 'code', reason: 'Why' }],
	] as const) {
		it(`get the same error at another process: ${what}`, async () => {
			const one = (await rejection(ask(first, rest('a'), 'throws', thrown))) as Error;
			const other = (await rejection(ask(second, rest('a'), 'throws', thrown))) as Error;
			expect(other.constructor).to.equal(one.constructor);
			expect({ ...other, message: other.message, status: (other as BareError).status }).to.deep.equal({
				...one,
				message: one.message,
				status: (one as BareError).status,
			});
			expect(runs).to.have.length(1);
		});
	}

	it('run again after a server error or a temporary refusal', async () => {
		for (const thrown of [
			new Error('a secret'),
			new ClientError('too-many-requests'),
			clientError('resetInProgress'),
		]) {
			runs.length = 0;
			for (const server of servers) await rejection(ask(server, rest('a'), 'throws', thrown));
			expect(runs).to.have.length(3);
		}
		expect(await open.store.sharedState.countDocuments({})).to.equal(0);
	});

	it('are refused with other arguments, also while the first call runs', async () => {
		const begun = nextHeld();
		const running = ask(first, rest('a'), 'held', 1);
		await begun;
		const mismatch = { error: 'error-idempotency-mismatch', details: { method: 'held' } };
		expect(await rejection(ask(second, rest('a'), 'held', 2))).to.deep.include(mismatch);
		settle[0]?.resolve('done');
		expect(await running).to.equal('done');
		expect(await rejection(ask(second, rest('a'), 'held', '1'))).to.deep.include(mismatch);
		expect(await ask(second, rest('a'), 'held', 1)).to.equal('done');
	});

	it('wait for a call that runs at another process', async () => {
		const begun = nextHeld();
		const running = ask(first, rest('a'), 'held', 1);
		await begun;
		const asked = [second, second, third].map((server) => ask(server, rest('a'), 'held', 1));
		settle[0]?.resolve('done');
		expect(await Promise.all([running, ...asked])).to.deep.equal(['done', 'done', 'done', 'done']);
		expect(runs).to.have.length(1);
	});

	it('run if the awaited call fails at another process', async () => {
		const begun = nextHeld();
		const running = rejection(ask(first, rest('a'), 'held', 1));
		await begun;
		const again = nextHeld();
		const asked = ask(second, rest('a'), 'held', 1);
		settle[0]?.reject(new Error('a secret'));
		await Promise.all([running, again]);
		settle[1]?.resolve('second');
		expect(await asked).to.equal('second');
	});

	it('wait no longer than the timeout of the method', async () => {
		const begun = nextHeld();
		const running = rejection(ask(first, rest('a'), 'hasty', 1));
		await begun;
		expect(await rejection(ask(second, rest('a'), 'hasty', 1))).to.include({ error: 'error-timeout' });
		expect(await running).to.include({ error: 'error-timeout' });
		settle[0]?.resolve('late');
		expect(runs).to.have.length(1);
	});

	it('run when the lease of a dead process has ended, and its late outcome is discarded', async () => {
		const begun = nextHeld();
		const running = ask(first, rest('a'), 'held', 1);
		await begun;
		const again = nextHeld();
		const asked = ask(second, rest('a'), 'held', 1);
		// The lease expires before the timer that renews it fires, as if the first process had ended.
		now += LEASE + 1;
		await again;
		settle[1]?.resolve('second');
		expect(await asked).to.equal('second');
		settle[0]?.resolve('late');
		expect(await running).to.equal('late');
		expect(await ask(third, rest('a'), 'held', 1)).to.equal('second');
		expect(await ask(first, rest('a'), 'held', 1)).to.equal('second');
	});

	it('run once if several wait for a dead process', async () => {
		const begun = nextHeld();
		const running = ask(first, rest('a'), 'held', 1);
		await begun;
		const again = nextHeld();
		now += LEASE + 1;
		const asked = [second, third].map((server) => ask(server, rest('a'), 'held', 1));
		await again;
		settle[1]?.resolve('second');
		expect(await Promise.all(asked)).to.deep.equal(['second', 'second']);
		settle[0]?.resolve('late');
		await running;
		expect(runs).to.have.length(2);
	});

	it('have a lease, which the call renews while it runs', async () => {
		const begun = nextHeld();
		const running = ask(first, rest('a'), 'held', 1);
		await begun;
		const [{ _id, until } = { _id: '', until: new Date() }] = await open.store.sharedState.find({}).toArray();
		now += 1000;
		while ((await open.store.sharedState.findOne({ _id }))?.until.getTime() === until.getTime())
			await new Promise((resolve) => setTimeout(resolve, 20));
		settle[0]?.resolve('done');
		expect(await running).to.equal('done');
	});

	it('get the first answer only for its lifetime', async () => {
		await ask(first, rest('a'), 'quick', 1);
		now += LIFETIME - 1;
		expect(await ask(second, rest('a'), 'quick', 1)).to.equal('quick 1');
		now += 1;
		expect(await ask(second, rest('a'), 'quick', 1)).to.equal('quick 2');
		expect(await ask(first, rest('a'), 'quick', 1)).to.equal('quick 2');
	});

	it('run again if their answer was evicted as the oldest', async () => {
		for (const key of ['1', '2', '3', '4', '5', '6']) await ask(first, rest(key), 'quick', 1);
		while ((await open.store.sharedState.countDocuments({})) > 5) await new Promise(setImmediate);
		expect(await ask(second, rest('2'), 'quick', 1)).to.equal('quick 2');
		expect(await ask(second, rest('1'), 'quick', 1)).to.equal('quick 7');
	});

	it('are refused if the answer was too large to be stored', async () => {
		const length = 1024 * 1024;
		expect(await ask(first, rest('a'), 'large', length)).to.have.length(length);
		for (const server of servers) {
			expect(await rejection(ask(server, rest('a'), 'large', length))).to.deep.include({
				error: 'error-idempotency-answer-too-large',
				details: { method: 'large' },
			});
		}
		expect(runs).to.have.length(1);
		expect((await storedText()).length).to.be.lessThan(1000);
	});

	it('are refused if the answer cannot be encoded', async () => {
		expect(await ask(first, rest('a'), 'odd', 1)).to.equal(5n);
		expect(await rejection(ask(second, rest('a'), 'odd', 1))).to.include({
			error: 'error-idempotency-answer-too-large',
		});
	});

	it('are refused if the answer has more values than EJSON may have', async () => {
		expect(await ask(first, rest('a'), 'many', 1)).to.have.length(MAX_VALUES + 1);
		expect(await rejection(ask(second, rest('a'), 'many', 1))).to.include({
			error: 'error-idempotency-answer-too-large',
		});
	});

	it('store no readable answer, argument or key, and equal answers as different texts', async () => {
		const secrets = ['of the answer and the argument', 'of-the-key', 'of-the-session', 'alice'];
		await ask(first, { key: secrets[1] as string, session: secrets[2] as string }, 'same', secrets[0]);
		await ask(first, { key: 'another', session: null }, 'same', secrets[0]);
		const text = await storedText();
		for (const secret of secrets) expect(text).not.to.include(secret);
		const [one, other] = await open.store.sharedState.find({}).toArray();
		expect(one?.args).not.to.equal(other?.args);
		expect(one?.answer?.slice(16)).not.to.equal(other?.answer?.slice(16));
	});

	describe('over DDP', () => {
		it('run again in the same session, and the latest answer is stored', async () => {
			await ask(first, ddp('A', '1', 'A'), 'quick', 1);
			expect(await ask(first, ddp('A', '1', 'A'), 'quick', 2)).to.equal('quick 2');
			expect(await ask(second, ddp('A', '1', 'B'), 'quick', 2)).to.equal('quick 2');
		});

		it('get the first answer in every later session of the chain', async () => {
			await ask(first, ddp('A', '1', 'A'), 'quick', 1);
			for (const server of [second, second, third, first])
				expect(await ask(server, ddp('A', '1', 'B'), 'quick', 1)).to.equal('quick 1');
		});

		it('store the answer of the latest if two with one id are concurrent in a session', async () => {
			const begun = nextHeld();
			const one = ask(first, ddp('A', '1', 'A'), 'held', 1);
			await begun;
			const again = nextHeld();
			const other = ask(first, ddp('A', '1', 'A'), 'held', 1);
			await again;
			settle[1]?.resolve('second');
			settle[0]?.resolve('first');
			expect([await one, await other]).to.deep.equal(['first', 'second']);
			expect(await ask(second, ddp('A', '1', 'B'), 'held', 1)).to.equal('second');
		});
	});
});
