/**
 * Starts a server whose store other processes use too. Prints its address, and `held` for each run of `test.hold`.
 *
 * Arguments: the folder or the `mongodb://` address of the store, and `hold` if `test.hold` shall never end.
 */
import { openStore } from '../../server/store/open.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { startApp } from './app.js';
import { memoryLog } from './log.js';

const [where = '', mode = ''] = process.argv.slice(2);
const choice = where.startsWith('mongodb:')
	? ({ kind: 'mongodb', url: where } as const)
	: ({ kind: 'files', folder: where, shared: true } as const);

const hold = method({
	name: 'test.hold',
	summary: 'for a test',
	args: {},
	rest: 'POST',
	once: true,
	returns: Match.Any,
	async run() {
		console.log('held');
		return mode === 'hold' ? new Promise(() => {}) : { ranIn: process.pid };
	},
});

const opened = await openStore(choice, memoryLog());
const app = await startApp({
	store: opened.store,
	onChange: opened.onChange,
	shared: true,
	rateLimit: 'on',
	methods: [hold],
});
console.log(app.url);
process.on('SIGTERM', async () => {
	await app.close();
	await opened.close();
	process.exit();
});
