/** Rate limit rules (test/contract/ddp.md section 14): which calls a rule matches, and which it counts together. */
import { expect } from 'chai';
import type { Caller } from '../../server/core/caller.js';
import type { RateMatcher } from '../../shared/limit.js';
import { alice, callerFrom, methods, openWithRules, type RoomkeyWithRules, recordingRule } from '../support/rules.js';

describe('rate limit rules (14):', () => {
	let roomkey: RoomkeyWithRules;

	afterEach(() => roomkey.close());

	describe('the event that a rule receives about a call', () => {
		for (const [origin, caller, rest] of [
			['over DDP', alice, { userId: 'alice', clientAddress: '1.2.3.4', connectionId: 'a' }],
			['over REST', callerFrom(null, '1.2.3.4', null), { userId: null, clientAddress: '1.2.3.4', connectionId: null }],
			[
				'from an unknown address',
				callerFrom(null, null, null),
				{ userId: null, clientAddress: null, connectionId: null },
			],
		] as const) {
			it(`${origin} has method name, user, address and connection`, async () => {
				const { received, rule } = recordingRule();
				roomkey = await openWithRules([rule]);
				await roomkey.answer(caller, 'one');
				expect(received.map(([, event]) => event)).to.deep.equal([{ type: 'method', name: 'one', ...rest }]);
			});
		}
	});

	describe('a matcher', () => {
		const fails = () => {
			throw new Error('the matcher fails');
		};
		for (const [what, matcher, matches] of [
			['without keys', {}, true],
			[
				'whose keys are all null',
				{ type: null, name: null, userId: null, clientAddress: null, connectionId: null },
				true,
			],
			['with the values of the call', { type: 'method', name: 'one', userId: 'alice', connectionId: 'a' }, true],
			['with the address of the call', { clientAddress: '1.2.3.4' }, true],
			['with another type', { type: 'subscription' }, false],
			['with another name', { name: 'two' }, false],
			['with another user', { userId: 'bob' }, false],
			['with another address', { clientAddress: '1.2.3.5' }, false],
			['with another connection', { connectionId: 'b' }, false],
			['with the name of the call and another user', { name: 'one', userId: 'bob' }, false],
			['with a list that has the name of the call', { name: ['two', 'one'] }, true],
			['with a list that lacks the name of the call', { name: ['two'] }, false],
			['with functions that return true', { type: () => true, name: () => true, userId: () => true }, true],
			['with a function that returns a truthy value', { userId: (userId) => userId }, true],
			['with a function that returns a falsy value', { userId: () => 0 }, false],
			['with a function that returns false for the name of the call', { name: (name) => name === 'two' }, false],
			['with a function that throws', { connectionId: fails }, false],
		] as [string, RateMatcher, boolean][]) {
			it(`${what} ${matches ? 'matches' : 'does not match'}`, async () => {
				const { received, rule } = recordingRule({ matcher });
				roomkey = await openWithRules([rule]);
				expect(await roomkey.answer(alice, 'one')).to.equal('done');
				expect(received).to.have.length(matches ? 1 : 0);
				expect(roomkey.errors()).to.deep.equal(
					matcher.connectionId === fails ? ['Exception in a matcher of a rate limit'] : [],
				);
			});
		}

		it('calls its function for names once for each method, when the server starts', async () => {
			const received: string[] = [];
			const name = (name: string) => received.push(name);
			roomkey = await openWithRules([{ matcher: { type: 'method', name } }]);
			const names = methods.map((method) => method.name);
			expect(received).to.deep.equal(names);
			for (let i = 0; i < 3; i++) await roomkey.answer(alice, 'one');
			expect(received).to.deep.equal(names);
		});
	});

	describe('a rule', () => {
		const any = () => true;
		const other = callerFrom('bob', '5.6.7.8', 'b');
		for (const [matcher, caller, name, same] of [
			[{}, other, 'two', true],
			[{ userId: null, connectionId: null }, other, 'two', true],
			[{ type: any }, other, 'two', true],
			[{ name: any }, other, 'one', true],
			[{ name: any }, alice, 'two', false],
			[{ name: ['one', 'two'] }, other, 'two', true],
			[{ userId: any }, callerFrom('alice', '5.6.7.8', 'b'), 'two', true],
			[{ userId: any }, callerFrom('bob', '1.2.3.4', 'a'), 'one', false],
			[{ userId: any }, callerFrom(null, '1.2.3.4', 'a'), 'one', false],
			[{ userId: ['alice', 'bob'] }, other, 'one', true],
			[{ connectionId: any }, callerFrom('bob', '5.6.7.8', 'a'), 'two', true],
			[{ connectionId: any }, callerFrom('alice', '1.2.3.4', 'b'), 'one', false],
			[{ clientAddress: any }, callerFrom('bob', '1.2.3.4', 'b'), 'two', true],
			[{ clientAddress: any }, callerFrom('bob', '::ffff:1.2.3.4', 'b'), 'two', true],
			[{ clientAddress: any }, callerFrom('alice', '1.2.3.5', 'a'), 'one', false],
			[{ userId: any, clientAddress: any }, callerFrom('alice', '1.2.3.4', 'b'), 'two', true],
			[{ userId: any, clientAddress: any }, callerFrom('alice', '5.6.7.8', 'a'), 'one', false],
			[{ userId: any, clientAddress: any }, callerFrom('bob', '1.2.3.4', 'a'), 'one', false],
		] as [RateMatcher, Partial<Caller>, string, boolean][]) {
			const keys = Object.entries(matcher).map(
				([key, value]) => `${key} ${typeof value === 'function' ? 'any' : value}`,
			);
			const { userId, clientAddress, connectionId } = caller;
			const call = `'${name}' by ${userId} at ${clientAddress} on connection ${connectionId}`;
			it(`counts 'one' by alice ${same ? 'together with' : 'apart from'} ${call}, with the matcher {${keys.join(', ')}}`, async () => {
				roomkey = await openWithRules([{ matcher, calls: 1, per: 1000 }]);
				expect(await roomkey.answer(alice, 'one')).to.equal('done');
				expect(await roomkey.isRefused(caller, name)).to.equal(same);
			});
		}

		it('counts all addresses of an IPv6 /64 together if its matcher has clientAddress', async () => {
			roomkey = await openWithRules([{ matcher: { clientAddress: any }, calls: 1, per: 1000 }]);
			expect(await roomkey.isRefused(callerFrom(null, '2001:db8:0:1::1', 'a'))).to.equal(false);
			expect(await roomkey.isRefused(callerFrom(null, '2001:db8:0:1:ffff::2', 'b'))).to.equal(true);
			expect(await roomkey.isRefused(callerFrom(null, '2001:db8:0:2::1', 'c'))).to.equal(false);
		});

		it('counts apart from another rule with the same matcher', async () => {
			const [first, second] = [recordingRule({ calls: 7 }), recordingRule({ calls: 9 })];
			roomkey = await openWithRules([first.rule, second.rule]);
			for (let i = 0; i < 2; i++) await roomkey.answer(alice, 'one');
			const left = ({ received }: typeof first) => received.map(([{ numInvocationsLeft }]) => numInvocationsLeft);
			expect([left(first), left(second)]).to.deep.equal([
				[6, 5],
				[8, 7],
			]);
		});
	});
});
