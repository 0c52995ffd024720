/** What every store keeps: run against the embedded one, or MongoDB where `ROOMKEY_TEST_MONGO_URL` names one. */
import { expect } from 'chai';
import type { Room, Subscription, User } from '../../shared/documents.js';
import { type Filter, isDuplicateKey, type Store } from '../../shared/store.js';
import { type OpenStore, openTestStore, rejection } from '../support/store.js';

const after = { returnDocument: 'after' } as const;

describe('any store', () => {
	let open: OpenStore;
	let store: Store;

	beforeEach(async () => {
		open = await openTestStore();
		store = open.store;
	});
	afterEach(() => open.close());

	const room = (_id: string, fields: Partial<Room> = {}): Room => ({ _id, t: 'p', ...fields });
	const member = (rid: string, user: string, fields: Partial<Subscription> = {}): Subscription => ({
		_id: `${rid}-${user}`,
		rid,
		u: { _id: user },
		...fields,
	});
	const ids = async (filter: Filter<Room>) =>
		(await store.rooms.find(filter, { sort: { _id: 1 } }).toArray()).map(({ _id }) => _id);

	describe('reading', () => {
		beforeEach(async () => {
			for (const [_id, name] of [
				['a', 'one'],
				['b', 'two'],
				['c', 'three'],
			] as const)
				await store.rooms.insertOne(room(_id, { name }));
		});

		it('finds one or null', async () => {
			expect(await store.rooms.findOne({ _id: 'b' })).to.include({ _id: 'b', t: 'p', name: 'two' });
			expect(await store.rooms.findOne({ _id: 'x' })).to.equal(null);
			expect(await store.rooms.findOne({}, { sort: { name: -1 } })).to.include({ _id: 'b' });
		});

		it('finds many: sorted, from one on, up to a number, one by one', async () => {
			expect(await ids({})).to.deep.equal(['a', 'b', 'c']);
			const page = store.rooms.find({}, { sort: { name: 1 }, skip: 1, limit: 1 });
			expect((await page.toArray()).map(({ _id }) => _id)).to.deep.equal(['c']);
			expect(await store.rooms.find({}, { limit: 0 }).toArray()).to.have.length(3);
			const seen: string[] = [];
			for await (const { _id } of store.rooms.find({}, { sort: { t: 1, _id: -1 } })) seen.push(_id);
			expect(seen).to.deep.equal(['c', 'b', 'a']);
		});

		it('counts', async () => {
			expect(await store.rooms.countDocuments({})).to.equal(3);
			expect(await store.rooms.countDocuments({ name: { $in: ['one', 'two', 'nine'] } })).to.equal(2);
		});

		it('deletes', async () => {
			expect(await store.rooms.deleteOne({ t: 'p' })).to.include({ deletedCount: 1 });
			expect(await store.rooms.deleteOne({ t: 'c' })).to.include({ deletedCount: 0 });
			expect(await store.rooms.deleteMany({})).to.include({ deletedCount: 2 });
			expect(await ids({})).to.deep.equal([]);
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
			it(JSON.stringify(projection), async () => {
				await store.users.insertOne(bob);
				expect(await store.users.findOne({ _id: 'bob' }, { projection })).to.deep.equal(expected);
				expect(await store.users.find({}, { projection }).toArray()).to.deep.equal([expected]);
			});
		}

		it('holds for findOneAndUpdate', async () => {
			await store.users.insertOne(bob);
			const projection = { 'e2e.public_key': 1, username: 1 } as const;
			const found = await store.users.findOneAndUpdate(
				{ _id: 'bob' },
				{ $set: { username: 'bob' } },
				{ ...after, projection },
			);
			expect(found).to.deep.equal({ _id: 'bob', username: 'bob', e2e: { public_key: 'pub' } });
		});

		it('does not both take and leave out', async () => {
			await store.users.insertOne(bob);
			expect(await rejection(store.users.findOne({}, { projection: { name: 1, e2e: 0 } }))).to.be.an('error');
			expect(await rejection(store.users.findOne({}, { projection: { e2e: 1, 'e2e.x': 1 } }))).to.be.an('error');
		});
	});

	describe('filters', () => {
		const early = new Date('2024-01-01');
		const late = new Date('2025-01-01');
		/** More shapes than the documents have, to see the language itself. */
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
				await store.rooms.insertOne({ _id, t: 'p', ...fields } as Room);
		});
		// One test for all: a database a case would take a while.
		it('mean what they mean in MongoDB', async () => {
			for (const [filter, expected] of cases)
				expect((await ids(filter as Filter<Room>)).join(' '), JSON.stringify(filter)).to.equal(expected);
		});

		it('are refused where the stores differ, or where they are dangerous', async () => {
			const refused: object[] = [
				{ _id: undefined },
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
				const error = await rejection((async () => store.rooms.find(filter as Filter<Room>).toArray())());
				expect(error, JSON.stringify(filter)).to.be.instanceOf(TypeError);
				expect(await rejection(store.rooms.deleteMany(filter as Filter<Room>))).to.be.instanceOf(TypeError);
			}
			expect(await ids({})).to.have.length(6);
		});
	});

	describe('updates', () => {
		const when = new Date(1000);
		const before = {
			name: 'a',
			n: 1,
			list: ['x', 'y', 'x'],
			subs: [
				{ k: 1, at: new Date(1) },
				{ k: 2, at: new Date(9) },
			],
			sub: { a: 1, b: { c: 2 } },
		};
		const cases: [update: object, changed: object][] = [
			[
				{ $set: { name: 'b', 'sub.b.d': when, 'fresh.x': [{ y: null }] } },
				{ name: 'b', sub: { a: 1, b: { c: 2, d: when } }, fresh: { x: [{ y: null }] } },
			],
			[{ $set: {} }, {}],
			[{ $unset: { name: 1, 'sub.a': '', 'none.at.all': true } }, { name: undefined, sub: { b: { c: 2 } } }],
			[{ $inc: { n: 2, 'sub.z': -1 } }, { n: 3, sub: { a: 1, b: { c: 2 }, z: -1 } }],
			[{ $push: { list: 'z', made: { k: 1 } } }, { list: ['x', 'y', 'x', 'z'], made: [{ k: 1 }] }],
			[{ $push: { list: { $each: ['1', '2'], $slice: -3 } } }, { list: ['x', '1', '2'] }],
			[{ $push: { list: { $each: ['1'], $slice: 2 } } }, { list: ['x', 'y'] }],
			[{ $push: { list: { $each: [], $slice: 0 } } }, { list: [] }],
			[{ $pull: { list: 'x' } }, { list: ['y'] }],
			[
				{ $pull: { list: { $in: ['x', 'y'] }, none: 'x', 'no.way': 1 }, $set: { n: 7 } },
				{ list: [], n: 7 },
			],
			[{ $pull: { subs: { k: 2 } } }, { subs: [before.subs[0]] }],
			[{ $pull: { subs: { at: { $lt: new Date(5) }, type: { $ne: 'x' } } } }, { subs: [before.subs[1]] }],
			[{ $pull: { subs: { type: { $exists: false } } } }, { subs: [] }],
			[{ $addToSet: { list: 'y', made: 'm' } }, { made: ['m'] }],
			[{ $addToSet: { list: { $each: ['y', 'z', 'z'] } } }, { list: ['x', 'y', 'x', 'z'] }],
			[
				{ $set: { name: 'b' }, $inc: { n: 1 }, $unset: { sub: 1 } },
				{ name: 'b', n: 2, sub: undefined },
			],
		];
		for (const [update, changed] of cases) {
			it(JSON.stringify(update), async () => {
				await store.rooms.insertOne(room('r', before as object));
				await store.rooms.insertOne(room('s', before as object));
				const expected = JSON.parse(JSON.stringify({ ...room('r'), ...before, ...changed }));
				expect(await store.rooms.updateOne({ _id: 'r' }, update)).to.include({ matchedCount: 1 });
				const { _updatedAt, ...stored } = (await store.rooms.findOne({ _id: 'r' })) as Room;
				expect(JSON.parse(JSON.stringify(stored))).to.deep.equal(expected);
				const other = await store.rooms.findOneAndUpdate({ _id: 's' }, update, after);
				expect(JSON.parse(JSON.stringify({ ...other, _updatedAt: undefined }))).to.deep.equal({
					...expected,
					_id: 's',
				});
				expect(other).to.deep.equal(await store.rooms.findOne({ _id: 's' }));
			});
		}

		it('are refused where the stores differ', async () => {
			const refused: object[] = [
				{},
				{ name: 'b' },
				{ $set: { name: 'b' }, n: 1 },
				[{ $set: { name: 'b' } }],
				{ $set: { name: undefined } },
				{ $set: { sub: { x: [undefined] } } },
				{ $set: { n: Number.POSITIVE_INFINITY } },
				{ $set: { at: new Date(Number.NaN) } },
				{ $set: { name: () => 'b' } },
				{ $set: { sub: { $x: 1 } } },
				{ $set: { sub: { 'x.y': 1 } } },
				{ $set: { _id: 'other' } },
				{ $set: { 'list.0': 'b' } },
				{ $set: { 'list.$': 'b' } },
				{ $set: { 'constructor.prototype.x': 'b' } },
				{ $set: { 'sub.': 'b' } },
				{ $set: { sub: 1, 'sub.a': 1 } },
				{ $set: { name: 'b' }, $unset: { name: 1 } },
				{ $unset: { _updatedAt: 1 } },
				{ $inc: { n: '1' } },
				{ $push: { list: { $each: 'x' } } },
				{ $push: { list: { $each: ['x'], $position: 0 } } },
				{ $push: { list: { $each: ['x'], $slice: 1.5 } } },
				{ $addToSet: { subs: { k: 1 } } },
				{ $pull: { list: undefined } },
				{ $pull: { subs: { k: { $mod: [2, 0] } } } },
				{ $rename: { name: 'title' } },
				{ $currentDate: { at: true } },
			];
			await store.rooms.insertOne(room('r', before as object));
			const stored = await store.rooms.findOne({});
			for (const update of refused)
				expect(await rejection(store.rooms.updateOne({}, update)), JSON.stringify(update)).to.be.instanceOf(TypeError);
			expect(await store.rooms.findOne({})).to.deep.equal(stored);
		});

		it('fail as a whole where a field is not what they need', async () => {
			await store.rooms.insertOne(room('r', before as object));
			const stored = await store.rooms.findOne({});
			for (const update of [{ $push: { name: 'x' } }, { $inc: { name: 1 } }, { $pull: { name: 'a' } }])
				await rejection(store.rooms.updateOne({}, { ...update, $set: { fresh: 1 } } as object));
			expect(await store.rooms.findOne({})).to.deep.equal(stored);
		});

		it('change one or all of those that match', async () => {
			for (const _id of ['a', 'b', 'c']) await store.rooms.insertOne(room(_id, { name: 'n' }));
			expect(await store.rooms.updateOne({ name: 'n' }, { $set: { name: 'm' } })).to.include({ matchedCount: 1 });
			expect(await store.rooms.updateMany({ name: 'n' }, { $set: { name: 'l' } })).to.include({ matchedCount: 2 });
			expect(await store.rooms.updateMany({ name: 'k' }, { $set: { name: 'j' } })).to.include({ matchedCount: 0 });
			expect(await store.rooms.updateOne({ name: 'k' }, { $set: { name: 'j' } })).to.include({ matchedCount: 0 });
			expect(await store.rooms.findOneAndUpdate({ name: 'k' }, { $set: { name: 'j' } }, after)).to.equal(null);
			expect(await ids({ name: 'l' })).to.have.length(2);
		});
	});

	describe('one conditional write', () => {
		const noKey: Filter<Room> = {
			_id: 'r',
			$or: [{ e2eKeyId: { $exists: false } }, { e2eKeyId: null }, { e2eKeyId: '' }],
		};
		for (const [what, fields] of [
			['no field', {}],
			['null', { e2eKeyId: null }],
			['an empty string', { e2eKeyId: '' }],
		] as const) {
			it(`of 200 callers at once has one winner, from ${what}`, async () => {
				await store.rooms.insertOne(room('r', fields));
				const matched = await Promise.all(
					Array.from({ length: 200 }, async (_, caller) => {
						const update = { $set: { e2eKeyId: `key-${caller}` } };
						if (caller % 2) return (await store.rooms.updateOne(noKey, update)).matchedCount === 1;
						const found = await store.rooms.findOneAndUpdate(noKey, update, after);
						if (found) expect(found.e2eKeyId).to.equal(`key-${caller}`);
						return found !== null;
					}),
				);
				expect(matched.filter(Boolean)).to.have.length(1);
				expect(await store.rooms.findOne({})).to.include({ e2eKeyId: `key-${matched.indexOf(true)}` });
			});
		}
	});

	describe('unique indexes', () => {
		const refused = async (write: Promise<unknown>) => {
			const error = await rejection(write);
			expect(isDuplicateKey(error), error.message).to.equal(true);
			// Neither in the message nor in what a logger would print beside it.
			expect(`${error.stack} ${JSON.stringify(error)} ${error.cause ?? ''}`).to.not.include('secret');
		};

		it('refuse a second document of an id, and any value that is taken', async () => {
			await store.subscriptions.insertOne(member('r', 'a', { E2EKey: 'secret' }));
			await store.subscriptions.insertOne(member('r', 'b'));
			await store.subscriptions.insertOne(member('r', 'c'));
			await refused(store.subscriptions.insertOne(member('r', 'a')));
			await refused(store.subscriptions.insertOne({ ...member('r', 'a'), _id: 'other' }));
			await refused(store.subscriptions.insertOne(member('q', 'b', { E2EKey: 'secret' })));
			const take = { $set: { E2EKey: 'secret' } };
			await refused(store.subscriptions.updateOne({ _id: 'r-b' }, take));
			await refused(store.subscriptions.updateMany({ _id: { $in: ['r-b', 'r-c'] } }, take));
			await refused(store.subscriptions.findOneAndUpdate({ _id: 'r-b' }, take, after));
			expect(await store.subscriptions.countDocuments({ E2EKey: { $exists: true } })).to.equal(1);
			expect(await store.subscriptions.countDocuments({})).to.equal(3);
		});

		it('see the elements of arrays, and let go of what is gone', async () => {
			const alice: User = {
				_id: 'alice',
				username: 'alice',
				emails: [
					{ address: 'a@secret', verified: true },
					{ address: 'b@secret', verified: true },
				],
				services: { resume: { loginTokens: [{ hashedToken: 'secret', when: new Date() }] } },
			};
			await store.users.insertOne(alice);
			await store.users.insertOne({ _id: 'none' });
			await store.users.insertOne({ _id: 'empty', emails: [], services: { resume: { loginTokens: [] } } });
			await refused(store.users.insertOne({ _id: 'x', username: 'alice' }));
			await refused(store.users.insertOne({ _id: 'x', emails: [{ address: 'b@secret', verified: false }] }));
			await refused(store.users.insertOne({ _id: 'x', services: { ...alice.services } }));
			const byToken: Filter<User> = { 'services.resume.loginTokens.hashedToken': 'secret' };
			expect(await store.users.findOne(byToken)).to.include({ _id: 'alice' });
			await store.users.updateOne(byToken, {
				$pull: { 'services.resume.loginTokens': { hashedToken: 'secret' } },
			});
			expect(await store.users.findOne(byToken)).to.equal(null);
			await store.users.insertOne({ _id: 'x', services: { ...alice.services } });
			expect(await store.users.findOne(byToken)).to.include({ _id: 'x' });
		});
	});

	describe('_updatedAt', () => {
		const old = new Date(0);
		it('is set by every write', async () => {
			const start = Date.now();
			const stamp = async () => {
				const at = (await store.rooms.findOne({}))?._updatedAt as Date;
				expect(at.getTime()).to.be.within(start, Date.now());
				await store.rooms.updateOne({}, { $set: { _updatedAt: old } });
				expect(await store.rooms.findOne({})).to.have.deep.property('_updatedAt', old);
			};
			await store.rooms.insertOne(room('r'));
			await stamp();
			await store.rooms.updateOne({}, { $set: { t: 'p' } });
			await stamp();
			await store.rooms.updateMany({}, { $unset: { name: 1 } });
			await stamp();
			await store.rooms.findOneAndUpdate({}, { $inc: { msgs: 1 } } as object, after);
			await stamp();
		});

		it("is the caller's where it sets it", async () => {
			await store.rooms.insertOne(room('r', { _updatedAt: old }));
			expect(await store.rooms.findOne({})).to.have.deep.property('_updatedAt', old);
		});
	});

	describe('documents', () => {
		const odd = {
			...room('r', { _updatedAt: new Date(3) }),
			at: new Date('2024-02-29T12:34:56.789Z'),
			yes: true,
			no: false,
			nothing: null,
			numbers: [0, -1, 1.5, 2 ** 52],
			nested: [[1, [new Date(1), 'x']], [], [{ a: [{ b: null }] }]],
			text: 'line\nend\u2028\u2029\u0085\v\f\r é 🔑 "quoted" \\',
			empty: {},
		};

		it('come back as they went in', async () => {
			await store.rooms.insertOne(odd);
			expect(await store.rooms.findOne({ _id: 'r' })).to.deep.equal(odd);
		});

		it('are copies', async () => {
			const mine = structuredClone(odd);
			const change = { $set: { extra: { at: new Date(7), list: ['x'] } } };
			const spoil = (document: object) => {
				const { at, numbers, extra } = document as typeof odd & { extra?: { at: Date; list: string[] } };
				at?.setTime(0);
				numbers?.push(99);
				extra?.at.setTime(0);
				extra?.list.push('spoilt');
			};
			await store.rooms.insertOne(mine);
			await store.rooms.updateOne({}, change);
			const stored = { ...odd, extra: structuredClone(change.$set.extra) };
			spoil(mine);
			spoil(change.$set);
			change.$set.extra.at.setTime(0);
			change.$set.extra.list.push('spoilt');
			for (const found of [
				await store.rooms.findOne({}),
				...(await store.rooms.find({}).toArray()),
				await store.rooms.findOneAndUpdate({}, { $set: { t: 'p' } }, after),
			]) {
				expect({ ...found, _updatedAt: odd._updatedAt }).to.deep.equal(stored);
				spoil(found as object);
			}
			expect({ ...(await store.rooms.findOne({})), _updatedAt: odd._updatedAt }).to.deep.equal(stored);
		});

		it('are refused where a store could not keep them', async () => {
			for (const wrong of [
				{ t: 'p' },
				{ _id: '' },
				{ _id: 7 },
				{ _id: '__proto__' },
				{ _id: 'x', name: undefined },
				{ _id: 'x', 'a.b': 1 },
				{ _id: 'x', a: [{ $b: 1 }] },
				{ _id: 'x', a: new Map() },
				{ _id: 'x', a: 1n },
				{ _id: 'x', a: new Array(2) },
			])
				expect(await rejection(store.rooms.insertOne(wrong as unknown as Room))).to.be.instanceOf(TypeError);
			expect(await store.rooms.countDocuments({})).to.equal(0);
		});
	});
});
