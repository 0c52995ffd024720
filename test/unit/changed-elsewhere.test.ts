/** Documents that other processes and programs have written to the same database. */
import { expect } from 'chai';
import { createBus } from '../../server/cluster/bus.js';
import { createChangedElsewhere } from '../../server/cluster/changedElsewhere.js';
import { publishChanges } from '../../server/cluster/publishChanges.js';
import type { Change, Store } from '../../shared/store.js';
import { Gates } from '../support/gates.js';
import { memoryLog } from '../support/log.js';
import { addPerson, addRoom } from '../support/people.js';
import { eachTestWithStore } from '../support/store.js';

/** For writes that this process does not announce, like those of others. */
const silent = { silent: true };

describe('documents that are written elsewhere', () => {
	const test = eachTestWithStore();

	/** Starts the part that publishes such documents. `changes` are the changes that it has published. */
	function start(store: Store = test.store) {
		const bus = createBus(memoryLog());
		const changes: Change[] = [];
		const forwarded: unknown[] = [];
		let overflows = 0;
		let missedSince = 0;
		bus.on('changed', (change) => void changes.push(change));
		bus.forward((name, payload) => void forwarded.push([name, payload]));
		const { onChange } = test;
		const onOverflow = (since: number) => {
			overflows++;
			missedSince = since;
		};
		const elsewhere = createChangedElsewhere({ store, bus, onChange, log: memoryLog(), onOverflow });
		publishChanges(onChange, bus);
		return { elsewhere, changes, forwarded, overflows: () => overflows, missedSince: () => missedSince };
	}

	it('are published in their present state, and are not forwarded to other processes', async () => {
		const rid = await addRoom(test.store, []);
		const { elsewhere, changes, forwarded } = start();
		await test.store.rooms.updateOne({ _id: rid }, { $set: { topic: 'new' } }, silent);
		elsewhere.report('rooms', rid);
		await elsewhere.settled();
		expect(
			changes.map(({ action, document }) => [action, document._id, (document as { topic?: string }).topic]),
		).to.deep.equal([['updated', rid, 'new']]);
		expect(forwarded).to.deep.equal([]);
	});

	it('are published once, however often the same state is reported', async () => {
		const rid = await addRoom(test.store, []);
		const { elsewhere, changes } = start();
		for (let i = 0; i < 3; i++) {
			elsewhere.report('rooms', rid);
			await elsewhere.settled();
		}
		expect(changes).to.have.length(1);
	});

	it('are not published again if this process has written the reported state', async () => {
		const rid = await addRoom(test.store, []);
		const { elsewhere, changes } = start();
		await test.store.rooms.updateOne({ _id: rid }, { $set: { topic: 'ours' } });
		elsewhere.report('rooms', rid);
		await elsewhere.settled();
		expect(changes).to.have.length(1);
	});

	it('are published again if they return to an earlier state', async () => {
		const rid = await addRoom(test.store, []);
		const { elsewhere, changes } = start();
		for (const topic of ['one', 'two', 'one']) {
			await test.store.rooms.updateOne({ _id: rid }, { $set: { topic } }, silent);
			elsewhere.report('rooms', rid);
			await elsewhere.settled();
		}
		expect(changes.map(({ document }) => (document as { topic?: string }).topic)).to.deep.equal(['one', 'two', 'one']);
	});

	it('are published once as removed, with the fields that are still known', async () => {
		const { elsewhere, changes } = start();
		const last = { _id: 'gone', rid: 'room', u: { _id: 'alice' } };
		for (let i = 0; i < 2; i++) {
			elsewhere.report('subscriptions', 'gone', { action: 'removed', last });
			elsewhere.report('subscriptions', 'gone', { action: 'removed' });
			await elsewhere.settled();
		}
		expect(changes).to.deep.equal([{ collection: 'subscriptions', action: 'removed', document: last }]);
	});

	it('are published without secrets, and not if only login tokens have changed', async () => {
		const { id } = await addPerson(test.store);
		const { elsewhere, changes } = start();
		elsewhere.report('users', id, { action: 'inserted' });
		await elsewhere.settled();
		await test.store.users.updateOne({ _id: id }, { $set: { 'services.resume.loginTokens': [] } }, silent);
		elsewhere.report('users', id);
		await elsewhere.settled();
		expect(changes).to.deep.equal([{ collection: 'users', action: 'inserted', document: { _id: id } }]);
	});

	it('are read again if this process writes one of them during the read', async () => {
		const rid = await addRoom(test.store, []);
		let reads = 0;
		const find: Store['rooms']['find'] = (...args) => {
			const cursor = test.store.rooms.find(...args);
			return {
				toArray: () => cursor.toArray(),
				async *[Symbol.asyncIterator]() {
					const read = await cursor.toArray();
					if (++reads === 1) await test.store.rooms.updateOne({ _id: rid }, { $set: { topic: 'ours' } });
					yield* read;
				},
			};
		};
		const { elsewhere, changes } = start({ ...test.store, rooms: { ...test.store.rooms, find } });
		elsewhere.report('rooms', rid);
		await elsewhere.settled();
		expect(reads).to.equal(2);
		expect(changes.map(({ document }) => (document as { topic?: string }).topic)).to.deep.equal(['ours']);
	});

	it('are read in one query per collection, repeated until the store is available', async () => {
		const rooms = [await addRoom(test.store, []), await addRoom(test.store, []), await addRoom(test.store, [])];
		let reads = 0;
		const find: Store['rooms']['find'] = (...args) => {
			if (++reads <= 2) throw new Error('unavailable');
			return test.store.rooms.find(...args);
		};
		const { elsewhere, changes } = start({ ...test.store, rooms: { ...test.store.rooms, find } });
		for (const rid of rooms) elsewhere.report('rooms', rid);
		await elsewhere.settled();
		expect([reads, changes.length]).to.deep.equal([3, 3]);
	});

	it('are published as inserted if one of several reports says so, in any order', async () => {
		let reads = 0;
		const find: Store['rooms']['find'] = (...args) => {
			// This newer report arrives during the read that fails.
			if (++reads === 1) elsewhere.report('rooms', rid);
			if (reads === 1) throw new Error('unavailable');
			return test.store.rooms.find(...args);
		};
		const rid = await addRoom(test.store, []);
		const { elsewhere, changes } = start({ ...test.store, rooms: { ...test.store.rooms, find } });
		elsewhere.report('rooms', rid, { action: 'inserted' });
		await elsewhere.settled();
		const other = await addRoom(test.store, []);
		elsewhere.report('rooms', other, { action: 'inserted' });
		elsewhere.report('rooms', other);
		await elsewhere.settled();
		expect(changes.map(({ action }) => action)).to.deep.equal(['inserted', 'inserted']);
	});

	it('are waited for by `settled`, even if further documents are reported during every read', async () => {
		let reads = 0;
		const find: Store['rooms']['find'] = (...args) => {
			if (++reads < 50) elsewhere.report('rooms', `later ${reads}`);
			return test.store.rooms.find(...args);
		};
		const { elsewhere, changes } = start({ ...test.store, rooms: { ...test.store.rooms, find } });
		elsewhere.report('rooms', 'first');
		await elsewhere.settled();
		expect(changes.map(({ document }) => document._id)).to.include('first');
		expect(reads).to.be.below(5);
		await elsewhere.close();
	});

	it('are not waited for by `settled` if an overflow during a read drops them', async () => {
		const rid = await addRoom(test.store, []);
		let onReading = () => {};
		let release = () => {};
		const isReading = new Promise<void>((resolve) => (onReading = resolve));
		const isReleased = new Promise<void>((resolve) => (release = resolve));
		const find: Store['rooms']['find'] = (...args) => {
			const cursor = test.store.rooms.find(...args);
			return {
				toArray: () => cursor.toArray(),
				async *[Symbol.asyncIterator]() {
					onReading();
					await isReleased;
					yield* await cursor.toArray();
				},
			};
		};
		const { elsewhere, overflows } = start({ ...test.store, rooms: { ...test.store.rooms, find } });
		elsewhere.report('rooms', rid);
		elsewhere.report('settings', 'some');
		await isReading;
		// Together with the document of `settings`, these are one more than may wait.
		for (let i = 0; i < 100_000; i++) elsewhere.report('subscriptions', `${i}`);
		expect(overflows()).to.equal(1);
		release();
		// The first call waits until the present documents are read. The second must not wait for a further report.
		for (let i = 0; i < 2; i++) await elsewhere.settled();
	});

	it('are dropped when too many wait to be read, and the overflow is reported', async () => {
		const { elsewhere, changes, overflows } = start();
		for (let i = 0; i <= 100_000; i++) elsewhere.report('rooms', `${i}`);
		expect(overflows()).to.equal(1);
		elsewhere.report('rooms', 'later');
		await elsewhere.settled();
		expect(changes.map(({ document }) => document._id)).to.deep.equal(['later']);
	});

	it('count as missed since the first unread one, if too many wait', async () => {
		const gates = new Gates();
		let reads = 0;
		const find = () => {
			if (++reads === 3) gates.open('third read');
			throw new Error('unavailable');
		};
		const { elsewhere, missedSince } = start({ ...test.store, rooms: { ...test.store.rooms, find } });
		const before = Date.now();
		elsewhere.report('rooms', 'first');
		const firstReportedBy = Date.now();
		// The third read takes place at least 250 ms later.
		await gates.wait('third read');
		for (let i = 0; i <= 100_000; i++) elsewhere.report('subscriptions', `${i}`);
		expect(missedSince()).to.be.within(before, firstReportedBy);
		await elsewhere.close();
	});

	it('are ignored if the collection is unknown, and after `close`', async () => {
		const { elsewhere, changes } = start();
		for (const name of ['unknown', '__proto__', 'constructor']) elsewhere.report(name, 'x');
		await elsewhere.settled();
		await elsewhere.close();
		elsewhere.report('rooms', 'x');
		await elsewhere.settled();
		expect(changes).to.deep.equal([]);
	});
});
