/**
 * A process of its own that opens the store in a folder and writes rooms, twenty at a time, until it is killed or
 * refused. Prints `open`, then the id of each room once its write is acknowledged, at last `refused CODE MESSAGE`, what a
 * write to another collection then gets, and after a line of input whether it stores again.
 *
 * Arguments: the folder, how long a room's topic shall be, how ids begin, and `shared` where others have the folder too.
 */
import { once } from 'node:events';
import { openStore } from '../../server/store/open.js';
import { memoryLog } from './log.js';
import { rejection } from './rejection.js';

const [folder = '', length = '10', prefix = 'r', shared] = process.argv.slice(2);
const topic = 'x'.repeat(Number(length));

try {
	const { store } = await openStore({ kind: 'files', folder, shared: shared === 'shared' }, memoryLog());
	console.log('open');
	let next = 0;
	const write = async () => {
		for (;;) {
			const _id = `${prefix}${next++}`;
			await store.rooms.insertOne({ _id, t: 'p', topic });
			console.log(_id);
		}
	};
	const refused = await rejection(Promise.all(Array.from({ length: 20 }, write)));
	console.log(`refused ${refused.code} ${refused.message}`);
	const large = { _id: 'u', customFields: { text: 'x'.repeat(2_000_000) } };
	console.log(`then ${(await rejection(store.users.insertOne(large))).code}`);
	await once(process.stdin, 'data');
	await store.users.insertOne({ ...large, _id: 'again' });
	console.log('stored again');
} catch (error) {
	console.log(`refused ${(error as { code?: string }).code} ${(error as Error).message}`);
}
