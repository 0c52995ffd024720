/** test/contract/ddp.md section 7: what a live query reports of what is written, and when the writer is `updated`. */
import { expect } from 'chai';
import { type Bus, createBus } from '../../server/cluster/bus.js';
import { Observation } from '../../server/ddp/publications/live-query.js';
import { liveQuery } from '../../shared/publication.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { type OpenStore, openTestStore } from '../support/store.js';

describe('a live query (7)', () => {
	let open: OpenStore;
	let bus: Bus;
	let observation: Observation;
	/** Runs before each read. */
	let beforeRead: () => void;
	let reads: number;
	let calls: string[];

	beforeEach(async () => {
		open = await openTestStore();
		bus = createBus(memoryLog());
		beforeRead = () => {};
		calls = [];
		observation = new Observation(liveQuery('permissions', { roles: 'r' }, { roles: 1 }), {
			services: { store: watched(open.store), bus },
			show: (_collection, id) => void calls.push(`show ${id}`),
			showChange: (_collection, id) => void calls.push(`change ${id}`),
			removed: (_collection, id) => void calls.push(`remove ${id}`),
			whenDrained: () => undefined,
			failed: (error) => void calls.push(`failed: ${(error as Error).message}`),
		});
		await observation.show();
		reads = 0;
	});
	afterEach(async () => {
		observation.stop();
		await open.close();
	});

	/** The store, with every read of permissions noticed. */
	function watched(store: Store): Store {
		const noticed = (read: (...asked: never[]) => unknown) => {
			return (...asked: never[]) => {
				reads++;
				beforeRead();
				return read(...asked);
			};
		};
		const { permissions } = store;
		return {
			...store,
			permissions: { ...permissions, find: noticed(permissions.find), findOne: noticed(permissions.findOne) } as never,
		};
	}

	const write = async (...ids: string[]) => {
		for (const _id of ids) await open.store.permissions.insertOne({ _id, roles: ['r'] });
	};

	const announce = (...ids: string[]) =>
		ids
			.map((_id) => bus.publish('changed', { collection: 'permissions', action: 'updated', document: { _id } }))
			.at(-1);

	it('does not show a document that its first result holds, where a write since then made it match no more', async () => {
		await write('p');
		const { permissions } = open.store;
		const old = await permissions.find({ roles: 'r' }).toArray();
		let read = () => {};
		const isRead = new Promise<void>((resolve) => {
			read = resolve;
		});
		async function* firstResult() {
			await isRead;
			yield* old;
		}
		const find = (filter: object) => ('_id' in filter ? permissions.find({ _id: 'p' }) : firstResult());
		const shown = new Set<string>();
		const slowBus = createBus(memoryLog());
		const observer = new Observation(liveQuery('permissions', { roles: 'r' }, { roles: 1 }), {
			services: { store: { ...open.store, permissions: { ...permissions, find } as never }, bus: slowBus },
			show: (_collection, id) => void shown.add(id),
			showChange: () => {},
			removed: (_collection, id) => void shown.delete(id),
			whenDrained: () => undefined,
			failed: () => {},
		});
		const showing = observer.show();
		await permissions.updateOne({ _id: 'p' }, { $set: { roles: [] } });
		await slowBus.publish('changed', { collection: 'permissions', action: 'updated', document: { _id: 'p' } });
		read();
		await showing;
		expect([...shown]).to.deep.equal([]);
		observer.stop();
	});

	it('has shown a write when its change is settled, however much is written meanwhile', async () => {
		await write('mine', 'other');
		let others = 0;
		beforeRead = () => {
			if (++others < 100) announce('other');
		};
		await announce('mine');
		expect(calls).to.include('show mine');
		expect(others).to.be.below(5);
	});

	it('has shown a write that comes while others are read when its own change is settled', async () => {
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

	it('reads what was written in one step at once, and reports it in the order in which it was written', async () => {
		await write('a', 'b', 'c');
		await announce('c', 'a', 'b', 'c');
		expect(reads).to.equal(1);
		expect(calls).to.deep.equal(['show c', 'show a', 'show b']);
		await open.store.permissions.deleteMany({ _id: { $in: ['a', 'b'] } });
		await announce('b', 'c', 'a');
		expect(calls.slice(3)).to.deep.equal(['remove b', 'change c', 'remove a']);
	});

	it('reads very many in parts', async () => {
		const ids = Array.from({ length: 250 }, (_, i) => `p${i}`);
		await write(...ids);
		await announce(...ids);
		expect(reads).to.equal(3);
		expect(calls).to.deep.equal(ids.map((id) => `show ${id}`));
	});

	it('reads again what could not be read, and settles no change before', async () => {
		await write('a', 'b');
		beforeRead = () => {
			if (reads < 3) throw new Error('no primary');
		};
		await announce('a', 'b');
		expect(calls).to.deep.equal(['show a', 'show b']);
	});

	it('says so when something can never be read', async () => {
		await write('a');
		beforeRead = () => {
			throw new Error('no primary');
		};
		await announce('a');
		expect(reads).to.equal(4);
		expect(calls).to.deep.equal(['failed: no primary']);
	});

	it('tries no more once it has stopped', async () => {
		await write('a');
		beforeRead = () => {
			observation.stop();
			throw new Error('no primary');
		};
		await announce('a');
		expect(reads).to.equal(1);
		expect(calls).to.deep.equal([]);
	});
});
