/**
 * A process of its own that opens the store in a folder and writes rooms, twenty at a time, until it is killed or
 * refused. Prints `open`, then the id of each room once its write is acknowledged, at last `refused CODE MESSAGE` and
 * what a write to another collection then gets.
 *
 * Arguments: the folder, and how long a room's topic shall be.
 */
import { openStore } from '../../server/store/open.js';
import { memoryLog } from './log.js';
import { rejection } from './rejection.js';

const [folder = '', length = '10'] = process.argv.slice(2);
const topic = 'x'.repeat(Number(length));

try {
	const { store } = await openStore({ kind: 'files', folder }, memoryLog());
	console.log('open');
	let next = 0;
	const write = async () => {
		for (;;) {
			const _id = `r${next++}`;
			await store.rooms.insertOne({ _id, t: 'p', topic });
			console.log(_id);
		}
	};
	const refused = await rejection(Promise.all(Array.from({ length: 20 }, write)));
	console.log(`refused ${refused.code} ${refused.message}`);
	console.log(`then ${(await rejection(store.users.insertOne({ _id: 'u' }))).code}`);
} catch (error) {
	console.log(`refused ${(error as { code?: string }).code} ${(error as Error).message}`);
}
