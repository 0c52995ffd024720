/** Rate limits over several processes, which are Roomkeys in one process here (test/contract/ddp.md section 14). */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { sweepSharedState } from '../../server/core/sweepSharedState.js';
import { ClientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type Method, method } from '../../shared/method.js';
import { openRoomkey, type TestRoomkey } from '../support/roomkey.js';
import { type OpenStore, openTestStore } from '../support/store.js';

const MINUTE = 60_000;

function occurrences(values: readonly unknown[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1;
	return counts;
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

	it('keep expired documents for a minute, and then remove them', async () => {
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
