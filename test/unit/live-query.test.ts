/** test/contract/ddp.md section 7: which writes a live query reports, and when the writer receives `updated`. */
import { expect } from 'chai';
import { type Bus, createBus } from '../../server/cluster/bus.js';
import { observedIds, refreshLiveQueries } from '../../server/ddp/publications/live-queries.js';
import { LiveQuerySubscriber } from '../../server/ddp/publications/live-query.js';
import type { Permission } from '../../shared/documents.js';
import { StoreUnavailableError } from '../../shared/errors.js';
import { liveQuery } from '../../shared/publication.js';
import type { Store } from '../../shared/store.js';
import { Gates } from '../support/gates.js';
import { memoryLog } from '../support/log.js';
import { type OpenStore, openTestStore } from '../support/store.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a live query (7)', () => {
	let opened: OpenStore;
	let bus: Bus;
	let subscriber: LiveQuerySubscriber;
	let beforeRead: () => void;
	let reads: number;
	/** What the subscriber has published, and its failure. */
	let calls: string[];

	beforeEach(async () => {
		opened = await openTestStore();
		bus = createBus(memoryLog());
		beforeRead = () => {};
		calls = [];
		subscriber = new LiveQuerySubscriber(liveQuery('permissions', { roles: 'r' }, { roles: 1 }), {
			services: { store: countingReads(opened.store), bus },
			publishAdded: (_collection, id) => void calls.push(`show ${id}`),
			publishChanged: (_collection, id) => void calls.push(`change ${id}`),
			publishRemoved: (_collection, id) => void calls.push(`remove ${id}`),
			whenDrained: () => undefined,
			fail: (error) => void calls.push(`failed: ${(error as Error).message}`),
		});
		await subscriber.start();
		reads = 0;
	});
	afterEach(async () => {
		subscriber.stop();
		await opened.close();
	});

	/** Wraps the store: counts the reads of permissions, and calls `beforeRead` before each. */
	function countingReads(store: Store): Store {
		const counted = (read: (...args: never[]) => unknown) => {
			return (...args: never[]) => {
				reads++;
				beforeRead();
				return read(...args);
			};
		};
		const { permissions } = store;
		return {
			...store,
			permissions: { ...permissions, find: counted(permissions.find), findOne: counted(permissions.findOne) } as never,
		};
	}

	/** Stores documents that the query matches. `bus` receives no event of this. */
	const write = async (...ids: string[]) => {
		for (const _id of ids) await opened.store.permissions.insertOne({ _id, roles: ['r'] });
	};

	/** Publishes updates of documents. Resolves when the last of them is handled. */
	const announce = (...ids: string[]) =>
		ids
			.map((_id) => bus.publish('changed', { collection: 'permissions', action: 'updated', document: { _id } }))
			.at(-1);

	it('shows no document that stops matching during the read of the first result', async () => {
		await write('p');
		const { permissions } = opened.store;
		const old = await permissions.find({ roles: 'r' }).toArray();
		let release = () => {};
		const released = new Promise<void>((resolve) => {
			release = resolve;
		});
		async function* firstResult() {
			await released;
			yield* old;
		}
		const find = (filter: object) => ('_id' in filter ? permissions.find({ _id: 'p' }) : firstResult());
		const shown = new Set<string>();
		const slowBus = createBus(memoryLog());
		const observer = new LiveQuerySubscriber(liveQuery('permissions', { roles: 'r' }, { roles: 1 }), {
			services: { store: { ...opened.store, permissions: { ...permissions, find } as never }, bus: slowBus },
			publishAdded: (_collection, id) => void shown.add(id),
			publishChanged: () => {},
			publishRemoved: (_collection, id) => void shown.delete(id),
			whenDrained: () => undefined,
			fail: () => {},
		});
		const started = observer.start();
		await permissions.updateOne({ _id: 'p' }, { $set: { roles: [] } });
		await slowBus.publish('changed', { collection: 'permissions', action: 'updated', document: { _id: 'p' } });
		release();
		await started;
		expect([...shown]).to.deep.equal([]);
		observer.stop();
	});

	it('has shown a write when its event is handled, despite later writes', async () => {
		await write('mine', 'other');
		beforeRead = () => {
			if (reads < 100) announce('other');
		};
		await announce('mine');
		expect(calls).to.include('show mine');
		// The event of `mine` has not waited for the reads of all later writes.
		expect(reads).to.be.below(5);
	});

	it('has shown a write when its event is handled, even during another read', async () => {
		await write('first', 'second');
		let second: Promise<unknown> | undefined;
		beforeRead = () => {
			beforeRead = () => {};
			second = announce('second');
		};
		await announce('first');
		expect(calls).to.deep.equal(['show first']);
		await second;
		expect(calls).to.deep.equal(['show first', 'show second']);
	});

	it('reads documents of simultaneous events together, and shows them in event order', async () => {
		await write('a', 'b', 'c');
		await announce('c', 'a', 'b', 'c');
		expect(reads).to.equal(1);
		expect(calls).to.deep.equal(['show c', 'show a', 'show b']);
		await opened.store.permissions.deleteMany({ _id: { $in: ['a', 'b'] } });
		await announce('b', 'c', 'a');
		expect(calls.slice(3)).to.deep.equal(['remove b', 'change c', 'remove a']);
	});

	it('shows no state that was read before it began and before an unnoticed write', async () => {
		const { permissions } = opened.store;
		const ownBus = createBus(memoryLog());
		const gates = new Gates();
		/** Reads written documents at once, and returns them when the gate opens. */
		async function* slowRead(filter: object) {
			const found = await permissions.find(filter).toArray();
			await gates.wait('read');
			yield* found;
		}
		const find = (filter: object) => ('_id' in filter ? slowRead(filter) : permissions.find(filter));
		const subscribe = (shown: Record<string, unknown>) =>
			new LiveQuerySubscriber(liveQuery('permissions', { roles: 'r' }, { name: 1 } as never), {
				services: { store: { ...opened.store, permissions: { ...permissions, find } as never }, bus: ownBus },
				publishAdded: (_collection, _id, fields) => void Object.assign(shown, fields),
				publishChanged: (_collection, _id, fields) => void Object.assign(shown, fields),
				publishRemoved: () => {},
				whenDrained: () => undefined,
				fail: () => {},
			});
		const announceChange = (_id: string) =>
			ownBus.publish('changed', { collection: 'permissions', action: 'updated', document: { _id } });
		await permissions.insertOne({ _id: 'p', roles: ['r'], name: 'old' } as Permission);
		const former = subscribe({});
		await former.start();
		const round = announceChange('p');
		while (!gates.has('read')) await nextTurn();
		former.stop();
		await permissions.updateOne({ _id: 'p' }, { $set: { name: 'new' } } as never);
		expect(announceChange('p')).to.equal(undefined);
		const shown: Record<string, unknown> = {};
		const later = subscribe(shown);
		await later.start();
		gates.open('read');
		await round;
		let hasEnded = false;
		const nextRound = Promise.resolve(announceChange('another')).then(() => {
			hasEnded = true;
		});
		while (!hasEnded) {
			await nextTurn();
			gates.open('read');
		}
		await nextRound;
		expect(shown.name).to.equal('new');
		later.stop();
	});

	it('reads very many documents in parts', async () => {
		const ids = Array.from({ length: 250 }, (_, i) => `p${i}`);
		await write(...ids);
		await announce(...ids);
		// One read is for 100 documents at most.
		expect(reads).to.equal(3);
		expect(calls).to.deep.equal(ids.map((id) => `show ${id}`));
	});

	it('repeats a failed read, and handles no event before the read succeeds', async () => {
		await write('a', 'b');
		beforeRead = () => {
			if (reads < 3) throw new Error('no primary');
		};
		await announce('a', 'b');
		expect(calls).to.deep.equal(['show a', 'show b']);
	});

	it('fails when a read still fails after three repetitions', async () => {
		await write('a');
		beforeRead = () => {
			throw new Error('no primary');
		};
		await announce('a');
		expect(reads).to.equal(4);
		expect(calls).to.deep.equal(['failed: no primary']);
	});

	it('does not count repetitions of a read while the store is unavailable', async () => {
		await write('a');
		beforeRead = () => {
			if (reads <= 3) throw new StoreUnavailableError();
			if (reads === 4) throw new Error('no primary');
		};
		await announce('a');
		expect(calls).to.deep.equal(['show a']);
	});

	it('does not fail because of a read that had failed before the query began', async () => {
		await write('a', 'b');
		const failed: string[] = [];
		const none = () => {};
		const publisher = { publishAdded: none, publishChanged: none, publishRemoved: none, whenDrained: () => undefined };
		const services = { store: countingReads(opened.store), bus };
		let later: LiveQuerySubscriber | undefined;
		const first = new LiveQuerySubscriber(liveQuery('permissions', { roles: 'first' }, { roles: 1 }), {
			services,
			...publisher,
			fail() {
				failed.push('first');
				first.stop();
				later ??= new LiveQuerySubscriber(liveQuery('permissions', { roles: 'later' }, { roles: 1 }), {
					services,
					...publisher,
					fail: () => void failed.push('later'),
				});
			},
		});
		await first.start();
		beforeRead = () => {
			throw new Error('no primary');
		};
		await announce('a', 'b');
		later?.stop();
		expect(failed).to.deep.equal(['first']);
	});

	it('repeats no read once it has stopped', async () => {
		await write('a');
		beforeRead = () => {
			subscriber.stop();
			throw new Error('no primary');
		};
		await announce('a');
		expect(reads).to.equal(1);
		expect(calls).to.deep.equal([]);
	});

	it('reads nothing for a written document that no query matches and no result contains', async () => {
		const others = [
			liveQuery('permissions', { _id: { $in: ['other'] } }, { roles: 1 }),
			liveQuery('permissions', { _id: 'p', roles: 'other' }, { roles: 1 }),
			liveQuery('permissions', { _updatedAt: { $lt: new Date(0) } }, { roles: 1 }),
		].map((query) => {
			const none = () => void calls.push('another');
			const publisher = { publishAdded: none, publishChanged: none, publishRemoved: none, fail: none };
			const services = { store: countingReads(opened.store), bus };
			return new LiveQuerySubscriber(query, { services, ...publisher, whenDrained: () => undefined });
		});
		for (const other of others) await other.start();
		reads = 0;
		const change = { collection: 'permissions', document: { _id: 'p', roles: ['q'], _updatedAt: new Date() } } as const;
		for (const action of ['inserted', 'updated', 'removed'] as const)
			expect(bus.publish('changed', { ...change, action })).to.equal(undefined);
		expect(reads).to.equal(0);
		// An event with only the id, as for users, does not tell whether the document matches.
		await bus.publish('changed', { collection: 'permissions', action: 'updated', document: { _id: 'p' } });
		expect(reads).to.equal(1);
		for (const other of others) other.stop();
		expect(calls).to.deep.equal([]);
	});

	it('has shown all missed writes when a refresh ends', async () => {
		const { permissions } = opened.store;
		const ownBus = createBus(memoryLog());
		let onReadBegun = () => {};
		const readBegun = new Promise<void>((resolve) => {
			onReadBegun = resolve;
		});
		let release = () => {};
		const released = new Promise<void>((resolve) => {
			release = resolve;
		});
		let isRefreshing = false;
		async function* writtenDocuments() {
			onReadBegun();
			await released;
			yield* permissions.find({ _id: 'p' });
		}
		/** An empty result. During the refresh it comes after the read of the written documents has begun. */
		async function* noDocuments() {
			if (isRefreshing) await readBegun;
			yield* [];
		}
		const find = ({ _id }: { _id?: unknown }) => {
			if (_id === undefined) return noDocuments();
			return typeof _id === 'string' ? permissions.find({ _id }) : writtenDocuments();
		};
		const shown: string[] = [];
		const both = [{ _id: 'p' }, { roles: 'other' }].map((filter) => {
			return new LiveQuerySubscriber(liveQuery('permissions', filter, { roles: 1 }), {
				services: { store: { ...opened.store, permissions: { ...permissions, find } as never }, bus: ownBus },
				publishAdded: (_collection, id) => void shown.push(id),
				publishChanged: () => {},
				publishRemoved: () => {},
				whenDrained: () => undefined,
				fail: () => {},
			});
		});
		for (const each of both) await each.start();
		await write('p');
		isRefreshing = true;
		const shownAtEnd = refreshLiveQueries(ownBus, 'permissions').then(() => [...shown]);
		await readBegun;
		await nextTurn();
		release();
		expect(await shownAtEnd).to.deep.equal(['p']);
		for (const each of both) each.stop();
	});

	it('removes a field that another subscriber showed but its own result lacks', async () => {
		const { permissions } = opened.store;
		await permissions.insertOne({ _id: 'p', roles: ['r'], extra: 1 } as Permission);
		let release = () => {};
		const released = new Promise<void>((resolve) => {
			release = resolve;
		});
		async function* lateResult() {
			await released;
			yield* permissions.find({ roles: 'r' });
		}
		let finds = 0;
		const find = () => (++finds === 1 ? lateResult() : permissions.find({ roles: 'r' }));
		const ownBus = createBus(memoryLog());
		const subscribe = () => {
			const fields: Record<string, unknown> = {};
			const show = (_collection: string, _id: string, changes: object) => void Object.assign(fields, changes);
			const publisher = { publishAdded: show, publishChanged: show, publishRemoved: () => {}, fail: () => {} };
			const services = { store: { ...opened.store, permissions: { ...permissions, find } as never }, bus: ownBus };
			const query = liveQuery('permissions', { roles: 'r' }, { roles: 1, extra: 1 } as never);
			return { fields, own: new LiveQuerySubscriber(query, { services, ...publisher, whenDrained: () => undefined }) };
		};
		const [late, early] = [subscribe(), subscribe()];
		const started = late.own.start();
		await early.own.start();
		expect(late.fields).to.include({ extra: 1 });
		await permissions.updateOne({ _id: 'p' }, { $unset: { extra: 1 } } as never);
		release();
		await started;
		for (const { fields, own } of [late, early]) {
			expect(fields.extra).to.equal(undefined);
			own.stop();
		}
	});

	it('records no document after another subscriber has stopped it', async () => {
		const ownBus = createBus(memoryLog());
		const both: LiveQuerySubscriber[] = [];
		const stopBoth = () => {
			for (const one of both) one.stop();
		};
		for (const roles of ['r', 's']) {
			const publisher = { publishAdded: stopBoth, publishChanged: stopBoth, publishRemoved: stopBoth, fail: stopBoth };
			const services = { store: opened.store, bus: ownBus };
			const query = liveQuery('permissions', { roles }, { roles: 1 });
			both.push(new LiveQuerySubscriber(query, { services, ...publisher, whenDrained: () => undefined }));
		}
		for (const one of both) await one.start();
		await opened.store.permissions.insertOne({ _id: 'p', roles: ['r', 's'] });
		await ownBus.publish('changed', { collection: 'permissions', action: 'updated', document: { _id: 'p' } });
		expect([...observedIds(ownBus, 'permissions')]).to.deep.equal([]);
	});

	it('reads a document again that stops matching while it is read', async () => {
		const { permissions } = opened.store;
		const ownBus = createBus(memoryLog());
		const publish = (document: Permission) =>
			ownBus.publish('changed', { collection: 'permissions', action: 'updated', document });
		let later: Promise<unknown> | undefined;
		/** Reads, and then writes the document before the result of the read is used. */
		async function* overtaken() {
			const documents = await permissions.find({ _id: 'p' }).toArray();
			await permissions.updateOne({ _id: 'p' }, { $set: { roles: [] } });
			later ??= publish((await permissions.findOne({ _id: 'p' })) as Permission);
			yield* documents;
		}
		const find = (filter: object) => ('_id' in filter ? overtaken() : permissions.find(filter));
		const shown = new Set<string>();
		const other = new LiveQuerySubscriber(liveQuery('permissions', { roles: 'r' }, { roles: 1 }), {
			services: { store: { ...opened.store, permissions: { ...permissions, find } as never }, bus: ownBus },
			publishAdded: (_collection, id) => void shown.add(id),
			publishChanged: () => {},
			publishRemoved: (_collection, id) => void shown.delete(id),
			whenDrained: () => undefined,
			fail: () => {},
		});
		await other.start();
		await write('p');
		await publish((await permissions.findOne({ _id: 'p' })) as Permission);
		expect([...shown]).to.deep.equal(['p']);
		await later;
		expect([...shown]).to.deep.equal([]);
		other.stop();
	});
});
