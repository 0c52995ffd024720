/** What live queries cost in one process, without a network: a write that nobody sees, and a change that many see. */
import { createBus } from '../../server/cluster/bus.js';
import { Observation } from '../../server/ddp/publications/live-query.js';
import { MergeBox } from '../../server/ddp/publications/mergebox.js';
import { openMemory } from '../../server/store/memory.js';
import { type LiveQuery, liveQuery } from '../../shared/publication.js';
import { memoryLog } from '../support/log.js';

const SUBSCRIBERS = 1_000;
const WRITES = 200;

type QueryOf = (i: number) => LiveQuery;

/** CPU time of a write and what follows it, in µs; what the plain write costs is taken off. */
async function measure(queryOf: QueryOf): Promise<number> {
	const { store, close } = await openMemory();
	for (let i = 0; i < SUBSCRIBERS; i++) await store.rooms.insertOne({ _id: `r${i}`, t: 'p', topic: `t${i}`, msgs: 0 });
	const bus = createBus(memoryLog());
	let frames = 0;
	for (let i = 0; i < SUBSCRIBERS; i++) {
		const box = new MergeBox({ send: () => frames++, broadcast: () => frames++ }, () => 'SERVER_MERGE');
		const holder = {};
		await new Observation(queryOf(i), {
			services: { store, bus },
			show: (...shown) => box.added(holder, ...shown),
			showChange: (...shown) => box.changed(holder, ...shown),
			removed: (...shown) => box.removed(holder, ...shown),
			whenDrained: () => undefined,
			failed(error) {
				throw error;
			},
		}).show();
	}
	const writes = async (announce: boolean) => {
		const before = process.cpuUsage();
		for (let i = 0; i < WRITES; i++) {
			await store.rooms.updateOne({ _id: 'r0' }, { $inc: { msgs: 1 } });
			if (announce) await bus.publish('changed', { collection: 'rooms', action: 'updated', document: { _id: 'r0' } });
		}
		const { user, system } = process.cpuUsage(before);
		return (user + system) / WRITES;
	};
	await writes(true);
	const cost = (await writes(true)) - (await writes(false));
	await close();
	return cost;
}

/** Prints the table. */
export async function benchLive(): Promise<void> {
	const rows: [what: string, queryOf: QueryOf, sees: number][] = [
		[
			'seen by none, each asks for other ids',
			(i) => liveQuery('rooms', { _id: { $in: [`r${(i % 999) + 1}`] } }, { msgs: 1 }),
			0,
		],
		[
			'seen by none, each asks for another value',
			(i) => liveQuery('rooms', { topic: `t${(i % 999) + 1}` }, { msgs: 1 }),
			0,
		],
		['seen by none, each asks for another range', (i) => liveQuery('rooms', { msgs: { $lt: -i } }, { msgs: 1 }), 0],
		[`seen by all ${SUBSCRIBERS}, one query`, () => liveQuery('rooms', { _id: 'r0' }, { msgs: 1 }), SUBSCRIBERS],
	];
	console.log(`CPU of a write beyond the write itself, with ${SUBSCRIBERS} subscribers, without a network.\n`);
	console.log('| A write | CPU µs | for each that sees it µs |');
	console.log('|---|---|---|');
	for (const [what, queryOf, sees] of rows) {
		const cost = await measure(queryOf);
		console.log(`| ${what} | ${cost.toFixed(1)} | ${sees ? (cost / sees).toFixed(2) : '–'} |`);
	}
}
