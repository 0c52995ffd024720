/** test/contract/ddp.md section 14: how rules count, and what is sent. */
import { mock } from 'node:test';
import { expect } from 'chai';
import type { RateMessage, RateOutcome } from '../../shared/limit.js';
import { rejection } from '../support/rejection.js';
import { openRoomkey } from '../support/roomkey.js';
import { alice, from, listener, methods, openRuled, type RuledRoomkey } from '../support/rules.js';

describe('rules of limits (14)', () => {
	let roomkey: RuledRoomkey;

	afterEach(() => roomkey.close());

	it('counting: N pass and the next is refused; refused ones count', async () => {
		const { received, rule } = listener({ calls: 2, per: 1000 });
		roomkey = await openRuled([rule]);
		const answers = [];
		for (let i = 0; i < 4; i++) answers.push(await roomkey.refuses());
		expect(answers).to.deep.equal([false, false, true, true]);
		expect(received.map(([{ allowed, numInvocationsLeft }]) => [allowed, numInvocationsLeft])).to.deep.equal([
			[true, 1],
			[true, 0],
			[false, 0],
			[false, 0],
		]);
	});

	it('counting: ten a second, where a rule does not say it', async () => {
		roomkey = await openRuled([{ matcher: {} }]);
		for (let i = 0; i < 10; i++) expect(await roomkey.refuses()).to.equal(false);
		expect(await rejection(roomkey.callAs(alice, 'one'))).to.deep.include({ details: { timeToReset: 1000 } });
	});

	it('window: begins with the first count of its bucket (Meteor: of its rule), and is not lengthened', async () => {
		roomkey = await openRuled([{ matcher: { userId: () => true }, calls: 1, per: 1000 }]);
		const bob = from('bob', '5.6.7.8', 'b');
		expect(await roomkey.refuses(alice)).to.equal(false);
		mock.timers.tick(600);
		expect(await roomkey.refuses(bob)).to.equal(false);
		expect(await roomkey.refuses(alice)).to.equal(true);
		mock.timers.tick(400);
		expect([await roomkey.refuses(alice), await roomkey.refuses(bob)]).to.deep.equal([false, true]);
		mock.timers.tick(600);
		expect(await roomkey.refuses(bob)).to.equal(false);
	});

	it('not counted: unknown methods, and calls by the server', async () => {
		const { received, rule } = listener();
		roomkey = await openRuled([rule]);
		for (const name of ['unknown', 'toString', '__proto__']) expect(await roomkey.answer(alice, name)).to.equal(404);
		expect(received).to.deep.equal([]);
		expect(await roomkey.answer(alice, 'outer')).to.equal('done');
		expect(received.map(([, { name }]) => name)).to.deep.equal(['outer']);
	});

	describe('several rules', () => {
		it('are all counted, and any one refuses', async () => {
			const [wide, narrow] = [listener({ calls: 3 }), listener({ calls: 1, matcher: { name: 'two' } })];
			roomkey = await openRuled([wide.rule, narrow.rule]);
			expect([await roomkey.refuses(alice, 'two'), await roomkey.refuses(alice, 'two')]).to.deep.equal([false, true]);
			// A call that the narrow rule has refused counts in the wide rule.
			expect([await roomkey.refuses(), await roomkey.refuses()]).to.deep.equal([false, true]);
			expect([wide.received.length, narrow.received.length]).to.deep.equal([4, 2]);
		});

		for (const order of ['first', 'last']) {
			it(`send the longest wait of those that refuse, be it the ${order}, not of those that allow`, async () => {
				const rules = [1000, 3000, 2000].map((per) => ({ matcher: {}, calls: 1, per }));
				roomkey = await openRuled([
					{ matcher: {}, calls: 5, per: 60_000 },
					...(order === 'first' ? rules : rules.reverse()),
				]);
				await roomkey.refuses();
				expect(await rejection(roomkey.callAs(alice, 'one'))).to.deep.include({ details: { timeToReset: 3000 } });
			});
		}

		it('count beside the limit in a definition', async () => {
			roomkey = await openRuled([{ matcher: { name: 'limited' }, calls: 3, per: 5000 }]);
			for (let i = 0; i < 2; i++) expect(await roomkey.refuses(alice, 'limited')).to.equal(false);
			expect(await rejection(roomkey.callAs(alice, 'limited'))).to.deep.include({ details: { timeToReset: 1000 } });
			expect(await rejection(roomkey.callAs(alice, 'limited'))).to.deep.include({ details: { timeToReset: 5000 } });
		});
	});

	describe('callback', () => {
		it('is called for each event that matches, allowed or not, with the id of the rule', async () => {
			const [named, unnamed] = [listener({ id: 'mine', calls: 1, per: 500 }), listener({ calls: 5, per: 700 })];
			const elsewhere = listener({ matcher: { name: 'two' } });
			roomkey = await openRuled([named.rule, unnamed.rule, elsewhere.rule]);
			await roomkey.answer(alice, 'one');
			mock.timers.tick(200);
			await roomkey.answer(alice, 'one');
			expect(named.received.map(([outcome]) => outcome)).to.deep.equal([
				{ allowed: true, timeToReset: 500, numInvocationsLeft: 0, ruleId: 'mine' },
				{ allowed: false, timeToReset: 300, numInvocationsLeft: 0, ruleId: 'mine' },
			]);
			expect(unnamed.received.map(([outcome]) => outcome)).to.deep.equal([
				{ allowed: true, timeToReset: 700, numInvocationsLeft: 4, ruleId: '1' },
				{ allowed: true, timeToReset: 500, numInvocationsLeft: 3, ruleId: '1' },
			]);
			expect(elsewhere.received).to.deep.equal([]);
		});

		for (const [how, callback] of [
			[
				'throws',
				() => {
					throw new Error('broken');
				},
			],
			['rejects', () => Promise.reject(new Error('broken'))],
		] as const) {
			it(`that ${how} is logged, and the call goes on`, async () => {
				const { received, rule } = listener();
				roomkey = await openRuled([{ matcher: {}, callback }, rule]);
				expect(await roomkey.answer(alice, 'one')).to.equal('done');
				expect(received).to.have.length(1);
				expect(roomkey.errors()).to.deep.equal(['Exception in a callback of a rate limit']);
			});
		}

		it('may return anything', async () => {
			roomkey = await openRuled([{ matcher: {}, callback: () => true as unknown as undefined }]);
			expect(await roomkey.answer(alice, 'one')).to.equal('done');
			expect(roomkey.errors()).to.deep.equal([]);
		});

		it('receives in a dry run what would be refused', async () => {
			const { received, rule } = listener({ calls: 1 });
			roomkey = await openRuled([rule], undefined, 'dry-run');
			for (let i = 0; i < 2; i++) expect(await roomkey.answer(alice, 'one')).to.equal('done');
			expect(received.map(([{ allowed }]) => allowed)).to.deep.equal([true, false]);
			expect(roomkey.log.lines.map(({ text }) => text)).to.deep.equal(['Too many requests: would be refused']);
		});
	});

	describe('reason', () => {
		const usual = 'Error, too many requests. Please slow down. You must wait 1 seconds before trying again.';
		const fails = () => {
			throw new Error('broken');
		};
		const describeOutcome = ({ ruleId, timeToReset, numInvocationsLeft, allowed }: RateOutcome) =>
			`${ruleId} ${timeToReset} ${numInvocationsLeft} ${allowed}`;
		for (const [what, message, forAll, reason] of [
			['is the usual one', undefined, undefined, usual],
			['is the text of the rule', 'not now', undefined, 'not now'],
			['is what the function of the rule makes of the outcome', describeOutcome, undefined, 'mine 900 0 false'],
			['is the text for all rules', undefined, 'slowly', 'slowly'],
			['is what the function for all rules makes of the outcome', undefined, describeOutcome, 'mine 900 0 false'],
			['of a rule goes before that for all', 'not now', describeOutcome, 'not now'],
			['is the usual one where its function throws', fails, undefined, usual],
		] as [string, RateMessage | undefined, RateMessage | undefined, string][]) {
			it(what, async () => {
				roomkey = await openRuled(
					[{ id: 'mine', matcher: {}, calls: 1, per: 900, ...(message && { message }) }],
					forAll,
				);
				await roomkey.answer(alice, 'one');
				const details = { timeToReset: 900 };
				expect(await rejection(roomkey.callAs(alice, 'one'))).to.deep.include({ reason, details });
				expect(roomkey.errors()).to.deep.equal(message === fails ? ['Exception in a message of a rate limit'] : []);
			});
		}

		it('for all is also that of limits in definitions', async () => {
			roomkey = await openRuled([], describeOutcome);
			for (let i = 0; i < 2; i++) await roomkey.answer(alice, 'limited');
			expect(await rejection(roomkey.callAs(alice, 'limited'))).to.include({ reason: 'limited 1000 0 false' });
		});

		it('is that of the rule whose wait is sent', async () => {
			const rules = [2000, 1000].map((per) => ({ matcher: {}, calls: 1, per, message: `wait ${per}` }));
			roomkey = await openRuled(rules);
			await roomkey.answer(alice, 'one');
			expect(await rejection(roomkey.callAs(alice, 'one'))).to.include({ reason: 'wait 2000' });
		});
	});

	it('cannot be of half a call', async () => {
		roomkey = await openRuled([]);
		const wrong = openRoomkey(methods, { rateLimit: 'on', limits: [{ matcher: {}, calls: 1.5 }] });
		expect(await rejection(wrong)).to.have.property(
			'message',
			'A limit must be whole numbers of calls and ms, not 1.5 per 1000',
		);
	});
});
