/** Filters mean the same in every store as in MongoDB, or are refused. */
import { expect } from 'chai';
import type { Room } from '../../shared/documents.js';
import type { Filter } from '../../shared/store.js';
import { rejection } from '../support/rejection.js';
import { eachStore } from '../support/store.js';

eachStore('any store: filters', (test) => {
	const ids = async (filter: Filter<Room>) =>
		(await test.store.rooms.find(filter, { sort: { _id: 1 } }).toArray()).map(({ _id }) => _id);

	describe('filters', () => {
		const early = new Date('2024-01-01');
		const late = new Date('2025-01-01');
		const documents = {
			bare: {},
			nulls: { n: null, list: null, at: null, sub: null },
			one: { n: 1, s: 'one', list: ['x'], at: early, sub: { k: 1 }, subs: [{ k: 1, v: 'a' }] },
			two: {
				n: 2,
				s: 'two',
				list: ['x', 'y'],
				at: late,
				sub: { k: null },
				subs: [
					{ k: 1, v: 'b' },
					{ k: 5, v: 'a' },
				],
			},
			empty: { n: 0, s: '', list: [], yes: false, subs: [{}] },
			mixed: { n: [1, 9], list: [null, 'z'], yes: true, subs: [{ v: 'c' }, { k: 9 }] },
		};
		const cases: [filter: object, expected: string][] = [
			[{}, 'bare empty mixed nulls one two'],
			[{ _id: 'one' }, 'one'],
			[{ s: 'one', n: 1 }, 'one'],
			[{ n: 1 }, 'mixed one'],
			[{ n: { $eq: 1 } }, 'mixed one'],
			[{ n: null }, 'bare nulls'],
			[{ list: null }, 'bare mixed nulls'],
			[{ 'sub.k': null }, 'bare empty mixed nulls two'],
			[{ list: 'x' }, 'one two'],
			[{ yes: false }, 'empty'],
			[{ at: early }, 'one'],
			[{ n: { $ne: 1 } }, 'bare empty nulls two'],
			[{ n: { $ne: null } }, 'empty mixed one two'],
			[{ list: { $ne: 'x' } }, 'bare empty mixed nulls'],
			[{ list: { $ne: null } }, 'empty one two'],
			[{ list: { $nin: ['y', 'z'] } }, 'bare empty nulls one'],
			[{ list: { $nin: ['y', null] } }, 'empty one'],
			[{ n: { $in: [1, 2] } }, 'mixed one two'],
			[{ n: { $in: [2, null] } }, 'bare nulls two'],
			[{ n: { $in: [] } }, ''],
			[{ _id: { $in: ['one', 'two', 'none'] }, n: 2 }, 'two'],
			[{ n: { $exists: true } }, 'empty mixed nulls one two'],
			[{ n: { $exists: false } }, 'bare'],
			[{ list: { $exists: true } }, 'empty mixed nulls one two'],
			[{ list: { $exists: false } }, 'bare'],
			[{ 'subs.k': { $exists: true } }, 'mixed one two'],
			[{ 'subs.k': { $exists: false } }, 'bare empty nulls'],
			[{ 'sub.k': { $exists: true } }, 'one two'],
			[{ n: { $gt: 1 } }, 'mixed two'],
			[{ n: { $gte: 1, $lte: 2 } }, 'mixed one two'],
			[{ n: { $gt: 1, $lt: 9 } }, 'mixed two'],
			[{ n: { $gt: 2, $lt: 2 } }, 'mixed'],
			[{ s: { $lt: 'p' } }, 'empty one'],
			[{ at: { $lt: late } }, 'one'],
			[{ at: { $lte: late, $gt: early } }, 'two'],
			[{ n: { $not: { $gt: 0 } } }, 'bare empty nulls'],
			[{ list: { $not: { $in: ['x'] } } }, 'bare empty mixed nulls'],
			[{ s: /O/i }, 'one two'],
			[{ s: { $not: /^t/ } }, 'bare empty mixed nulls one'],
			[{ list: { $size: 2 } }, 'mixed two'],
			[{ list: { $size: 0 } }, 'empty'],
			[{ subs: { $elemMatch: { k: 1, v: 'a' } } }, 'one'],
			[{ subs: { $elemMatch: { k: { $gt: 3 }, v: { $ne: 'a' } } } }, 'mixed'],
			[{ subs: { $not: { $elemMatch: { k: 1 } } } }, 'bare empty mixed nulls'],
			[{ list: { $elemMatch: { k: null } } }, ''],
			[{ 'subs.k': { $size: 1 } }, ''],
			[{ 'list.k': null }, 'bare nulls'],
			[{ 'list.k': { $exists: true } }, ''],
			[{ 'subs.k': null }, 'bare empty mixed nulls'],
			[{ 'subs.k': { $ne: null } }, 'one two'],
			[{ 'subs.k': 1, 'subs.v': 'a' }, 'one two'],
			[{ 'subs.0.k': 1 }, 'one two'],
			[{ $or: [{ n: 1 }, { s: 'two' }] }, 'mixed one two'],
			[{ $and: [{ list: 'x' }, { list: 'y' }] }, 'two'],
			[{ $nor: [{ n: 1 }, { s: 'two' }] }, 'bare empty nulls'],
			[{ $or: [{ n: 1 }, { n: 2 }], list: 'y' }, 'two'],
			[{ $or: [{ s: { $exists: false } }, { s: null }, { s: '' }] }, 'bare empty mixed nulls'],
		];
		beforeEach(async () => {
			for (const [_id, fields] of Object.entries(documents))
				await test.store.rooms.insertOne({ _id, t: 'p', ...fields } as Room);
		});
		// One test, because a new database for each case would take long.
		it('mean the same as in MongoDB', async () => {
			for (const [filter, expected] of cases)
				expect((await ids(filter as Filter<Room>)).join(' '), JSON.stringify(filter)).to.equal(expected);
		});

		it('are refused if they are dangerous, or mean different things in different stores', async () => {
			const refused: object[] = [
				{ _id: undefined },
				{ n: undefined },
				{ 'sub.k': undefined },
				{ n: { $eq: undefined } },
				{ n: { $exists: undefined } },
				{ subs: { $elemMatch: { k: undefined } } },
				{ $and: undefined },
				{ n: { $in: undefined } },
				{ n: { $in: [undefined] } },
				{ $or: [{ n: { $gt: undefined } }] },
				{ n: Number.NaN },
				{ at: new Date(Number.NaN) },
				{ sub: { k: 1 } },
				{ list: ['x'] },
				{ s: /one/g },
				{ s: { $regex: 'one' } },
				{ n: { $mod: [2, 0] } },
				{ n: { $type: 'null' } },
				{ n: { $in: 1 } },
				{ n: { $gt: null } },
				{ yes: { $gt: false } },
				{ n: { $exists: 1 } },
				{ list: { $size: 1.5 } },
				{ s: { $not: 'one' } },
				{ $where: 'true' },
				{ $expr: { $eq: ['$n', 1] } },
				{ $or: [] },
				{ $not: { n: 1 } },
				{ '': 1 },
				JSON.parse('{"__proto__": 1}'),
			];
			for (const filter of refused) {
				const error = await rejection((async () => test.store.rooms.find(filter as Filter<Room>).toArray())());
				expect(error, JSON.stringify(filter)).to.be.instanceOf(TypeError);
				expect(await rejection(test.store.rooms.deleteMany(filter as Filter<Room>))).to.be.instanceOf(TypeError);
			}
			expect(await ids({})).to.have.length(6);
		});
	});
});
