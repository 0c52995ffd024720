/**
 * `npm run soak`: a client repeats each job, and then the server must not hold more memory than before. After all jobs,
 * another server is killed often while clients write, and must have kept what it acknowledged. Exits with 1 if
 * something has grown or is lost.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { killOften } from '../support/kill.js';
import type { Job } from './client.js';
import { startSoakServer } from './server.js';

const JOBS = [
	{ what: 'subscribe', count: 100_000, name: 'sub and unsub on one socket' },
	{ what: 'connect', count: 50_000, name: 'connections' },
	{ what: 'subscribeSlow', count: 10_000, name: 'publications with a slow onStop' },
] as const;

/** Number of repetitions before the first measurement, as a share of `count`. */
const WARM_UP = 0.2;
/** Allowed growth of the heap, as a share of its size before. */
const TOLERANCE = 0.05;
/** Longest wait until the server has noticed that sockets are closed, in ms. */
const TIMEOUT_MS = 10_000;

const { gc } = globalThis;
if (!gc) throw new Error('run it with --expose-gc');
const server = await startSoakServer();
const client = fork(new URL('./client.js', import.meta.url), { execArgv: [] });
client.once('exit', (code) => code !== 0 && process.exit(1));

async function work(job: Omit<Job, 'url'>): Promise<void> {
	client.send({ ...job, url: server.url });
	await once(client, 'message');
	await server.finishOnStops();
	const deadline = Date.now() + TIMEOUT_MS;
	while (server.counts().sessions > 0 && Date.now() < deadline) await pause(20);
}

async function measure(): Promise<{ heap: number; sessions: number; listeners: number; timers: number }> {
	// Some objects can be collected only after others have been collected.
	for (let i = 0; i < 5; i++) {
		gc?.();
		await pause(20);
	}
	return { heap: process.memoryUsage().heapUsed, ...server.counts() };
}

const mib = (bytes: number) => (bytes / 1024 ** 2).toFixed(2);

console.log('| What | seconds | heap before, MiB | after | growth | sessions | listeners | timers | |');
console.log('|---|---|---|---|---|---|---|---|---|');
for (const { what, count, name } of JOBS) {
	await work({ what, count: count * WARM_UP });
	const before = await measure();
	const started = performance.now();
	await work({ what, count });
	const seconds = (performance.now() - started) / 1000;
	const after = await measure();
	const growth = after.heap / before.heap - 1;
	const counts = ['sessions', 'listeners', 'timers'] as const;
	const fine = growth <= TOLERANCE && counts.every((key) => after[key] === before[key]);
	const cells = [
		`${count} ${name}`,
		seconds.toFixed(1),
		mib(before.heap),
		mib(after.heap),
		`${(growth * 100).toFixed(1)} %`,
		...counts.map((key) => `${before[key]} → ${after[key]}`),
		fine ? 'fine' : 'GREW',
	];
	console.log(`| ${cells.join(' | ')} |`);
	if (!fine) process.exitCode = 1;
}
client.disconnect();
await server.close();

const KILLS = 100;
const folder = await mkdtemp(join(tmpdir(), 'roomkey-soak-'));
const { early, failed, acknowledged, lost } = await killOften(folder, KILLS);
await rm(folder, { recursive: true });
console.log(
	`\nKilled ${KILLS} times, ${early} of them while it started: ${acknowledged} rooms acknowledged, ${lost.length} lost.`,
);
for (const printed of failed) console.log(`A start failed: ${printed}`);
if (failed.length > 0 || lost.length > 0) process.exitCode = 1;
