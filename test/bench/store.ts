/**
 * What the stores cost with few and with many rooms. Each store is measured in a process of its own. A claim is an
 * update that sets the key id of a room without one.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openStore, type StoreChoice } from '../../server/store/open.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { run } from './processes.js';

const SIZES = [1_000, 100_000, 1_000_000];
/** Members of `room-0`, of which pages are read. */
const MEMBERS = 1_000;
/** Number of measured finds, and of claims if there are as many rooms. Half as many pages are measured. */
const CALLS = 2_000;
/** Claims, and finds, that are made before the measured ones, so that their code is compiled. The claims use other rooms. */
const WARM_UP = 10_000;
/** Calls under way at a time. */
const CONCURRENCY = 100;
/** Rooms written at a time. Writes that wait together share a flush to the disk. */
const BATCH = 1000;

interface Figures {
	/** Time to open the store, in ms. */
	readonly open: number;
	/** Memory of the process after the calls, in MB. */
	readonly memory: number;
	/** CPU time of a claim, a find and a page, in µs. */
	readonly claim: number;
	readonly find: number;
	readonly page: number;
	/** Longest delay of the event loop, and CPU time of its longest turn, in ms. */
	readonly wait: number;
	readonly turn: number;
}

/** Runs `count` tasks, at most `concurrency` at a time. Each begins in a callback of its own, as a call that arrives does. */
async function inParallel(count: number, concurrency: number, run: (i: number) => Promise<unknown>): Promise<void> {
	let next = 0;
	const worker = async () => {
		while (next < count) {
			const i = next++;
			await nextTurn();
			await run(i);
		}
	};
	await Promise.all(Array.from({ length: concurrency }, worker));
}

async function fill(store: Store, rooms: number): Promise<void> {
	await inParallel(WARM_UP, BATCH, (i) => store.rooms.insertOne({ _id: `first-${i}`, t: 'p', encrypted: true }));
	await inParallel(rooms, BATCH, async (i) => {
		const rid = i < MEMBERS ? 'room-0' : `room-${i}`;
		await Promise.all([
			store.rooms.insertOne({ _id: `room-${i}`, t: 'p', name: `n${i}`, encrypted: true }),
			store.subscriptions.insertOne({ _id: `member-${i}`, rid, u: { _id: `user-${i}` }, t: 'p' }),
		]);
	});
}

/** Makes `count` calls. @returns the CPU time of one, in µs */
async function cpuOfCall(count: number, run: (i: number) => Promise<unknown>): Promise<number> {
	const before = process.cpuUsage();
	await inParallel(count, CONCURRENCY, run);
	const { user, system } = process.cpuUsage(before);
	return (user + system) / count;
}

/** Watches the event loop. The returned function stops this, and returns the CPU time of the longest turn, in ms. */
function watchTurns(): () => number {
	let longest = 0;
	let last = process.cpuUsage();
	let timer = setImmediate(look);
	function look(): void {
		const now = process.cpuUsage();
		longest = Math.max(longest, now.user + now.system - last.user - last.system);
		last = now;
		timer = setImmediate(look);
	}
	return () => {
		clearImmediate(timer);
		return longest / 1000;
	};
}

/** Memory of the process, in bytes. Mapped files are left out: the system can take their memory back. */
function ownMemory(): number {
	try {
		return 1024 * Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
	} catch {
		// Only Linux has this file.
		return process.memoryUsage.rss();
	}
}

function storeChoice(kind: string, folder: string): StoreChoice {
	if (kind === 'files') return { kind, folder };
	if (kind === 'memory') return { kind };
	return { kind: 'mongodb', url: urlOfDatabase(basename(folder)) };
}

/** The address of a database of this name on the server of `MONGO_URL`. */
function urlOfDatabase(name: string): string {
	const url = new URL(process.env.MONGO_URL as string);
	url.pathname = `/${name}`;
	return url.href;
}

async function dropDatabase(folder: string): Promise<void> {
	const { MongoClient } = await import('mongodb');
	const client = await MongoClient.connect(urlOfDatabase(basename(folder)));
	await client.db().dropDatabase();
	await client.close();
}

/** Measures a store. With the order `fill`, only fills it for another process to measure. */
async function measure(order: string, kind: string, rooms: number, folder: string): Promise<Figures | undefined> {
	const started = performance.now();
	const open = await openStore(storeChoice(kind, folder), memoryLog());
	const opened = performance.now() - started;
	const { store } = open;
	if (kind === 'memory' || order === 'fill') await fill(store, rooms);
	if (order === 'fill') {
		await open.close();
		return undefined;
	}
	const step = Math.max(1, Math.floor(rooms / CALLS));
	const claim = (_id: string) =>
		store.rooms.updateOne({ _id, e2eKeyId: { $exists: false } }, { $set: { e2eKeyId: 'key' } });
	const find = (i: number) => {
		const n = (i * step) % rooms;
		return store.subscriptions.findOne({ rid: n < MEMBERS ? 'room-0' : `room-${n}`, 'u._id': `user-${n}` });
	};
	const page = (i: number) =>
		store.subscriptions
			.find({ rid: 'room-0', 'u._id': { $gt: `user-${i % 500}` } }, { sort: { 'u._id': 1 }, limit: 50 })
			.toArray();
	await inParallel(WARM_UP, CONCURRENCY, (i) => claim(`first-${i}`));
	await inParallel(WARM_UP, CONCURRENCY, find);
	await inParallel(WARM_UP / 10, CONCURRENCY, page);
	const delay = monitorEventLoopDelay({ resolution: 1 });
	delay.enable();
	const longestTurn = watchTurns();
	const claimCost = await cpuOfCall(Math.min(CALLS, rooms), (i) => claim(`room-${i * step}`));
	const findCost = await cpuOfCall(CALLS, find);
	const pageCost = await cpuOfCall(CALLS / 2, page);
	delay.disable();
	const turn = longestTurn();
	const memory = ownMemory() / 1e6;
	await open.close();
	return { open: opened, memory, claim: claimCost, find: findCost, page: pageCost, wait: delay.max / 1e6, turn };
}

/** Prints the table. `ROOMKEY_TEST_BENCH_ROOMS` names other sizes. */
export async function benchStore(): Promise<void> {
	const sizes = process.env.ROOMKEY_TEST_BENCH_ROOMS?.split(',').map(Number) ?? SIZES;
	const kinds = ['memory', 'files', ...(process.env.MONGO_URL ? ['mongodb'] : [])];
	console.log(
		'CPU is for one call, 100 under way at a time; a claim ends when it is on the disk.\nOn a busy machine the longest wait is longer than the CPU time of the longest turn of the event loop.\n',
	);
	console.log(
		'| Store | rooms | open ms | memory MB | claim µs | find µs | page (50 documents) µs | longest wait ms | longest turn CPU ms |',
	);
	console.log('|---|---|---|---|---|---|---|---|---|');
	for (const kind of kinds) {
		for (const rooms of sizes) {
			const folder = await mkdtemp(join(tmpdir(), 'roomkey-bench-'));
			const inProcess = async (order: string) => {
				const [figures] = (await once(run('./store.js', [order, kind, String(rooms), folder]), 'message')) as [Figures];
				return figures;
			};
			if (kind !== 'memory') await inProcess('fill');
			const figures = await inProcess('measure');
			await rm(folder, { recursive: true });
			if (kind === 'mongodb') await dropDatabase(folder);
			const { open, memory, claim, find, page, wait, turn } = figures;
			const cells = [
				kind,
				rooms,
				open.toFixed(0),
				memory.toFixed(0),
				...[claim, find, page, wait, turn].map((n) => n.toFixed(1)),
			];
			console.log(`| ${cells.join(' | ')} |`);
		}
	}
}

const [order, kind = '', rooms, folder = ''] = process.argv.slice(2);
if (order === 'measure' || order === 'fill') {
	process.send?.((await measure(order, kind, Number(rooms), folder)) ?? {});
	process.disconnect();
}
