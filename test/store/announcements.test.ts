/** Which changes a store announces to its listeners. */
import { expect } from 'chai';
import type { Room } from '../../shared/documents.js';
import type { Change, Store } from '../../shared/store.js';
import { eachStore } from '../support/store.js';

eachStore('a store', (test) => {
	let changes: Change[];

	beforeEach(() => {
		changes = [];
		test.onChange((change) => {
			changes.push(change);
			return undefined;
		});
	});

	/** The changes announced while a task runs, each as `action collection id`. */
	async function announced(task: (store: Store) => Promise<unknown>): Promise<string[]> {
		changes = [];
		await task(test.store);
		return changes.map(({ action, collection, document }) => `${action} ${collection} ${document._id}`);
	}

	const add = (...ids: string[]) =>
		Promise.all(ids.map((_id) => test.store.rooms.insertOne({ _id, t: 'p', msgs: 1 }, { silent: true })));

	it('announces an insert, an update and a removal once each, with the document', async () => {
		expect(await announced(({ rooms }) => rooms.insertOne({ _id: 'r', t: 'p' }))).to.deep.equal(['inserted rooms r']);
		expect(changes[0]?.document).to.include({ _id: 'r', t: 'p' });
		expect(await announced(({ rooms }) => rooms.updateOne({ _id: 'r' }, { $set: { name: 'n' } }))).to.deep.equal([
			'updated rooms r',
		]);
		expect(changes[0]?.document).to.include({ name: 'n' });
		expect(changes[0]?.before).to.include({ _id: 'r' }).and.not.to.have.property('name');
		expect(await announced(({ rooms }) => rooms.deleteOne({ _id: 'r' }))).to.deep.equal(['removed rooms r']);
		expect(changes[0]?.document).to.include({ name: 'n' });
	});

	it('announces an update by `findOneAndUpdate`, whatever it returns', async () => {
		await add('r');
		for (const returnDocument of ['before', 'after'] as const) {
			const options = { returnDocument, projection: { _id: 1 } } as const;
			const update = ({ rooms }: Store) => rooms.findOneAndUpdate({ _id: 'r' }, { $inc: { msgs: 1 } }, options);
			expect(await announced(update)).to.deep.equal(['updated rooms r']);
			expect(changes[0]?.document).to.include({ t: 'p' });
		}
		expect(changes[0]?.document).to.include({ msgs: 3 });
	});

	it('announces every document that one write changes', async () => {
		// More than two of the batches of 100 in which stores write.
		const ids = Array.from({ length: 205 }, (_, i) => `r${i}`);
		await add(...ids);
		const updated = await announced(({ rooms }) => rooms.updateMany({ msgs: 1 }, { $set: { msgs: 2 } }));
		expect(updated).to.have.members(ids.map((id) => `updated rooms ${id}`));
		expect(changes.every(({ document }) => (document as { msgs?: number }).msgs === 2)).to.equal(true);
		const removed = await announced(({ rooms }) => rooms.deleteMany({ msgs: 2 }));
		expect(removed).to.have.members(ids.map((id) => `removed rooms ${id}`));
	});

	it('announces nothing if a write changes nothing', async () => {
		await add('r');
		const filter = { _id: 'r' };
		for (const task of [
			({ rooms }: Store) => rooms.updateOne(filter, { $set: { msgs: 1 } }),
			({ rooms }: Store) => rooms.updateMany(filter, { $set: { msgs: 1 } }),
			({ rooms }: Store) => rooms.updateOne(filter, { $unset: { topic: 1 } }),
			({ rooms }: Store) => rooms.updateOne(filter, { $set: { _updatedAt: new Date(0) } }),
			({ rooms }: Store) => rooms.updateOne({ _id: 'other' }, { $set: { msgs: 2 } }),
			({ rooms }: Store) => rooms.findOneAndUpdate(filter, { $set: { msgs: 1 } }, { returnDocument: 'after' }),
			({ rooms }: Store) => rooms.deleteOne({ _id: 'other' }),
			({ rooms }: Store) => rooms.deleteMany({ _id: 'other' }),
			({ rooms }: Store) => rooms.insertOne({ _id: 'r', t: 'p' }).catch(() => null),
		])
			expect(await announced(task)).to.deep.equal([]);
		const lists = { usersWaitingForE2EKeys: [{ userId: 'u', ts: new Date(1) }] };
		const update = ({ rooms }: Store) => rooms.updateOne(filter, { $set: structuredClone(lists) });
		expect(await announced(update)).to.deep.equal(['updated rooms r']);
		expect(await announced(update)).to.deep.equal([]);
	});

	it('announces nothing of a silent write before `announce` is called', async () => {
		const silent = { silent: true };
		for (const task of [
			({ rooms }: Store) => rooms.insertOne({ _id: 'r', t: 'p' }, silent),
			({ rooms }: Store) => rooms.updateOne({ _id: 'r' }, { $set: { msgs: 1 } }, silent),
			({ rooms }: Store) => rooms.updateMany({}, { $set: { msgs: 2 } }, silent),
			({ rooms }: Store) =>
				rooms.findOneAndUpdate({ _id: 'r' }, { $set: { msgs: 3 } }, { ...silent, returnDocument: 'after' }),
			({ rooms }: Store) => rooms.deleteOne({ _id: 'r' }, silent),
			({ rooms }: Store) => rooms.deleteMany({}, silent),
		])
			expect(await announced(task)).to.deep.equal([]);
		expect(await announced(({ rooms }) => rooms.announce('removed', { _id: 'r', t: 'p' }))).to.deep.equal([
			'removed rooms r',
		]);
		await add('r');
		expect(await announced(({ rooms }) => rooms.announce('inserted', { _id: 'r', t: 'p' }))).to.deep.equal([
			'inserted rooms r',
		]);
	});

	describe('that announces a silent write later', () => {
		const silent = { returnDocument: 'after', silent: true } as const;

		it('announces the state that a further write has stored', async () => {
			await add('r');
			const { rooms } = test.store;
			const earlier = await rooms.findOneAndUpdate({ _id: 'r' }, { $set: { name: 'n' } }, silent);
			await rooms.updateOne({ _id: 'r' }, { $set: { e2eKeyId: 'key' } });
			await rooms.announce('updated', earlier as Room);
			expect(changes.at(-1)?.document).to.include({ name: 'n', e2eKeyId: 'key' });
		});

		it('announces an update if the removed document was inserted again', async () => {
			await add('r');
			const { rooms } = test.store;
			await rooms.deleteOne({ _id: 'r' }, { silent: true });
			await rooms.insertOne({ _id: 'r', t: 'd' });
			expect(await announced(() => rooms.announce('removed', { _id: 'r', t: 'p' }))).to.deep.equal(['updated rooms r']);
			expect(changes[0]?.document).to.include({ t: 'd' });
		});

		it('announces nothing if the updated document was removed', async () => {
			await add('r');
			const { rooms } = test.store;
			const earlier = await rooms.findOneAndUpdate({ _id: 'r' }, { $set: { name: 'n' } }, silent);
			await rooms.deleteOne({ _id: 'r' });
			expect(await announced(() => rooms.announce('updated', earlier as Room))).to.deep.equal([]);
		});

		it('announces the final state last, whatever runs concurrently', async () => {
			const { rooms } = test.store;
			const increment = { $inc: { msgs: 1 } };
			for (let round = 0; round < 10; round++) {
				const _id = `r${round}`;
				await add(_id);
				const writes = Array.from({ length: 20 }, async (_, i) => {
					if (i % 3 === 0) return rooms.updateOne({ _id }, increment);
					if (i % 3 === 1) return rooms.findOneAndUpdate({ _id }, increment, { returnDocument: 'after' });
					const written = await rooms.findOneAndUpdate({ _id }, increment, silent);
					return rooms.announce('updated', written as Room);
				});
				await Promise.all(writes);
				expect(changes.findLast(({ document }) => document._id === _id)?.document).to.include({ msgs: 21 });
			}
		});
	});

	it('gives the writer of each change the promises that listeners return', async () => {
		const stop = test.onChange(() => Promise.resolve('received'));
		const delivered: Promise<unknown>[] = [];
		const options = { onAnnounced: (delivery: Promise<unknown>) => void delivered.push(delivery) };
		await test.store.rooms.insertOne({ _id: 'r', t: 'p' }, options);
		await test.store.rooms.updateOne({ _id: 'r' }, { $set: { msgs: 1 } }, options);
		await test.store.rooms.announce('updated', { _id: 'r', t: 'p' }, options);
		expect(await Promise.all(delivered)).to.deep.equal(['received', 'received', 'received']);
		stop();
		// The listener of `beforeEach` returns no promise.
		await test.store.rooms.deleteOne({ _id: 'r' }, options);
		expect(delivered).to.have.length(3);
	});
});
