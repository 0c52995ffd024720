/** test/contract/ddp.md section 14: which calls a rule matches, and which it counts together. */
import { expect } from 'chai';
import type { Caller } from '../../server/core/caller.js';
import type { RateMatcher } from '../../shared/limit.js';
import { alice, from, listener, methods, openRuled, type RuledRoomkey } from '../support/rules.js';

describe('rules of limits: what they are about (14)', () => {
	let roomkey: RuledRoomkey;

	afterEach(() => roomkey.close());

	describe('event', () => {
		for (const [who, caller, rest] of [
			['over DDP', alice, { userId: 'alice', clientAddress: '1.2.3.4', connectionId: 'a' }],
			['over REST', from(null, '1.2.3.4', null), { userId: null, clientAddress: '1.2.3.4', connectionId: null }],
			['from nowhere', from(null, null, null), { userId: null, clientAddress: null, connectionId: null }],
		] as const) {
			it(`of a call ${who} says what is called, and who calls from where`, async () => {
				const { received, rule } = listener();
				roomkey = await openRuled([rule]);
				await roomkey.answer(caller, 'one');
				expect(received.map(([, event]) => event)).to.deep.equal([{ type: 'method', name: 'one', ...rest }]);
			});
		}
	});

	describe('matcher', () => {
		const fails = () => {
			throw new Error('does not know');
		};
		for (const [what, matcher, matches] of [
			['without keys', {}, true],
			['of null', { type: null, name: null, userId: null, clientAddress: null, connectionId: null }, true],
			['of the event itself', { type: 'method', name: 'one', userId: 'alice', connectionId: 'a' }, true],
			['of the address', { clientAddress: '1.2.3.4' }, true],
			['of another type', { type: 'subscription' }, false],
			['of another name', { name: 'two' }, false],
			['of another user', { userId: 'bob' }, false],
			['of another address', { clientAddress: '1.2.3.5' }, false],
			['of another connection', { connectionId: 'b' }, false],
			['of which one key is another', { name: 'one', userId: 'bob' }, false],
			['of a list with it', { name: ['two', 'one'] }, true],
			['of a list without it', { name: ['two'] }, false],
			['of functions that return true', { type: () => true, name: () => true, userId: () => true }, true],
			['of a function that returns something truthy', { userId: (userId) => userId }, true],
			['of a function that returns something falsy', { userId: () => 0 }, false],
			['of a function that is false for the name', { name: (name) => name === 'two' }, false],
			['of a function that throws', { connectionId: fails }, false],
		] as [string, RateMatcher, boolean][]) {
			it(`${what} ${matches ? 'matches' : 'does not match'}`, async () => {
				const { received, rule } = listener({ matcher });
				roomkey = await openRuled([rule]);
				expect(await roomkey.answer(alice, 'one')).to.equal('done');
				expect(received).to.have.length(matches ? 1 : 0);
				expect(roomkey.errors()).to.deep.equal(
					matcher.connectionId === fails ? ['Exception in a matcher of a rate limit'] : [],
				);
			});
		}

		it('is asked about names when the server is built, and not again', async () => {
			const asked: string[] = [];
			const name = (name: string) => asked.push(name);
			roomkey = await openRuled([{ matcher: { type: 'method', name } }]);
			const names = methods.map((method) => method.name);
			expect(asked).to.deep.equal(names);
			for (let i = 0; i < 3; i++) await roomkey.answer(alice, 'one');
			expect(asked).to.deep.equal(names);
		});
	});

	describe('bucket', () => {
		const any = () => true;
		const other = from('bob', '5.6.7.8', 'b');
		for (const [matcher, caller, name, same] of [
			[{}, other, 'two', true],
			[{ userId: null, connectionId: null }, other, 'two', true],
			[{ type: any }, other, 'two', true],
			[{ name: any }, other, 'one', true],
			[{ name: any }, alice, 'two', false],
			[{ name: ['one', 'two'] }, other, 'two', true],
			[{ userId: any }, from('alice', '5.6.7.8', 'b'), 'two', true],
			[{ userId: any }, from('bob', '1.2.3.4', 'a'), 'one', false],
			[{ userId: any }, from(null, '1.2.3.4', 'a'), 'one', false],
			[{ userId: ['alice', 'bob'] }, other, 'one', true],
			[{ connectionId: any }, from('bob', '5.6.7.8', 'a'), 'two', true],
			[{ connectionId: any }, from('alice', '1.2.3.4', 'b'), 'one', false],
			[{ clientAddress: any }, from('bob', '1.2.3.4', 'b'), 'two', true],
			[{ clientAddress: any }, from('bob', '::ffff:1.2.3.4', 'b'), 'two', true],
			[{ clientAddress: any }, from('alice', '1.2.3.5', 'a'), 'one', false],
			[{ userId: any, clientAddress: any }, from('alice', '1.2.3.4', 'b'), 'two', true],
			[{ userId: any, clientAddress: any }, from('alice', '5.6.7.8', 'a'), 'one', false],
			[{ userId: any, clientAddress: any }, from('bob', '1.2.3.4', 'a'), 'one', false],
		] as [RateMatcher, Partial<Caller>, string, boolean][]) {
			const keys = Object.entries(matcher).map(([key, of]) => `${key} ${typeof of === 'function' ? 'any' : of}`);
			const { userId, clientAddress, connection } = caller;
			it(`by ${keys.join(', ') || 'nothing'}: ${name} of ${userId}, ${clientAddress}, ${connection?.id} is ${same ? 'in the same' : 'in another'}`, async () => {
				roomkey = await openRuled([{ matcher, calls: 1, per: 1000 }]);
				expect(await roomkey.answer(alice, 'one')).to.equal('done');
				expect(await roomkey.refuses(caller, name)).to.equal(same);
			});
		}

		it('of addresses is a /64 of IPv6', async () => {
			roomkey = await openRuled([{ matcher: { clientAddress: any }, calls: 1, per: 1000 }]);
			expect(await roomkey.refuses(from(null, '2001:db8:0:1::1', 'a'))).to.equal(false);
			expect(await roomkey.refuses(from(null, '2001:db8:0:1:ffff::2', 'b'))).to.equal(true);
			expect(await roomkey.refuses(from(null, '2001:db8:0:2::1', 'c'))).to.equal(false);
		});

		it('is of one rule: another with the same matcher counts by itself', async () => {
			const [first, second] = [listener({ calls: 7 }), listener({ calls: 9 })];
			roomkey = await openRuled([first.rule, second.rule]);
			for (let i = 0; i < 2; i++) await roomkey.answer(alice, 'one');
			const left = ({ received }: typeof first) => received.map(([{ numInvocationsLeft }]) => numInvocationsLeft);
			expect([left(first), left(second)]).to.deep.equal([
				[6, 5],
				[8, 7],
			]);
		});
	});
});
