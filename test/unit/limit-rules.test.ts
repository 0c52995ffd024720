/** Rate limit rules (test/contract/ddp.md section 14): how they count calls, and what a refused caller receives. */
import { mock } from 'node:test';
import { expect } from 'chai';
import type { RateMessage, RateOutcome } from '../../shared/limit.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey } from '../support/roomkey.js';
import { alice, callerFrom, methods, openWithRules, type RoomkeyWithRules, recordingRule } from '../support/rules.js';

describe('rate limit rules (14)', () => {
	let roomkey: RoomkeyWithRules;

	afterEach(() => roomkey.close());

	it('let N calls of a window pass, and refuse those that follow', async () => {
		const { received, rule } = recordingRule({ calls: 2, per: 1000 });
		roomkey = await openWithRules([rule]);
		const answers = [];
		for (let i = 0; i < 4; i++) answers.push(await roomkey.isRefused());
		expect(answers).to.deep.equal([false, false, true, true]);
		expect(received.map(([{ allowed, numInvocationsLeft }]) => [allowed, numInvocationsLeft])).to.deep.equal([
			[true, 1],
			[true, 0],
			[false, 0],
			[false, 0],
		]);
	});

	it('allow ten calls per second by default', async () => {
		roomkey = await openWithRules([{ matcher: {} }]);
		for (let i = 0; i < 10; i++) expect(await roomkey.isRefused()).to.equal(false);
		expect(await rejection(roomkey.callAs(alice, 'one'))).to.deep.include({ details: { timeToReset: 1000 } });
	});

	it('give each user a fixed window that begins with their first call', async () => {
		// In Meteor all users share one window of the rule.
		roomkey = await openWithRules([{ matcher: { userId: () => true }, calls: 1, per: 1000 }]);
		const bob = callerFrom('bob', '5.6.7.8', 'b');
		expect(await roomkey.isRefused(alice)).to.equal(false);
		mock.timers.tick(600);
		expect(await roomkey.isRefused(bob)).to.equal(false);
		expect(await roomkey.isRefused(alice)).to.equal(true);
		mock.timers.tick(400);
		expect([await roomkey.isRefused(alice), await roomkey.isRefused(bob)]).to.deep.equal([false, true]);
		mock.timers.tick(600);
		expect(await roomkey.isRefused(bob)).to.equal(false);
	});

	it('count no calls to unknown methods, and no calls that other methods make', async () => {
		const { received, rule } = recordingRule();
		roomkey = await openWithRules([rule]);
		for (const name of ['unknown', 'toString', '__proto__']) expect(await roomkey.answer(alice, name)).to.equal(404);
		expect(received).to.deep.equal([]);
		expect(await roomkey.answer(alice, 'callsOne')).to.equal('done');
		expect(received.map(([, { name }]) => name)).to.deep.equal(['callsOne']);
	});

	describe('several rules', () => {
		it('count every call that they match, and each of them can refuse it', async () => {
			const [wide, narrow] = [recordingRule({ calls: 3 }), recordingRule({ calls: 1, matcher: { name: 'two' } })];
			roomkey = await openWithRules([wide.rule, narrow.rule]);
			expect([await roomkey.isRefused(alice, 'two'), await roomkey.isRefused(alice, 'two')]).to.deep.equal([
				false,
				true,
			]);
			// A call that the narrow rule has refused counts in the wide rule.
			expect([await roomkey.isRefused(), await roomkey.isRefused()]).to.deep.equal([false, true]);
			expect([wide.received.length, narrow.received.length]).to.deep.equal([4, 2]);
		});

		for (const waits of [
			[3000, 1000, 2000],
			[1000, 3000, 2000],
			[1000, 2000, 3000],
		]) {
			it(`send the longest wait of the rules that refuse: ${waits.join(', ')} ms`, async () => {
				const refusing = waits.map((per) => ({ matcher: {}, calls: 1, per }));
				// Allows the second call, so its longer wait is not sent.
				const allowing = { matcher: {}, calls: 5, per: 60_000 };
				roomkey = await openWithRules([allowing, ...refusing]);
				expect(await roomkey.isRefused()).to.equal(false);
				expect(await rejection(roomkey.callAs(alice, 'one'))).to.deep.include({ details: { timeToReset: 3000 } });
			});
		}

		// The definition of `limited` has the limit of 2 calls in 1000 ms.
		it('count in addition to the limit in the definition of a method', async () => {
			roomkey = await openWithRules([{ matcher: { name: 'limited' }, calls: 3, per: 5000 }]);
			for (let i = 0; i < 2; i++) expect(await roomkey.isRefused(alice, 'limited')).to.equal(false);
			expect(await rejection(roomkey.callAs(alice, 'limited'))).to.deep.include({ details: { timeToReset: 1000 } });
			expect(await rejection(roomkey.callAs(alice, 'limited'))).to.deep.include({ details: { timeToReset: 5000 } });
		});
	});

	describe('the callback', () => {
		it('is called for each matching call, allowed or refused, with the rule id', async () => {
			const [named, unnamed] = [
				recordingRule({ id: 'mine', calls: 1, per: 500 }),
				recordingRule({ calls: 5, per: 700 }),
			];
			const elsewhere = recordingRule({ matcher: { name: 'two' } });
			roomkey = await openWithRules([named.rule, unnamed.rule, elsewhere.rule]);
			await roomkey.answer(alice, 'one');
			mock.timers.tick(200);
			await roomkey.answer(alice, 'one');
			expect(named.received.map(([outcome]) => outcome)).to.deep.equal([
				{ allowed: true, timeToReset: 500, numInvocationsLeft: 0, ruleId: 'mine' },
				{ allowed: false, timeToReset: 300, numInvocationsLeft: 0, ruleId: 'mine' },
			]);
			// The id of a rule without `id` is its index in the list.
			expect(unnamed.received.map(([outcome]) => outcome)).to.deep.equal([
				{ allowed: true, timeToReset: 700, numInvocationsLeft: 4, ruleId: '1' },
				{ allowed: true, timeToReset: 500, numInvocationsLeft: 3, ruleId: '1' },
			]);
			expect(elsewhere.received).to.deep.equal([]);
		});

		for (const [what, callback] of [
			[
				'throws an error',
				() => {
					throw new Error('broken');
				},
			],
			['rejects with an error', () => Promise.reject(new Error('broken'))],
		] as const) {
			it(`${what}, which is logged; the call is executed`, async () => {
				const { received, rule } = recordingRule();
				roomkey = await openWithRules([{ matcher: {}, callback }, rule]);
				expect(await roomkey.answer(alice, 'one')).to.equal('done');
				expect(received).to.have.length(1);
				expect(roomkey.errors()).to.deep.equal(['Exception in a callback of a rate limit']);
			});
		}

		it('may return anything', async () => {
			roomkey = await openWithRules([{ matcher: {}, callback: () => true as unknown as undefined }]);
			expect(await roomkey.answer(alice, 'one')).to.equal('done');
			expect(roomkey.errors()).to.deep.equal([]);
		});

		it('is called in a dry run with `allowed: false` for calls over the limit', async () => {
			const { received, rule } = recordingRule({ calls: 1 });
			roomkey = await openWithRules([rule], undefined, 'dry-run');
			for (let i = 0; i < 2; i++) expect(await roomkey.answer(alice, 'one')).to.equal('done');
			expect(received.map(([{ allowed }]) => allowed)).to.deep.equal([true, false]);
			expect(roomkey.log.lines.map(({ text }) => text)).to.deep.equal(['Too many requests: would be refused']);
		});
	});

	describe('the reason of the error', () => {
		const usual = 'Error, too many requests. Please slow down. You must wait 1 seconds before trying again.';
		const fails = () => {
			throw new Error('broken');
		};
		const describeOutcome = ({ ruleId, timeToReset, numInvocationsLeft, allowed }: RateOutcome) =>
			`${ruleId} ${timeToReset} ${numInvocationsLeft} ${allowed}`;
		for (const [what, message, forAll, reason] of [
			["is Meteor's by default", undefined, undefined, usual],
			['is the message of the rule', 'not now', undefined, 'not now'],
			["is the result of the rule's message function", describeOutcome, undefined, 'mine 900 0 false'],
			['is the message for all rules', undefined, 'slowly', 'slowly'],
			['is the result of the message function for all rules', undefined, describeOutcome, 'mine 900 0 false'],
			['is the message of the rule even if there is one for all rules', 'not now', describeOutcome, 'not now'],
			["is Meteor's if the message function throws", fails, undefined, usual],
		] as [string, RateMessage | undefined, RateMessage | undefined, string][]) {
			it(what, async () => {
				roomkey = await openWithRules(
					[{ id: 'mine', matcher: {}, calls: 1, per: 900, ...(message && { message }) }],
					forAll,
				);
				await roomkey.answer(alice, 'one');
				const details = { timeToReset: 900 };
				expect(await rejection(roomkey.callAs(alice, 'one'))).to.deep.include({ reason, details });
				expect(roomkey.errors()).to.deep.equal(message === fails ? ['Exception in a message of a rate limit'] : []);
			});
		}

		it('is the message for all rules also for the limit of a method', async () => {
			roomkey = await openWithRules([], describeOutcome);
			for (let i = 0; i < 2; i++) await roomkey.answer(alice, 'limited');
			expect(await rejection(roomkey.callAs(alice, 'limited'))).to.include({ reason: 'limited 1000 0 false' });
		});

		it('is the message of the rule with the longest wait', async () => {
			const rules = [2000, 1000].map((per) => ({ matcher: {}, calls: 1, per, message: `wait ${per}` }));
			roomkey = await openWithRules(rules);
			await roomkey.answer(alice, 'one');
			expect(await rejection(roomkey.callAs(alice, 'one'))).to.include({ reason: 'wait 2000' });
		});
	});
});

describe('a rate limit rule whose number of calls is not whole', () => {
	it('is refused', async () => {
		const wrong = openRoomkey(methods, { rateLimit: 'on', limits: [{ matcher: {}, calls: 1.5 }] });
		expect(await rejection(wrong)).to.have.property(
			'message',
			'A limit must be whole numbers of calls and ms, not 1.5 per 1000',
		);
	});
});
