/**
 * A storm: many clients return at once, as after a restart, and log in by token. Measures the calls of other sessions
 * before and during the storm, and the memory of the server.
 */
import type { ChildProcess } from 'node:child_process';
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
import type { Work } from './storm-work.js';

/** Sessions that are logged in before the storm. */
const CALLERS = 100;

/** Time between two calls of one of these sessions, in ms. */
const EVERY_MS = 125;

const CLIENTS = atMost(Number(process.env.ROOMKEY_STORM_CLIENTS ?? 10_000), CALLERS);

/** How long calls are measured without a storm. */
const QUIET_MS = 15_000;
/** How long calls are made before that, so that the server compiles its code. */
const WARM_UP_MS = 5000;

/** The first part of a storm. Clients try most often in it, because the first waits of Meteor's client are short. */
const BURST_MS = 12_000;

const MAX_RATIO = 2;
const MAX_PEAK_RATIO = 2;

/**
 * A quantile of `numbers`; `part` is 0.5 for the median. NaN without numbers, as for the time after the burst if the
 * storm has ended by then.
 */
function quantile(numbers: readonly number[], part: number): number {
	return [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) * part)] ?? Number.NaN;
}

/** How long calls took, in ms, and what the process of Roomkey did meanwhile. */
interface Interval {
	readonly times: readonly number[];
	readonly work: Work;
	/** The p99 of the wait for the event loop in the process of the callers, in ms. */
	readonly callersWait: number;
}

const inMib = (bytes: number) => (bytes / 1024 ** 2).toFixed(0);

/** Prints how long the calls took, and what memory the server needed. */
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

	async function ask<T>(child: ChildProcess, what: string): Promise<T> {
		child.send(what);
		const [answer] = (await once(child, 'message')) as [T];
		return answer;
	}
	/** What has happened since the last call of this function. */
	async function readInterval(): Promise<Interval> {
		return {
			times: await ask(callers, 'times'),
			work: await ask(server, 'work'),
			callersWait: (await ask<Work>(callers, 'work')).waitP99,
		};
	}
	/** Makes the clients return to a port, and waits for their report. */
	async function storm(
		to: number,
	): Promise<{ burst: Interval; later: Interval; report: StormReport; end(): Promise<void> }> {
		const clients = run('./storm-clients.js');
		await readInterval();
		clients.send({ port: to, tokens: tokens.slice(CALLERS) } satisfies StormOrder);
		const reported = once(clients, 'message') as Promise<[StormReport]>;
		await delay(BURST_MS);
		const burst = await readInterval();
		const [report] = await reported;
		return { burst, later: await readInterval(), report, end: stopOf(clients) };
	}

	callers.send({ port, tokens: tokens.slice(0, CALLERS), rid, every: EVERY_MS } satisfies CallersOrder);
	await once(callers, 'message');
	await delay(WARM_UP_MS);
	const memoryBefore = await ask<Memory>(server, 'memory');
	// `memory` collects garbage, which delays calls. These calls are not counted.
	await delay(WARM_UP_MS);
	await readInterval();
	await delay(QUIET_MS);
	const quiet = await readInterval();
	printTitle();
	printInterval('before', quiet, quiet);

	const bareServer = run('./storm-control.js');
	const [{ port: barePort }] = (await once(bareServer, 'message')) as [StormReady];
	const control = await storm(barePort);
	printStorm('at a bare server', control, quiet);
	await control.end();
	await stopOf(bareServer)();
	await delay(WARM_UP_MS);

	const real = await storm(port);
	printStorm('at Roomkey', real, quiet);
	const memoryAfter = await ask<Memory>(server, 'memory');
	for (const stop of [real.end, stopOf(callers), stopOf(server)]) await stop();

	printClients('At the bare server', control.report);
	printClients('At Roomkey', real.report);
	const peak = Math.max(real.burst.work.peak, real.later.work.peak);
	const held = (memoryAfter.held - memoryBefore.held) / CLIENTS;
	console.log(
		`\nMemory of the server: ${inMib(memoryBefore.resident)} MiB before, at most ${inMib(peak)} MiB during the storm,`,
	);
	console.log(
		`${inMib(memoryAfter.resident)} MiB after a garbage collection, ${held.toFixed(0)} bytes held for each client;`,
	);
	console.log(
		`the maximum is ${(peak / memoryAfter.resident).toFixed(2)} times the memory after the garbage collection, aim ≤ ${MAX_PEAK_RATIO}.`,
	);
}

function printTitle(): void {
	console.log(`${CLIENTS} clients return at once; ${CALLERS} sessions are there and call every ${EVERY_MS} ms.`);
	console.log(
		`ratio: the p99 divided by the p99 before the storm, aim ≤ ${MAX_RATIO}. The columns to its right are about the process of Roomkey, which the callers call in all rows; the last is about the process of the callers. Times are in ms.\n`,
	);
	console.log(
		"| Storm | median | p99 | longest | ratio | wait p99 | longest turn | longest GC | GC % | CPU % | callers' wait |",
	);
	console.log('|---|---|---|---|---|---|---|---|---|---|---|');
}

function printStorm(where: string, { burst, later }: { burst: Interval; later: Interval }, quiet: Interval): void {
	printInterval(`${where}, first ${BURST_MS / 1000} s`, burst, quiet);
	printInterval(`${where}, later`, later, quiet);
	const p99 = quantile([...burst.times, ...later.times], 0.99);
	console.log(
		`| ${where}, all | | ${p99.toFixed(2)} | | ${(p99 / quantile(quiet.times, 0.99)).toFixed(2)} | | | | | | |`,
	);
}

function printInterval(name: string, { times, work, callersWait }: Interval, quiet: Interval): void {
	const p99 = quantile(times, 0.99);
	const cells = [quantile(times, 0.5), p99, quantile(times, 1), p99 / quantile(quiet.times, 0.99)];
	const own = [work.waitP99, work.longestTurn, work.longestGc, 100 * work.gc, 100 * work.cpu, callersWait];
	console.log(`| ${[name, ...[...cells, ...own].map((cell) => cell.toFixed(2))].join(' | ')} |`);
}

function printClients(where: string, { times, refused, failedLogins, open }: StormReport): void {
	const seconds = (part: number) => (quantile(times, part) / 1000).toFixed(1);
	console.log(
		`\n${where}, ${times.length - failedLogins} of ${CLIENTS} are logged in, ${open} connected; ${failedLogins} logins failed; ` +
			`${refused} attempts were refused. Half were in after ${seconds(0.5)} s, all after ${seconds(1)} s.`,
	);
}
