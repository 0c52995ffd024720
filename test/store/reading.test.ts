/** What every store guarantees about reading, counting and deleting. */
import { expect } from 'chai';
import { pagesOf } from '../../methods/model/pages.js';
import type { Room, Subscription, User } from '../../shared/documents.js';
import type { Filter, Store } from '../../shared/store.js';
import { rejection } from '../support/rejection.js';
import { eachStore } from '../support/store.js';

const after = { returnDocument: 'after' } as const;

eachStore('any store: reading', (test) => {
	const room = (_id: string, fields: Partial<Room> = {}): Room => ({ _id, t: 'p', ...fields });
	const ids = async (filter: Filter<Room>) =>
		(await test.store.rooms.find(filter, { sort: { _id: 1 } }).toArray()).map(({ _id }) => _id);

	describe('a collection', () => {
		beforeEach(async () => {
			for (const [_id, name] of [
				['a', 'one'],
				['b', 'two'],
				['c', 'three'],
			] as const)
				await test.store.rooms.insertOne(room(_id, { name }));
		});

		it('finds one document, or returns null', async () => {
			expect(await test.store.rooms.findOne({ _id: 'b' })).to.include({ _id: 'b', t: 'p', name: 'two' });
			expect(await test.store.rooms.findOne({ _id: 'x' })).to.equal(null);
			expect(await test.store.rooms.findOne({}, { sort: { name: -1 } })).to.include({ _id: 'b' });
		});

		it('sorts by several fields, and returns any part of the sorted documents', async () => {
			const names = ['n', 'm', 'o'];
			for (let i = 0; i < 60; i++)
				await test.store.rooms.insertOne(room(`x${(i * 37) % 60}`, { topic: names[i % 3] as string }));
			const filter: Filter<Room> = { topic: { $exists: true } };
			const all = await test.store.rooms.find(filter, { sort: { topic: -1, _id: 1 } }).toArray();
			const entries = all.map(({ topic, _id }) => `${topic} ${_id}`);
			const expected = names
				.sort()
				.reverse()
				.flatMap((name) => entries.filter((one) => one.startsWith(name)).sort());
			expect(entries).to.deep.equal(expected).and.have.length(60);
			for (const [skip, limit] of [
				[0, 1],
				[0, 7],
				[13, 20],
				[55, 20],
				[60, 5],
				[30, 0],
			] as const) {
				const part = await test.store.rooms.find(filter, { sort: { topic: -1, _id: 1 }, skip, limit }).toArray();
				expect(part).to.deep.equal(all.slice(skip, limit === 0 ? undefined : skip + limit));
			}
		});

		it('sorts values of all types, documents and arrays included', async () => {
			const date = new Date(5);
			// In each field of a document, the type of the value counts first, then the name, then the value.
			const ascending: unknown[] = [
				[],
				null,
				-1,
				[9, 2],
				3,
				'',
				'a',
				'b',
				{},
				{ a: null },
				{ b: null },
				{ a: 1 },
				{ a: 1, b: 0 },
				{ a: 1, b: 2 },
				{ a: 2 },
				{ c: 1 },
				{ a: 'x' },
				{ a: {} },
				{ a: { b: 1 } },
				{ a: [] },
				{ a: [1] },
				{ a: [1, 0] },
				{ a: [2] },
				{ a: false },
				{ a: date },
				[[1]],
				false,
				true,
				date,
			];
			for (const [i, value] of ascending.entries())
				await test.store.rooms.insertOne(
					room(`v${(i * 11) % ascending.length}`, { topic: value as string, name: `t${i}` }),
				);
			const filter: Filter<Room> = { topic: { $exists: true } };
			const sorted = await test.store.rooms.find(filter, { sort: { topic: 1 } }).toArray();
			expect(sorted.map(({ topic }) => topic)).to.deep.equal(ascending);
			const reversed = await test.store.rooms.find(filter, { sort: { topic: -1 } }).toArray();
			// In descending order an array counts by its greatest element.
			const withoutArrays = ascending.filter((value) => !Array.isArray(value)).reverse();
			expect(reversed.map(({ topic }) => topic as unknown).filter((value) => !Array.isArray(value))).to.deep.equal(
				withoutArrays,
			);
		});

		it('finds many documents: sorted, with skip and limit, and one by one', async () => {
			expect(await ids({})).to.deep.equal(['a', 'b', 'c']);
			const page = test.store.rooms.find({}, { sort: { name: 1 }, skip: 1, limit: 1 });
			expect((await page.toArray()).map(({ _id }) => _id)).to.deep.equal(['c']);
			expect(await test.store.rooms.find({}, { limit: 0 }).toArray()).to.have.length(3);
			const seen: string[] = [];
			for await (const { _id } of test.store.rooms.find({}, { sort: { t: 1, _id: -1 } })) seen.push(_id);
			expect(seen).to.deep.equal(['c', 'b', 'a']);
		});

		// `pagesOf` needs this sort and this filter.
		it('sorts null and numbers before texts, and finds neither by $gt with a text', async () => {
			const { subscriptions } = test.store;
			const array = ['u99x', 'u10x'];
			for (const [i, _id] of ['u2', array, 7, 'u11', null, 'u109', 'u1'].entries())
				await subscriptions.insertOne({ _id: `s${i}`, rid: 'r', u: { _id: _id as unknown as string } });
			const options = { sort: { 'u._id': 1 }, limit: 10 } as const;
			const users = async (filter: Filter<Subscription>) =>
				(await subscriptions.find(filter, options).toArray()).map(({ u }) => u._id as unknown);
			expect(await users({ rid: 'r' })).to.deep.equal([null, 7, 'u1', 'u109', array, 'u11', 'u2']);
			expect(await users({ rid: 'r', 'u._id': { $gt: 'u108' } })).to.deep.equal(['u109', array, 'u11', 'u2']);
		});

		it('refuses wrong and unknown options of a read, but ignores undefined ones', async () => {
			const { rooms } = test.store;
			for (const [options, message] of [
				[{ projection: { name: undefined } }, "projection of 'name' must be 0 or 1"],
				[{ projection: { name: true } }, "projection of 'name' must be 0 or 1"],
				[{ projection: ['name'] }, 'each field of projection must be 0 or 1'],
				[{ sort: { name: undefined } }, "sort of 'name' must be 1 or -1"],
				[{ sort: { name: 'asc' } }, "sort of 'name' must be 1 or -1"],
				[{ limit: -1 }, 'limit must be a whole number from 0'],
				[{ skip: '1' }, 'skip must be a whole number from 0'],
				[{ fields: { name: 1 } }, "A read has no option 'fields'; its options are projection, sort, skip, limit"],
			] as [object, string][]) {
				for (const read of [async () => rooms.findOne({}, options), async () => rooms.find({}, options).toArray()]) {
					const error = await rejection(read());
					expect(error, message).to.be.instanceOf(TypeError);
					expect(error.message).to.equal(message);
				}
			}
			const none = { projection: undefined, sort: undefined, skip: undefined, limit: undefined } as object;
			expect(await rooms.find({}, none).toArray()).to.have.length(3);
		});

		it('counts', async () => {
			expect(await test.store.rooms.countDocuments({})).to.equal(3);
			expect(await test.store.rooms.countDocuments({ name: { $in: ['one', 'two', 'nine'] } })).to.equal(2);
		});

		it('deletes', async () => {
			expect(await test.store.rooms.deleteOne({ t: 'p' })).to.include({ deletedCount: 1 });
			expect(await test.store.rooms.deleteOne({ t: 'c' })).to.include({ deletedCount: 0 });
			expect(await test.store.rooms.deleteMany({})).to.include({ deletedCount: 2 });
			expect(await ids({})).to.deep.equal([]);
		});
	});

	describe('pages of memberships in the order of user ids', () => {
		let subscriptions: Store['subscriptions'];
		const MEMBERS = 150;
		const add = (user: string, more: object = {}) =>
			subscriptions.insertOne({ _id: `of ${user}`, rid: 'r', u: { _id: user }, ...more });
		beforeEach(async () => {
			({ subscriptions } = test.store);
			for (let i = 0; i < MEMBERS; i++) await add(`u${(i * 37) % MEMBERS}`);
			await subscriptions.insertOne({ _id: 'elsewhere', rid: 'r2', u: { _id: 'u7' } });
		});

		async function users(conditions: Filter<Subscription> = {}): Promise<unknown[]> {
			const found: unknown[] = [];
			for await (const page of pagesOf(subscriptions, { rid: 'r', ...conditions }, { key: 'u._id', size: 20 })) {
				expect(page.length).to.be.at.most(20);
				found.push(...page.map(({ u }) => u._id));
			}
			return found;
		}
		const byCodePoint = (texts: string[]) => texts.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
		const plain = Array.from({ length: MEMBERS }, (_, i) => `u${i}`);

		it('contain every member once', async () => {
			const others = ['', 'é', '\uffee', '🔑', 'U1', '7'];
			for (const other of others) await add(other);
			expect(await users()).to.deep.equal(byCodePoint([...plain, ...others]));
		});

		it('contain the members who match, also after changes', async () => {
			await subscriptions.updateMany({ 'u._id': { $in: ['u3', 'u4'] } }, { $set: { status: 'INVITED' } });
			expect(await users({ status: { $ne: 'INVITED' }, 'u._id': { $ne: 'u5' } })).to.deep.equal(
				byCodePoint(plain.filter((user) => !['u3', 'u4', 'u5'].includes(user))),
			);
			await subscriptions.deleteOne({ rid: 'r', 'u._id': 'u3' });
			await add('u200');
			expect(await users()).to.deep.equal(byCodePoint([...plain.filter((user) => user !== 'u3'), 'u200']));
		});

		it('contain members with very long ids', async () => {
			const long = ['u1'.padEnd(300, 'x'), 'u1'.padEnd(300, 'y'), 'v'.repeat(250)];
			for (const other of long) await add(other);
			expect(await users()).to.deep.equal(byCodePoint([...plain, ...long]));
		});
	});

	describe('projection', () => {
		const tokens = [
			{ hashedToken: 'h1', when: new Date(1) },
			{ hashedToken: 'h2', when: new Date(2) },
		];
		const bob: User = {
			_id: 'bob',
			name: 'Bob',
			e2e: { public_key: 'pub', private_key: 'priv' },
			services: { resume: { loginTokens: tokens }, password: { bcrypt: 'b' } },
			_updatedAt: new Date(5),
		};
		const resume = (loginTokens: object[]) => ({ services: { resume: { loginTokens } } });
		const { services: _, ...noServices } = bob;
		const cases: [projection: Record<string, 0 | 1>, expected: object][] = [
			[{}, bob],
			[{ name: 1 }, { _id: 'bob', name: 'Bob' }],
			[{ name: 1, _id: 0 }, { name: 'Bob' }],
			[{ _id: 1 }, { _id: 'bob' }],
			[{ services: 0 }, noServices],
			[{ 'e2e.public_key': 1 }, { _id: 'bob', e2e: { public_key: 'pub' } }],
			[{ 'e2e.other': 1 }, { _id: 'bob', e2e: {} }],
			[{ 'name.part': 1 }, { _id: 'bob' }],
			[
				{ 'e2e.private_key': 0, 'services.password': 0, 'services.resume.loginTokens.hashedToken': 0 },
				{ ...noServices, e2e: { public_key: 'pub' }, ...resume(tokens.map(({ when }) => ({ when }))) },
			],
			[{ 'services.resume.loginTokens.when': 1 }, { _id: 'bob', ...resume(tokens.map(({ when }) => ({ when }))) }],
		];
		for (const [projection, expected] of cases) {
			it(`returns the fields of ${JSON.stringify(projection)}`, async () => {
				await test.store.users.insertOne(bob);
				expect(await test.store.users.findOne({ _id: 'bob' }, { projection })).to.deep.equal(expected);
				expect(await test.store.users.find({}, { projection }).toArray()).to.deep.equal([expected]);
			});
		}

		it('applies to findOneAndUpdate', async () => {
			await test.store.users.insertOne(bob);
			const projection = { 'e2e.public_key': 1, username: 1 } as const;
			const found = await test.store.users.findOneAndUpdate(
				{ _id: 'bob' },
				{ $set: { username: 'bob' } },
				{ ...after, projection },
			);
			expect(found).to.deep.equal({ _id: 'bob', username: 'bob', e2e: { public_key: 'pub' } });
		});

		it('is refused if it mixes 1 and 0, or names a field and a part of it', async () => {
			await test.store.users.insertOne(bob);
			expect(await rejection(test.store.users.findOne({}, { projection: { name: 1, e2e: 0 } }))).to.be.an('error');
			expect(await rejection(test.store.users.findOne({}, { projection: { e2e: 1, 'e2e.x': 1 } }))).to.be.an('error');
			// With a listener, the store reads more of the document than the projection includes.
			test.onChange(() => undefined);
			const options = { ...after, projection: { name: 1, e2e: 0 } } as const;
			const update = { $set: { username: 'changed' } };
			expect(await rejection(test.store.users.findOneAndUpdate({}, update, options))).to.be.an('error');
			expect(await test.store.users.countDocuments(update.$set)).to.equal(0);
		});
	});
});
