/**
 * Writes rooms to the store in a folder, twenty at a time, until it is killed or a write fails. Prints `open`, then the
 * id of each room once its write is acknowledged. After a failure, prints `refused CODE MESSAGE`. Then it writes
 * to another collection, which must fail too, and prints `then CODE`. After a line of input it writes again, and prints
 * `stored again`.
 *
 * Arguments: the folder, the length of a room's topic, the prefix of ids, and `shared` if other processes use the
 * folder. As root, the process changes to the account with the number in `ROOMKEY_TEST_ACCOUNT`.
 */
import { once } from 'node:events';
import { openFolder } from '../../server/store/folder.js';
import { memoryLog } from './log.js';
import { rejection } from './rejection.js';

const [folder = '', length = '10', prefix = 'r', shared] = process.argv.slice(2);
const topic = 'x'.repeat(Number(length));

const account = Number(process.env.ROOMKEY_TEST_ACCOUNT ?? Number.NaN);
if (!Number.isNaN(account)) {
	// All modules are loaded by now. The account may be unable to read their files.
	process.setgroups?.([]);
	process.setgid?.(account);
	process.setuid?.(account);
}

try {
	const { store } = await openFolder(folder, { shared: shared === 'shared', log: memoryLog() });
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
