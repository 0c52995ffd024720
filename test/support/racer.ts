/**
 * A process that opens a shared folder, prints `ready`, and waits for a line. Then it sets its name as the key
 * id of each room that has none yet, and prints how many key ids it has set.
 *
 * Arguments: the folder, the name, and the number of rooms.
 */
import { once } from 'node:events';
import { openStore } from '../../server/store/open.js';
import { memoryLog } from './log.js';

const [folder = '', name = '', count = '0'] = process.argv.slice(2);
const { store, close } = await openStore({ kind: 'files', folder, shared: true }, memoryLog());
console.log('ready');
await once(process.stdin, 'data');
const results = await Promise.all(
	Array.from({ length: Number(count) }, (_, i) =>
		store.rooms.updateOne({ _id: `r${i}`, e2eKeyId: { $exists: false } }, { $set: { e2eKeyId: name } }),
	),
);
console.log(results.filter(({ matchedCount }) => matchedCount === 1).length);
await close();
process.exit();
