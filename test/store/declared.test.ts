/** Collections that an application declares, and their indexes, in a data folder over several starts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { openStore } from '../../server/store/open.js';
import { collection, collectionsOf } from '../../shared/collections.js';
import type { Collection } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';

interface Item {
	_id: string;
	owner: string;
	number?: number;
}

const plain = collection<Item>('items');
const byOwner = collection<Item>('items', { indexes: [{ fields: ['owner'] }] });
const byNumber = collection<Item>('items', { indexes: [{ fields: ['number'], unique: true, sparse: true }] });

describe('a declared collection in a folder', () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'roomkey-'));
	});
	afterEach(() => rm(folder, { recursive: true }));

	async function start<R>(definition: typeof plain, use: (items: Collection<Item>) => Promise<R>): Promise<R> {
		const { store, close } = await openStore({ kind: 'files', folder }, memoryLog(), [definition]);
		try {
			return await use((collectionsOf(store) as unknown as { items: Collection<Item> }).items);
		} finally {
			await close();
		}
	}

	const owned = (items: Collection<Item>) => items.find({ owner: 'a' }, { sort: { _id: 1 } }).toArray();
	const ids = async (items: Collection<Item>) => (await owned(items)).map(({ _id }) => _id);

	it('keeps its documents over a restart', async () => {
		await start(plain, (items) => items.insertOne({ _id: '1', owner: 'a' }));
		expect(await start(plain, ids)).to.deep.equal(['1']);
	});

	it('finds by a new index the documents that were stored before', async () => {
		await start(plain, async (items) => {
			// More than two of the batches of 100 in which an index is filled.
			for (let i = 100; i < 350; i++) await items.insertOne({ _id: String(i), owner: i % 2 ? 'a' : 'b' });
		});
		expect(await start(byOwner, ids)).to.have.length(125);
	});

	it('finds by an index what was written in a start that did not declare the index', async () => {
		await start(byOwner, (items) => items.insertOne({ _id: '1', owner: 'a' }));
		await start(plain, async (items) => {
			await items.insertOne({ _id: '2', owner: 'a' });
			await items.updateOne({ _id: '1' }, { $set: { owner: 'b' } });
		});
		expect(await start(byOwner, ids)).to.deep.equal(['2']);
	});

	it('refuses to start with a unique index if two documents have the same value, and starts without it', async () => {
		await start(plain, async (items) => {
			await items.insertOne({ _id: '1', owner: 'a', number: 5 });
			await items.insertOne({ _id: '2', owner: 'a', number: 5 });
		});
		const error = await rejection(start(byNumber, ids));
		expect(error).to.be.instanceOf(StoreError);
		expect(error.message).to.equal('A unique index of items cannot be made: two documents have the same value.');
		expect(await start(plain, ids)).to.deep.equal(['1', '2']);
		await start(plain, (items) => items.deleteOne({ _id: '2' }));
		expect(await start(byNumber, ids)).to.deep.equal(['1']);
		await start(byNumber, async (items) => {
			expect(await rejection(items.insertOne({ _id: '3', owner: 'a', number: 5 }))).to.include({ code: 11000 });
		});
	});
});
