/**
 * A process that inserts documents into the collection `items` of a shared folder, with a unique index.
 * Arguments: the folder, the prefix of ids, and the number of documents.
 */
import { openFolder } from '../../server/store/folder.js';
import { collection, collectionsOf } from '../../shared/collections.js';
import type { Collection } from '../../shared/store.js';

interface Item {
	_id: string;
	owner: string;
	number: number;
}

const [folder = '', name = '', count = ''] = process.argv.slice(2);
const declared = [collection<Item>('items', { indexes: [{ fields: ['number'], unique: true, sparse: true }] })];
const { store, close } = await openFolder(folder, { shared: true, declared });
const { items } = collectionsOf(store) as unknown as { items: Collection<Item> };
for (let i = 0; i < Number(count); i++)
	await items.insertOne({ _id: `${name}${i}`, owner: name, number: Math.random() });
await close();
