/** Every index of a store finds the same documents as a scan. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { Subscription, User } from '../../shared/documents.js';
import { isDuplicateKey } from '../../shared/storeErrors.js';
import { eachStore } from '../support/store.js';

const rooms = ['r1', 'r2', 'r3'];
const people = ['u1', 'u2', 'u3', 'u4'];

const step = fc.oneof(
	fc.record({ do: fc.constant('join' as const), rid: fc.constantFrom(...rooms), uid: fc.constantFrom(...people) }),
	fc.record({ do: fc.constant('leave' as const), rid: fc.constantFrom(...rooms), uid: fc.constantFrom(...people) }),
	fc.record({ do: fc.constant('move' as const), rid: fc.constantFrom(...rooms), to: fc.constantFrom(...rooms) }),
	fc.record({ do: fc.constant('key' as const), uid: fc.constantFrom(...people), key: fc.constantFrom('k1', 'k2', '') }),
);

const oneOrSome = (values: string[]) =>
	fc.oneof(fc.constantFrom(...values), fc.array(fc.constantFrom(...values, 'nobody'), { minLength: 1, maxLength: 4 }));

const query = fc.record({ rid: oneOrSome(rooms), uid: oneOrSome(people) }, { requiredKeys: [] });

const conditionOf = (value: string | string[]) => (typeof value === 'string' ? value : { $in: value });

const matches = (value: string, wanted: string | string[] | undefined) =>
	wanted === undefined || (typeof wanted === 'string' ? wanted === value : wanted.includes(value));

eachStore('any store: indexes', (test) => {
	const memberships = async (filter: object = {}) =>
		(await test.store.subscriptions.find(filter, { sort: { _id: 1 } }).toArray()).map(({ _id }) => _id);

	/** Makes a step in the store and in the model. Both must accept it, or both refuse it. */
	async function act(
		model: Map<string, Subscription>,
		stepNumber: number,
		todo: typeof step extends fc.Arbitrary<infer T> ? T : never,
	) {
		const { subscriptions } = test.store;
		const membershipOf = (rid: string, uid: string) =>
			[...model.values()].find((s) => s.rid === rid && s.u._id === uid);
		if (todo.do === 'join') {
			const document = { _id: `p${stepNumber}`, rid: todo.rid, u: { _id: todo.uid } };
			const refused = await subscriptions.insertOne(document).then(() => false, isDuplicateKey);
			expect(refused).to.equal(membershipOf(todo.rid, todo.uid) !== undefined);
			if (!refused) model.set(document._id, document);
		} else if (todo.do === 'leave') {
			const membership = membershipOf(todo.rid, todo.uid);
			const { deletedCount } = await subscriptions.deleteOne({ rid: todo.rid, 'u._id': todo.uid });
			expect(deletedCount).to.equal(membership ? 1 : 0);
			if (membership) model.delete(membership._id);
		} else if (todo.do === 'move') {
			const all = [...model.values()].filter(({ rid }) => rid === todo.rid);
			for (const { _id, u } of all) {
				if (todo.to === todo.rid || membershipOf(todo.to, u._id)) continue;
				await subscriptions.updateOne({ _id }, { $set: { rid: todo.to } });
				model.set(_id, { ...(model.get(_id) as Subscription), rid: todo.to });
			}
		} else {
			const membership = [...model.values()].find(({ u }) => u._id === todo.uid);
			if (!membership) return;
			// The field `E2EKey` has a unique index.
			const change = todo.key ? { $set: { E2EKey: todo.key } } : { $unset: { E2EKey: 1 as const } };
			const refused = await subscriptions.updateOne({ _id: membership._id }, change).then(() => false, isDuplicateKey);
			const holder = [...model.values()].find(({ E2EKey }) => todo.key && E2EKey === todo.key);
			expect(refused).to.equal(holder !== undefined && holder._id !== membership._id);
			if (!refused) model.set(membership._id, { ...membership, E2EKey: todo.key || undefined } as Subscription);
		}
	}

	it('find the same documents as a scan, whatever was written before', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(step, { maxLength: 25 }),
				fc.array(query, { maxLength: 10 }),
				async (steps, queries) => {
					await test.store.subscriptions.deleteMany({});
					const model = new Map<string, Subscription>();
					for (const [n, todo] of steps.entries()) await act(model, n, todo);
					for (const { rid, uid } of queries) {
						const filter = { ...(rid && { rid: conditionOf(rid) }), ...(uid && { 'u._id': conditionOf(uid) }) };
						const expected = [...model.values()].filter((s) => matches(s.rid, rid) && matches(s.u._id, uid));
						expect(await memberships(filter)).to.deep.equal(expected.map(({ _id }) => _id).sort());
					}
				},
			),
			{ numRuns: process.env.ROOMKEY_TEST_MONGO_URL ? 5 : 50 },
		);
	});

	it('find a document once if it has two of the requested values', async () => {
		const emails = ['a@x', 'b@x'].map((address) => ({ address, verified: true }));
		await test.store.users.insertOne({ _id: 'u', emails } as User);
		const found = await test.store.users.find({ 'emails.address': { $in: ['a@x', 'b@x', 'c@x'] } }).toArray();
		expect(found).to.have.length(1);
	});

	it('find the rooms in whose queue a user waits, as queues change', async () => {
		const { rooms } = test.store;
		const ts = new Date(0);
		const waiting = (...ids: string[]) => ids.map((userId) => ({ userId, ts }));
		const found = async (userId: string | { $in: string[] }) => {
			const queued = { 'usersWaitingForE2EKeys.userId': userId };
			return (await rooms.find(queued, { sort: { _id: 1 } }).toArray()).map(({ _id }) => _id);
		};
		await rooms.insertOne({ _id: 'r1', t: 'p', usersWaitingForE2EKeys: waiting('a', 'b') });
		await rooms.insertOne({ _id: 'r2', t: 'p', usersWaitingForE2EKeys: waiting('b') });
		await rooms.insertOne({ _id: 'r3', t: 'p' });
		expect(await found('a')).to.deep.equal(['r1']);
		expect(await found({ $in: ['a', 'b'] })).to.deep.equal(['r1', 'r2']);
		await rooms.updateOne({ _id: 'r3' }, { $push: { usersWaitingForE2EKeys: { userId: 'a', ts } } });
		await rooms.updateOne({ _id: 'r1' }, { $pull: { usersWaitingForE2EKeys: { userId: 'a' } } });
		await rooms.updateOne({ _id: 'r2' }, { $pull: { usersWaitingForE2EKeys: { userId: 'b' } } });
		expect(await found('a')).to.deep.equal(['r3']);
		expect(await found('b')).to.deep.equal(['r1']);
		await rooms.updateOne({ _id: 'r1' }, { $unset: { usersWaitingForE2EKeys: 1 } });
		expect(await found('b')).to.deep.equal([]);
		expect(await found('nobody')).to.deep.equal([]);
	});

	it('find nothing for an empty list of values', async () => {
		await test.store.users.insertOne({ _id: 'u', username: 'u' });
		expect(await test.store.users.find({ username: { $in: [] } }).toArray()).to.deep.equal([]);
	});

	it('find documents by two long lists of values', async () => {
		// The lists are shorter with FerretDB, which compares each membership with all pairs of values.
		const length = process.env.ROOMKEY_TEST_MONGO_URL ? 50 : 3000;
		const uids = Array.from({ length }, (_, i) => `u${i}`);
		const rids = Array.from({ length }, (_, i) => `r${i}`);
		await test.store.subscriptions.insertOne({ _id: 's1', rid: 'r7', u: { _id: `u${length - 1}` } });
		await test.store.subscriptions.insertOne({ _id: 's2', rid: 'r7', u: { _id: 'other' } });
		expect(await memberships({ rid: { $in: rids }, 'u._id': { $in: uids } })).to.deep.equal(['s1']);
	});
});
