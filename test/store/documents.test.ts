/** What every store guarantees about documents: unique values, `_updatedAt`, copies, and writes while it closes. */
import { expect } from 'chai';
import type { Room, Subscription, User } from '../../shared/documents.js';
import type { Filter } from '../../shared/store.js';
import { isDuplicateKey } from '../../shared/storeErrors.js';
import { rejection } from '../support/rejection.js';
import { eachStore } from '../support/store.js';

const after = { returnDocument: 'after' } as const;

eachStore('any store: documents', (test) => {
	const room = (_id: string, fields: Partial<Room> = {}): Room => ({ _id, t: 'p', ...fields });
	const member = (rid: string, user: string, fields: Partial<Subscription> = {}): Subscription => ({
		_id: `${rid}-${user}`,
		rid,
		u: { _id: user },
		...fields,
	});

	describe('unique indexes', () => {
		const refused = async (write: Promise<unknown>) => {
			const error = await rejection(write);
			expect(isDuplicateKey(error), error.message).to.equal(true);
			// Neither the message nor the logged error contains the value.
			expect(`${error.stack} ${JSON.stringify(error)} ${error.cause ?? ''}`).to.not.include('secret');
		};

		it('refuse an id or a value that another document has', async () => {
			await test.store.subscriptions.insertOne(member('r', 'a', { E2EKey: 'secret' }));
			await test.store.subscriptions.insertOne(member('r', 'b'));
			await test.store.subscriptions.insertOne(member('r', 'c'));
			await refused(test.store.subscriptions.insertOne(member('r', 'a')));
			await refused(test.store.subscriptions.insertOne({ ...member('r', 'a'), _id: 'other' }));
			await refused(test.store.subscriptions.insertOne(member('q', 'b', { E2EKey: 'secret' })));
			const take = { $set: { E2EKey: 'secret' } };
			await refused(test.store.subscriptions.updateOne({ _id: 'r-b' }, take));
			await refused(test.store.subscriptions.updateMany({ _id: { $in: ['r-b', 'r-c'] } }, take));
			await refused(test.store.subscriptions.findOneAndUpdate({ _id: 'r-b' }, take, after));
			expect(await test.store.subscriptions.countDocuments({ E2EKey: { $exists: true } })).to.equal(1);
			expect(await test.store.subscriptions.countDocuments({})).to.equal(3);
		});

		it('apply to elements of arrays, and accept a value again after its removal', async () => {
			const alice: User = {
				_id: 'alice',
				username: 'alice',
				emails: [
					{ address: 'a@secret', verified: true },
					{ address: 'b@secret', verified: true },
				],
				services: { resume: { loginTokens: [{ hashedToken: 'secret', when: new Date() }] } },
			};
			await test.store.users.insertOne(alice);
			await test.store.users.insertOne({ _id: 'none' });
			await test.store.users.insertOne({ _id: 'empty', emails: [], services: { resume: { loginTokens: [] } } });
			await refused(test.store.users.insertOne({ _id: 'x', username: 'alice' }));
			await refused(test.store.users.insertOne({ _id: 'x', emails: [{ address: 'b@secret', verified: false }] }));
			await refused(test.store.users.insertOne({ _id: 'x', services: { ...alice.services } }));
			const byToken: Filter<User> = { 'services.resume.loginTokens.hashedToken': 'secret' };
			expect(await test.store.users.findOne(byToken)).to.include({ _id: 'alice' });
			await test.store.users.updateOne(byToken, {
				$pull: { 'services.resume.loginTokens': { hashedToken: 'secret' } },
			});
			expect(await test.store.users.findOne(byToken)).to.equal(null);
			await test.store.users.insertOne({ _id: 'x', services: { ...alice.services } });
			expect(await test.store.users.findOne(byToken)).to.include({ _id: 'x' });
		});
	});

	it('a closing store completes writes in progress, and refuses further writes', async () => {
		const writes = Array.from({ length: 20 }, (_, i) => test.store.rooms.insertOne(room(`r${i}`)));
		const closed = test.close();
		const late = await rejection(test.store.rooms.insertOne(room('late')));
		expect(late).to.include({ name: 'StoreError', message: 'The store is closed.' });
		await Promise.all([...writes, closed]);
	});

	describe('_updatedAt', () => {
		const old = new Date(0);
		it('is set by every write', async () => {
			const start = Date.now();
			/** Expects a new time, and sets the old one again. */
			const expectNewTime = async () => {
				const at = (await test.store.rooms.findOne({}))?._updatedAt as Date;
				expect(at.getTime()).to.be.within(start, Date.now());
				await test.store.rooms.updateOne({}, { $set: { _updatedAt: old } });
				expect(await test.store.rooms.findOne({})).to.have.deep.property('_updatedAt', old);
			};
			await test.store.rooms.insertOne(room('r'));
			await expectNewTime();
			await test.store.rooms.updateOne({}, { $set: { t: 'p' } });
			await expectNewTime();
			await test.store.rooms.updateMany({}, { $unset: { name: 1 } });
			await expectNewTime();
			await test.store.rooms.findOneAndUpdate({}, { $inc: { msgs: 1 } } as object, after);
			await expectNewTime();
		});

		it('is kept if an insert contains it', async () => {
			await test.store.rooms.insertOne(room('r', { _updatedAt: old }));
			expect(await test.store.rooms.findOne({})).to.have.deep.property('_updatedAt', old);
		});
	});

	describe('documents', () => {
		const document = {
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

		it('are read as they were written', async () => {
			await test.store.rooms.insertOne(document);
			expect(await test.store.rooms.findOne({ _id: 'r' })).to.deep.equal(document);
		});

		it('are copied when they are written and when they are read', async () => {
			const mine = structuredClone(document);
			const change = { $set: { extra: { at: new Date(7), list: ['x'] } } };
			const mutate = (object: object) => {
				const { at, numbers, extra } = object as typeof document & { extra?: { at: Date; list: string[] } };
				at?.setTime(0);
				numbers?.push(99);
				extra?.at.setTime(0);
				extra?.list.push('added');
			};
			await test.store.rooms.insertOne(mine);
			await test.store.rooms.updateOne({}, change);
			const stored = { ...document, extra: structuredClone(change.$set.extra) };
			mutate(mine);
			mutate(change.$set);
			change.$set.extra.at.setTime(0);
			change.$set.extra.list.push('added');
			for (const found of [
				await test.store.rooms.findOne({}),
				...(await test.store.rooms.find({}).toArray()),
				await test.store.rooms.findOneAndUpdate({}, { $set: { t: 'p' } }, after),
			]) {
				expect({ ...found, _updatedAt: document._updatedAt }).to.deep.equal(stored);
				mutate(found as object);
			}
			expect({ ...(await test.store.rooms.findOne({})), _updatedAt: document._updatedAt }).to.deep.equal(stored);
		});

		it('lose the elements that $pull matched at the time of the call', async () => {
			const list = [{ kind: 'a' }, { kind: 'b' }];
			await test.store.rooms.insertOne({ _id: 'r', t: 'p', list } as Room);
			const condition = { kind: /^a/ as RegExp | string };
			const write = test.store.rooms.updateOne({}, { $pull: { list: condition } } as object);
			condition.kind = 'b';
			await write;
			expect(await test.store.rooms.findOne({})).to.deep.include({ list: [{ kind: 'b' }] });
		});

		it('are stored without undefined members, at every depth', async () => {
			const document = { _id: 'r', t: 'p', name: undefined, a: { b: undefined, c: [{ d: undefined, e: null }] } };
			await test.store.rooms.insertOne({ ...document, _updatedAt: undefined } as unknown as Room);
			const found = (await test.store.rooms.findOne({})) as Room & { a: object };
			expect(found._updatedAt).to.be.instanceOf(Date);
			const { _updatedAt, ...stored } = found;
			expect(Object.keys(stored)).to.have.members(['_id', 't', 'a']);
			expect(stored.a).to.deep.equal({ c: [{ e: null }] });
			expect(await test.store.rooms.countDocuments({ name: { $exists: true } })).to.equal(0);
		});

		it('are refused if a store cannot keep them', async () => {
			for (const wrong of [
				{ t: 'p' },
				{ _id: '' },
				{ _id: 7 },
				{ _id: '__proto__' },
				{ _id: 'x', name: { a: [undefined] } },
				{ _id: undefined },
				{ _id: 'x', 'a.b': 1 },
				{ _id: 'x', a: { '': 1 } },
				{ _id: 'x', a: [{ $b: 1 }] },
				{ _id: 'x', a: new Map() },
				{ _id: 'x', a: 1n },
				{ _id: 'x', a: new Array(2) },
				{ _id: 'x', a: JSON.parse('['.repeat(99) + ']'.repeat(99)) },
			])
				expect(await rejection(test.store.rooms.insertOne(wrong as unknown as Room))).to.be.instanceOf(TypeError);
			expect(await test.store.rooms.countDocuments({})).to.equal(0);
		});
	});
});
