/** Collections that an application declares, and their indexes, over several starts on one folder. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { openStore } from '../../server/store/open.js';
import { collection, collectionsOf } from '../../shared/collections.js';
import type { Collection, Filter } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';

interface Item {
	_id: string;
	owner: string;
	number?: number;
	a?: string;
	b?: string;
	c?: string;
}

type Fields = Omit<Item, '_id'>;

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

	it('finds older documents by a new index', async () => {
		await start(plain, async (items) => {
			// More than two of the batches of 100 in which an index is filled.
			for (let i = 100; i < 350; i++) await items.insertOne({ _id: String(i), owner: i % 2 ? 'a' : 'b' });
		});
		expect(await start(byOwner, ids)).to.have.length(125);
	});

	it('finds documents by an index that was not declared during some of the writes', async () => {
		await start(byOwner, (items) => items.insertOne({ _id: '1', owner: 'a' }));
		await start(plain, async (items) => {
			await items.insertOne({ _id: '2', owner: 'a' });
			await items.updateOne({ _id: '1' }, { $set: { owner: 'b' } });
		});
		expect(await start(byOwner, ids)).to.deep.equal(['2']);
	});

	it('finds texts of any length by an index of several fields', async () => {
		const byAll = collection<Item>('items', { indexes: [{ fields: ['owner', 'a', 'b', 'c'] }] });
		const short = { owner: 'o', a: 'o', b: 'o', c: 'o' };
		const [first, second] = ['漢', '字'].map((sign) => {
			const text = sign.repeat(200);
			return { owner: text, a: text, b: text, c: text };
		}) as [Fields, Fields];
		await start(byAll, async (items) => {
			const idsBy = (filter: Filter<Item>) =>
				items
					.find(filter)
					.toArray()
					.then((found) => found.map(({ _id }) => _id));
			await items.insertOne({ _id: '1', ...short });
			await items.insertOne({ _id: '2', ...second });
			await items.updateOne({ _id: '1' }, { $set: first });
			expect(await idsBy(short)).to.deep.equal([]);
			expect(await idsBy(first)).to.deep.equal(['1']);
			expect(await idsBy(second)).to.deep.equal(['2']);
		});
	});

	it('fills a new index completely while several processes start and write', async () => {
		const count = 1000;
		await start(plain, (items) =>
			Promise.all(Array.from({ length: count }, (_, i) => items.insertOne({ _id: `${i}`, owner: 'a', number: i }))),
		);
		const program = fileURLToPath(new URL('../support/indexWriter.js', import.meta.url));
		const run = promisify(execFile);
		await Promise.all(['b', 'c', 'd'].map((name) => run(process.execPath, [program, folder, name, '100'])));
		await start(byNumber, async (items) => {
			const missing: string[] = [];
			for await (const { _id, number } of items.find({}))
				if ((await items.findOne({ number }))?._id !== _id) missing.push(_id);
			expect(missing).to.deep.equal([]);
			expect(await items.countDocuments({})).to.equal(count + 300);
		});
	});

	it('refuses to start with a unique index that two documents violate', async () => {
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
