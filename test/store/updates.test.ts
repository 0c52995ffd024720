/** What every store guarantees about updates and concurrent writes. */
import { expect } from 'chai';
import type { Room } from '../../shared/documents.js';
import type { Filter } from '../../shared/store.js';
import { rejection } from '../support/rejection.js';
import { eachStore } from '../support/store.js';

const after = { returnDocument: 'after' } as const;

eachStore('any store: updates', (test) => {
	const room = (_id: string, fields: Partial<Room> = {}): Room => ({ _id, t: 'p', ...fields });
	const ids = async (filter: Filter<Room>) =>
		(await test.store.rooms.find(filter, { sort: { _id: 1 } }).toArray()).map(({ _id }) => _id);

	describe('updates', () => {
		const when = new Date(1000);
		const before = {
			topic: 'a',
			n: 1,
			list: ['x', 'y', 'x'],
			subs: [
				{ k: 1, at: new Date(1) },
				{ k: 2, at: new Date(9) },
			],
			sub: { a: 1, b: { c: 2 } },
			nothing: null,
		};
		const cases: [update: object, changed: object][] = [
			[
				{ $set: { topic: 'b', 'sub.b.d': when, 'fresh.x': [{ y: null }] } },
				{ topic: 'b', sub: { a: 1, b: { c: 2, d: when } }, fresh: { x: [{ y: null }] } },
			],
			[{ $set: {} }, {}],
			[{ $unset: { topic: 1, 'sub.a': '', 'none.at.all': true } }, { topic: undefined, sub: { b: { c: 2 } } }],
			[{ $unset: { 'topic.first': 1, 'nothing.at.all': 1 } }, {}],
			[{ $inc: { n: 2, 'sub.z': -1 } }, { n: 3, sub: { a: 1, b: { c: 2 }, z: -1 } }],
			[{ $push: { list: 'z', made: { k: 1 } } }, { list: ['x', 'y', 'x', 'z'], made: [{ k: 1 }] }],
			[{ $push: { list: { $each: ['1', '2'], $slice: -3 } } }, { list: ['x', '1', '2'] }],
			[{ $push: { list: { $each: ['1'], $slice: 2 } } }, { list: ['x', 'y'] }],
			[{ $push: { list: { $each: [], $slice: 0 } } }, { list: [] }],
			[{ $push: { absent: { $each: [] } } }, { absent: [] }],
			[{ $push: { 'absent.list': { $each: [] } } }, { absent: { list: [] } }],
			[{ $addToSet: { absent: { $each: [] } } }, { absent: [] }],
			[{ $pull: { list: 'x' } }, { list: ['y'] }],
			[
				{ $pull: { list: { $in: ['x', 'y'] }, none: 'x', 'sub.none': 1 }, $set: { n: 7 } },
				{ list: [], n: 7 },
			],
			[{ $pull: { subs: { k: 2 } } }, { subs: [before.subs[0]] }],
			[{ $pull: { subs: { at: { $lt: new Date(5) }, type: { $ne: 'x' } } } }, { subs: [before.subs[1]] }],
			[{ $pull: { subs: { type: { $exists: false } } } }, { subs: [] }],
			[{ $addToSet: { list: 'y', made: 'm' } }, { made: ['m'] }],
			[{ $addToSet: { list: { $each: ['y', 'z', 'z'] } } }, { list: ['x', 'y', 'x', 'z'] }],
			[
				{ $set: { topic: 'b' }, $inc: { n: 1 }, $unset: { sub: 1 } },
				{ topic: 'b', n: 2, sub: undefined },
			],
		];
		for (const [update, changed] of cases) {
			it(`have the expected result: ${JSON.stringify(update)}`, async () => {
				await test.store.rooms.insertOne(room('r', before as object));
				await test.store.rooms.insertOne(room('s', before as object));
				const expected = JSON.parse(JSON.stringify({ ...room('r'), ...before, ...changed }));
				expect(await test.store.rooms.updateOne({ _id: 'r' }, update)).to.include({ matchedCount: 1 });
				const { _updatedAt, ...stored } = (await test.store.rooms.findOne({ _id: 'r' })) as Room;
				expect(JSON.parse(JSON.stringify(stored))).to.deep.equal(expected);
				const other = await test.store.rooms.findOneAndUpdate({ _id: 's' }, update, after);
				expect(JSON.parse(JSON.stringify({ ...other, _updatedAt: undefined }))).to.deep.equal({
					...expected,
					_id: 's',
				});
				expect(other).to.deep.equal(await test.store.rooms.findOne({ _id: 's' }));
			});
		}

		it('ignore operators and changes that are undefined, at every depth', async () => {
			const stored = { topic: 'a', n: 1, list: ['x'], sub: { a: 1 } };
			const unchanged: object[] = [
				{ $set: { topic: undefined } },
				{ $set: { 'none.at.all': undefined, _updatedAt: undefined } },
				{ $set: undefined },
				{ $unset: { topic: undefined }, $inc: { n: undefined } },
				{ $push: { list: undefined, none: undefined }, $addToSet: { 'sub.list': undefined } },
				{ $push: undefined, $pull: undefined },
			];
			for (const [i, update] of unchanged.entries()) {
				const _id = String(i);
				await test.store.rooms.insertOne(room(_id, { ...stored, _updatedAt: new Date(0) } as object));
				expect(await test.store.rooms.updateOne({ _id }, update)).to.include({ matchedCount: 1 });
				const { _updatedAt, ...left } = (await test.store.rooms.findOne({ _id })) as Room;
				expect(left, Object.keys(update).join()).to.deep.equal({ _id, t: 'p', ...stored });
				expect(Number(_updatedAt)).to.be.greaterThan(0);
			}
			const update = {
				$set: { sub: { a: undefined, b: [{ c: undefined }] } },
				$push: { list: { d: undefined, e: 1 } },
			};
			const changed = await test.store.rooms.findOneAndUpdate({ _id: '0' }, update as object, after);
			expect(changed).to.deep.include({ sub: { b: [{}] }, list: ['x', { e: 1 }], topic: 'a' });
			expect(changed).to.deep.equal(await test.store.rooms.findOne({ _id: '0' }));
		});

		it('are refused if they are invalid, or mean different things in different stores', async () => {
			const refused: object[] = [
				{},
				{ topic: 'b' },
				{ $set: { topic: 'b' }, n: 1 },
				[{ $set: { topic: 'b' } }],
				{ $set: { sub: { x: [undefined] } } },
				{ $set: { _id: undefined } },
				{ $push: { list: { $each: undefined } } },
				{ $pull: { subs: { k: undefined } } },
				{ $pull: { list: { $in: [undefined] } } },
				{ $set: { n: Number.POSITIVE_INFINITY } },
				{ $set: { at: new Date(Number.NaN) } },
				{ $set: { topic: () => 'b' } },
				{ $set: { sub: { $x: 1 } } },
				{ $set: { sub: { 'x.y': 1 } } },
				{ $set: { _id: 'other' } },
				{ $set: { 'list.0': 'b' } },
				{ $set: { 'list.$': 'b' } },
				{ $set: { 'constructor.prototype.x': 'b' } },
				{ $set: { 'sub.': 'b' } },
				{ $set: { [`${'sub.'.repeat(16)}a`]: 1 } },
				{ $set: { sub: 1, 'sub.a': 1 } },
				{ $set: { topic: 'b' }, $unset: { topic: 1 } },
				{ $unset: { _updatedAt: 1 } },
				{ $inc: { n: '1' } },
				{ $push: { list: { $each: 'x' } } },
				{ $push: { list: { $each: ['x'], $position: 0 } } },
				{ $push: { list: { $each: ['x'], $slice: 1.5 } } },
				{ $addToSet: { subs: { k: 1 } } },
				{ $pull: { list: undefined } },
				{ $pull: { subs: { k: { $mod: [2, 0] } } } },
				{ $rename: { topic: 'title' } },
				{ $currentDate: { at: true } },
			];
			await test.store.rooms.insertOne(room('r', before as object));
			const stored = await test.store.rooms.findOne({});
			for (const update of refused)
				expect(await rejection(test.store.rooms.updateOne({}, update)), JSON.stringify(update)).to.be.instanceOf(
					TypeError,
				);
			expect(await test.store.rooms.findOne({})).to.deep.equal(stored);
		});

		it('fail as a whole if one field has an unsuitable type', async () => {
			await test.store.rooms.insertOne(room('r', before as object));
			const stored = await test.store.rooms.findOne({});
			for (const update of [
				{ $push: { topic: 'x' } },
				{ $inc: { topic: 1 } },
				{ $pull: { topic: 'a' } },
				{ $set: { 'topic.first': 'a' } },
				{ $set: { 'list.first': 'a' } },
				{ $set: { 'nothing.at.all': 'a' } },
			])
				await rejection(test.store.rooms.updateOne({}, { ...update, $unset: { sub: 1 } } as object));
			expect(await test.store.rooms.findOne({})).to.deep.equal(stored);
		});

		it('change one or all of the documents that match', async () => {
			for (const _id of ['a', 'b', 'c']) await test.store.rooms.insertOne(room(_id, { topic: 'n' }));
			expect(await test.store.rooms.updateOne({ topic: 'n' }, { $set: { topic: 'm' } })).to.include({
				matchedCount: 1,
			});
			expect(await test.store.rooms.updateMany({ topic: 'n' }, { $set: { topic: 'l' } })).to.include({
				matchedCount: 2,
			});
			expect(await test.store.rooms.updateMany({ topic: 'k' }, { $set: { topic: 'j' } })).to.include({
				matchedCount: 0,
			});
			expect(await test.store.rooms.updateOne({ topic: 'k' }, { $set: { topic: 'j' } })).to.include({
				matchedCount: 0,
			});
			expect(await test.store.rooms.findOneAndUpdate({ topic: 'k' }, { $set: { topic: 'j' } }, after)).to.equal(null);
			expect(await ids({ topic: 'l' })).to.have.length(2);
		});

		it('return the document as it was before the update', async () => {
			await test.store.rooms.insertOne(room('a', { topic: 'n', list: ['x', 'y'] } as object));
			const take = { $set: { topic: 'm' }, $pull: { list: 'x' } } as object;
			const projection = { topic: 1, list: 1 } as const;
			const before = { returnDocument: 'before', projection } as const;
			expect(await test.store.rooms.findOneAndUpdate({ topic: 'n' }, take, before)).to.deep.equal({
				_id: 'a',
				topic: 'n',
				list: ['x', 'y'],
			});
			expect(await test.store.rooms.findOne({}, { projection })).to.deep.equal({ _id: 'a', topic: 'm', list: ['y'] });
			expect(await test.store.rooms.findOneAndUpdate({ topic: 'n' }, take, before)).to.equal(null);
		});
	});

	describe('concurrent writes', () => {
		const noKey: Filter<Room> = {
			_id: 'r',
			$or: [{ e2eKeyId: { $exists: false } }, { e2eKeyId: null }, { e2eKeyId: '' }],
		};
		for (const [what, fields] of [
			['missing', {}],
			['null', { e2eKeyId: null }],
			['an empty string', { e2eKeyId: '' }],
		] as const) {
			it(`have one winner of 200 for a key id that was ${what}`, async () => {
				await test.store.rooms.insertOne(room('r', fields));
				const matched = await Promise.all(
					Array.from({ length: 200 }, async (_, caller) => {
						const update = { $set: { e2eKeyId: `key-${caller}` } };
						if (caller % 2) return (await test.store.rooms.updateOne(noKey, update)).matchedCount === 1;
						const found = await test.store.rooms.findOneAndUpdate(noKey, update, after);
						if (found) expect(found.e2eKeyId).to.equal(`key-${caller}`);
						return found !== null;
					}),
				);
				expect(matched.filter(Boolean)).to.have.length(1);
				expect(await test.store.rooms.findOne({})).to.include({ e2eKeyId: `key-${matched.indexOf(true)}` });
			});
		}

		it('do not bring a document back after its removal', async () => {
			const { rooms } = test.store;
			const write = (_id: string) =>
				Array.from({ length: 5 }, () => rooms.updateOne({ _id }, { $set: { topic: 'written' } }));
			for (let round = 0; round < 10; round++) {
				const ids = ['one', 'two', 'three'].map((name) => `${name}-${round}`);
				for (const _id of ids) await rooms.insertOne(room(_id));
				const [first, ...others] = ids as [string, ...string[]];
				const [one, many] = await Promise.all([
					rooms.deleteOne({ _id: first }),
					rooms.deleteMany({ _id: { $in: others } }),
					...ids.flatMap(write),
				]);
				expect([one.deletedCount, many.deletedCount]).to.deep.equal([1, 2]);
				expect(await rooms.countDocuments({})).to.equal(0);
			}
		});
	});
});
