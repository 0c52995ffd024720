/**
 * Clients that return at once after a restart, each with a login by token: how long the calls of those take that are logged
 * in already, beside the same calls before, and what memory the server needs meanwhile.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Memory } from './memoryUsage.js';
import { atMost, run, stopOf } from './processes.js';
import type { CallersOrder } from './storm-callers.js';
import type { StormOrder, StormReport } from './storm-clients.js';
import type { StormPeople, StormReady } from './storm-server.js';

/** Sessions that are logged in before the storm. */
const CALLERS = 100;

/** Time between two calls of one of them, in ms. */
const EVERY_MS = 125;

const CLIENTS = atMost(10_000 + CALLERS) - CALLERS;

/** How long calls are measured without a storm, in ms, and how long the server compiles code before that. */
const QUIET_MS = 15_000;
const WARM_UP_MS = 5000;

/** The time in which clients come back most often, because Meteor's first waits are short, in ms. */
const BURST_MS = 12_000;

const MAX_RATIO = 2;
const MAX_PEAK_RATIO = 2;

/** The number below which this part of the numbers is. */
function quantile(numbers: readonly number[], part: number): number {
	return [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) * part)] as number;
}

type Quantiles = [quiet: number, all: number, first: number, last: number];

const inMib = (bytes: number) => (bytes / 1024 ** 2).toFixed(0);

/** Prints how the calls went, and what memory was needed. */
export async function benchStorm(): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), 'roomkey-storm-'));
	try {
		await measure(folder);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

async function measure(folder: string): Promise<void> {
	const filler = run('./storm-server.js', [folder, String(CLIENTS + CALLERS)]);
	const [{ tokens, rid }] = (await once(filler, 'message')) as [StormPeople];
	await stopOf(filler)();
	const server = run('./storm-server.js', [folder]);
	const [{ port }] = (await once(server, 'message')) as [StormReady];
	const callers = run('./storm-callers.js');
	const clients = run('./storm-clients.js');

	/** @returns how long the calls took since this was last asked, in ms */
	async function callTimes(): Promise<readonly number[]> {
		callers.send('times');
		const [times] = (await once(callers, 'message')) as [readonly number[]];
		return times;
	}
	async function ask<T>(what: 'memory' | 'peak'): Promise<T> {
		server.send(what);
		const [answer] = (await once(server, 'message')) as [T];
		return answer;
	}

	callers.send({ port, tokens: tokens.slice(0, CALLERS), rid, every: EVERY_MS } satisfies CallersOrder);
	await once(callers, 'message');
	await delay(WARM_UP_MS);
	const memoryBefore = await ask<Memory>('memory');
	// The garbage collection has held up calls.
	await delay(WARM_UP_MS);
	await callTimes();
	await delay(QUIET_MS);
	const before = await callTimes();
	await ask('peak');
	clients.send({ port, tokens: tokens.slice(CALLERS) } satisfies StormOrder);
	const reported = once(clients, 'message') as Promise<[StormReport]>;
	await delay(BURST_MS);
	const burst = await callTimes();
	const [report] = await reported;
	const later = await callTimes();
	const peak = await ask<number>('peak');
	const memoryAfter = await ask<Memory>('memory');
	for (const child of [clients, callers, server]) await stopOf(child)();

	printCalls(before, burst, later);
	printClients(report);
	const held = (memoryAfter.held - memoryBefore.held) / CLIENTS;
	console.log(
		`\nMemory of the server: ${inMib(memoryBefore.resident)} MiB before, at most ${inMib(peak)} MiB during it,`,
	);
	console.log(`${inMib(memoryAfter.resident)} MiB after a garbage collection, ${held.toFixed(0)} bytes held a client;`);
	console.log(`the most beside the last: ${(peak / memoryAfter.resident).toFixed(2)}, aim ≤ ${MAX_PEAK_RATIO}.`);
}

function printCalls(before: readonly number[], burst: readonly number[], later: readonly number[]): void {
	const during = [...burst, ...later];
	console.log(`${CLIENTS} clients return at once; ${CALLERS} sessions are there and call every ${EVERY_MS} ms.\n`);
	console.log(
		`| Their calls | before ms | during ms | ratio | aim | first ${BURST_MS / 1000} s, ms | later, ms | ratio |`,
	);
	console.log('|---|---|---|---|---|---|---|---|');
	for (const [name, part, aim] of [
		['median', 0.5, ''],
		['p99', 0.99, `≤ ${MAX_RATIO}`],
		['longest', 1, ''],
	] as const) {
		const [quiet, all, first, last] = [before, during, burst, later].map((times) => quantile(times, part)) as Quantiles;
		const cells = [quiet, all, all / quiet, aim, first, last, last / quiet];
		const row = cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(2) : cell));
		console.log(`| ${name} | ${row.join(' | ')} |`);
	}
	console.log(`\n${before.length} calls before, ${during.length} during it.`);
}

function printClients({ times, refused, failedLogins, open }: StormReport): void {
	const seconds = (part: number) => (quantile(times, part) / 1000).toFixed(1);
	console.log(
		`${times.length - failedLogins} of ${CLIENTS} are logged in, ${open} connected; ${failedLogins} logins failed; ` +
			`${refused} attempts were refused. Half were in after ${seconds(0.5)} s, all after ${seconds(1)} s.`,
	);
}
