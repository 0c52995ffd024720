/** Rate limits of calls, with a fake clock (test/contract/ddp.md section 14). */
import { mock } from 'node:test';
import { expect } from 'chai';
import type { Caller } from '../../server/core/caller.js';
import { DefinitionError } from '../../shared/definition.js';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';

describe('rate limits of calls', () => {
	let roomkey: TestRoomkey;

	afterEach(async () => {
		mock.timers.reset();
		await roomkey.close();
	});

	const anyone = { summary: 'for a test', anonymous: true, args: {} } as const;
	const twice = method({ ...anyone, name: 'twice', limit: { calls: 2, per: 1500 }, run: () => 'done' });
	const accounts = ['login', 'createUser', 'resetPassword', 'forgotPassword'].map((name) =>
		method({ ...anyone, name, run: () => 'done' }),
	);

	async function open(methods: readonly Method[] = [twice], mode: 'on' | 'dry-run' = 'on'): Promise<void> {
		roomkey = await openRoomkey(methods, { rateLimit: mode });
		// After the store is open, because opening a database needs real timers.
		mock.timers.enable({ apis: ['setTimeout', 'Date'] });
	}

	/** Calls a method, or several in turn, until a call is refused. Returns how many calls were accepted. */
	async function allowed(caller: Partial<Caller>, name: string | readonly string[] = 'twice'): Promise<number> {
		const names = typeof name === 'string' ? [name] : name;
		for (let i = 0; i < 1000; i++) {
			try {
				await roomkey.callAs(caller, names[i % names.length] as string);
			} catch (error) {
				expect(error).to.include({ error: 'too-many-requests' });
				return i;
			}
		}
		throw new Error('nothing was refused');
	}

	it('allow N calls and refuse the next one, with the time to wait', async () => {
		await open();
		expect(await allowed({ userId: 'alice' })).to.equal(2);
		mock.timers.tick(300);
		expect(await rejection(roomkey.callAs({ userId: 'alice' }, 'twice'))).to.deep.include({
			error: 'too-many-requests',
			reason: 'Error, too many requests. Please slow down. You must wait 2 seconds before trying again.',
			details: { timeToReset: 1200 },
		});
	});

	it('round the seconds in the text up, and say `1 seconds`', async () => {
		await open();
		await allowed({});
		mock.timers.tick(1499);
		expect(await rejection(roomkey.call(null, 'twice'))).to.deep.include({
			reason: 'Error, too many requests. Please slow down. You must wait 1 seconds before trying again.',
			details: { timeToReset: 1 },
		});
	});

	it('start a new window when the last one is over; refused calls do not lengthen it', async () => {
		await open();
		expect(await allowed({})).to.equal(2);
		mock.timers.tick(1499);
		expect(await allowed({})).to.equal(0);
		mock.timers.tick(1);
		expect(await allowed({})).to.equal(2);
	});

	it('count the calls of each user separately, and those of one user from all addresses together', async () => {
		await open();
		expect(await allowed({ userId: 'alice', clientAddress: '1.2.3.4', connectionId: 'a' })).to.equal(2);
		expect(await allowed({ userId: 'alice', clientAddress: '5.6.7.8', connectionId: 'b' })).to.equal(0);
		expect(await allowed({ userId: 'bob', clientAddress: '1.2.3.4', connectionId: 'a' })).to.equal(2);
		expect(await allowed({ clientAddress: '1.2.3.4' })).to.equal(2);
	});

	for (const [one, other, same] of [
		['1.2.3.4', '1.2.3.4', true],
		['1.2.3.4', '1.2.3.5', false],
		['1.2.3.4', '::ffff:1.2.3.4', true],
		['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', true],
		['2001:db8:0:1::1', '2001:DB8::1:0:0:0:9', true],
		['2001:db8:0:1::1', '2001:db8:0:2::1', false],
		['fe80::1%eth0', 'fe80::2', true],
		['not-an-ip', 'other-text', false],
		[null, null, true],
	] as const) {
		it(`count ${one} and ${other} as ${same ? 'one address' : 'two addresses'}`, async () => {
			await open();
			expect(await allowed({ clientAddress: one })).to.equal(2);
			expect(await allowed({ clientAddress: other })).to.equal(same ? 0 : 2);
		});
	}

	it('count calls with invalid arguments, and calls without the required login', async () => {
		const strict = { name: 'strict', summary: 'for a test', limit: { calls: 2, per: 1000 }, run: () => {} };
		await open([method({ ...strict, args: { a: String } })]);
		expect(await rejection(roomkey.call(null, 'strict', 5))).to.include({ errorType: 'Match.Error' });
		expect(await rejection(roomkey.call(null, 'strict', 'a'))).to.include({ error: 'error-invalid-user' });
		expect(await rejection(roomkey.call(null, 'strict', 'a'))).to.include({ error: 'too-many-requests' });
	});

	it('count no calls that a method makes, and no calls to a method without a limit', async () => {
		const outer = method({
			...anyone,
			name: 'outer',
			run: async (_args, context) => {
				for (let i = 0; i < 10; i++) await context.call('twice');
			},
		});
		await open([twice, outer]);
		for (let i = 0; i < 100; i++) await roomkey.call(null, 'outer');
		expect(await allowed({})).to.equal(2);
	});

	it('allow each connection five calls of all account methods together in ten seconds', async () => {
		await open(accounts);
		const names = accounts.map(({ name }) => name);
		expect(await allowed({ connectionId: 'a' }, names)).to.equal(5);
		expect(await allowed({ connectionId: 'b' }, names)).to.equal(5);
		mock.timers.tick(9999);
		expect(await allowed({ connectionId: 'a' }, names)).to.equal(0);
		mock.timers.tick(1);
		expect(await allowed({ connectionId: 'a' }, names)).to.equal(5);
	});

	it('allow callers without a DDP connection fifty calls of account methods per address', async () => {
		await open(accounts);
		expect(await allowed({ clientAddress: '1.2.3.4' }, ['login', 'createUser'])).to.equal(50);
		expect(await allowed({ clientAddress: '5.6.7.8' }, 'login')).to.equal(50);
	});

	it('apply together if several concern a call, and the longest wait is sent', async () => {
		const login = method({ ...anyone, name: 'login', limit: { calls: 5, per: 60_000 }, run: () => {} });
		await open([login]);
		const caller = { userId: 'alice', connectionId: 'a' };
		expect(await allowed(caller, 'login')).to.equal(5);
		expect(await rejection(roomkey.callAs(caller, 'login'))).to.deep.include({ details: { timeToReset: 60_000 } });
	});

	it('pass the state of the limit to `onRateLimit` of the caller', async () => {
		await open();
		const results: unknown[] = [];
		const onRateLimit = (result: unknown) => void results.push(result);
		for (let i = 0; i < 3; i++) await roomkey.callAs({ onRateLimit }, 'twice').catch(() => {});
		expect(results).to.deep.equal([
			{ allowed: true, limit: 2, remaining: 1, timeToReset: 1500 },
			{ allowed: true, limit: 2, remaining: 0, timeToReset: 1500 },
			{ allowed: false, limit: 2, remaining: 0, timeToReset: 1500 },
		]);
	});

	it('refuse nobody in a dry run, and log which calls they would refuse', async () => {
		await open([twice], 'dry-run');
		const results: unknown[] = [];
		const caller = {
			userId: 'alice',
			clientAddress: '1.2.3.4',
			onRateLimit: (result: unknown) => void results.push(result),
		};
		for (let i = 0; i < 3; i++) expect(await roomkey.callAs(caller, 'twice')).to.equal('done');
		expect(results).to.deep.equal([]);
		expect(roomkey.log.lines).to.deep.equal([
			{
				level: 'info',
				facts: { method: 'twice', userId: 'alice', clientAddress: '1.2.3.4', limit: 2, timeToReset: 1500 },
				text: 'Too many requests: would be refused',
			},
		]);
	});

	for (const limit of [
		{ calls: 0, per: 1000 },
		{ calls: 1.5, per: 1000 },
		{ calls: 1, per: 0 },
		{ calls: 1, per: Infinity },
		{ calls: 1, per: 2 ** 31 },
	]) {
		it(`cannot be ${limit.calls} per ${limit.per}`, () => {
			const make = () => method({ ...anyone, name: 'wrong', limit, run: () => {} });
			expect(make).to.throw(DefinitionError, "limit of method 'wrong' must be { calls, per }: whole numbers");
		});
	}

	describe('failed logins', () => {
		const outcomes = {
			right: async () => 'right',
			wrong: () => Promise.reject(new ClientError(403, 'wrong')),
			broken: () => Promise.reject(new Error('the database is gone')),
		};
		type Outcome = keyof typeof outcomes;
		const prove = method({
			...anyone,
			name: 'prove',
			args: { account: String, outcome: Match.Any },
			run: ({ account, outcome }, context) => context.attempt(account, outcomes[outcome as Outcome]),
		});

		/** The result of an attempt: `right`, or the code of its error. */
		const attempt = (account: string, outcome: Outcome, clientAddress = '1.2.3.4') =>
			roomkey.callAs({ clientAddress }, 'prove', account, outcome).catch(({ error }) => error);
		const attempts = (count: number, accountOf: (i: number) => string, outcome: Outcome, clientAddress?: string) =>
			Promise.all(Array.from({ length: count }, (_, i) => attempt(accountOf(i), outcome, clientAddress)));
		const alice = () => 'alice';

		beforeEach(() => open([prove]));

		it('are limited to ten a minute per account and address, even if concurrent', async () => {
			const answers = await attempts(12, alice, 'wrong');
			expect(answers).to.deep.equal([...Array(10).fill(403), ...Array(2).fill('too-many-requests')]);
			expect(await attempt('Alice', 'right')).to.equal('too-many-requests');
			expect(await attempt('bob', 'right')).to.equal('right');
			mock.timers.tick(60_000);
			expect(await attempt('alice', 'right')).to.equal('right');
		});

		it('do not lock an account for other addresses', async () => {
			await attempts(12, alice, 'wrong');
			expect(await attempt('Alice', 'right', '5.6.7.8')).to.equal('right');
		});

		it('are limited to thirty a minute per account, over all addresses without an earlier login to it', async () => {
			expect(await attempt('alice', 'right', '10.0.0.1')).to.equal('right');
			for (let i = 0; i < 3; i++) await attempts(10, alice, 'wrong', `1.1.1.${i}`);
			expect(await attempt('alice', 'wrong', '2.2.2.2')).to.equal('too-many-requests');
			expect(await attempt('alice', 'right', '2.2.2.2')).to.equal('too-many-requests');
			expect(await attempt('alice', 'right', '10.0.0.1')).to.equal('right');
			expect(await attempts(11, alice, 'wrong', '10.0.0.1')).to.deep.equal([
				...Array(10).fill(403),
				'too-many-requests',
			]);
			mock.timers.tick(60_000);
			expect(await attempt('alice', 'right', '2.2.2.2')).to.equal('right');
		});

		it("from other addresses stay in the account's count of thirty when a login from one address succeeds", async () => {
			for (let i = 0; i < 3; i++) await attempts(9, alice, 'wrong', `1.1.1.${i}`);
			expect(await attempt('alice', 'right', '3.3.3.3')).to.equal('right');
			expect(await attempts(4, alice, 'wrong', '4.4.4.4')).to.deep.equal([403, 403, 403, 'too-many-requests']);
		});

		it('are forgotten for an account and address after a successful login', async () => {
			for (let i = 0; i < 3; i++) {
				expect(await attempts(9, alice, 'wrong')).to.deep.equal(Array(9).fill(403));
				expect(await attempt('alice', 'right')).to.equal('right');
			}
		});

		it('are limited to a hundred a minute per address, despite successful logins in between', async () => {
			const name = (i: number) => `name-${i}`;
			expect(await attempts(99, name, 'wrong')).to.deep.equal(Array(99).fill(403));
			for (let i = 0; i < 5; i++) expect(await attempt('mine', 'right')).to.equal('right');
			expect(await attempt('name-100', 'wrong')).to.equal(403);
			expect(await attempt('name-101', 'wrong')).to.equal('too-many-requests');
			expect(await attempt('mine', 'right')).to.equal('too-many-requests');
			expect(await attempt('mine', 'right', '5.6.7.8')).to.equal('right');
		});

		it('are not counted if the server has failed', async () => {
			expect(await attempts(10, alice, 'broken')).to.deep.equal(Array(10).fill(500));
			expect(await attempts(10, alice, 'wrong')).to.deep.equal(Array(10).fill(403));
		});
	});
});
