/** What metrics and logs add to a call. */
import { ARGS, measure } from './calls.js';
import { ddpCaller, type OpenCaller, type Pace, restCaller } from './load.js';
import { cpuOf, median, type Running, startServer } from './processes.js';

/** How often all servers are started again: one process may be faster than another with the same code. */
const STARTS = 3;

/** Rounds with the same processes. The first is not counted, because it compiles code. */
const ROUNDS = 6;

/** The servers differ in `--metrics` and `--log-level` alone. The second is the same as the first. */
const KINDS = ['unobserved', 'unobserved', 'metrics', 'observed'] as const;

/** Each server gets 5,000 calls a second over DDP, 1,250 over REST, from 50 connections. */
const DDP: Pace = { every: 80, burst: 8 };
const REST: Pace = { every: 40 };

interface Row {
	readonly name: string;
	readonly pace: Pace;
	open(server: Running): OpenCaller;
}

const ROWS: readonly Row[] = [
	{
		name: 'DDP, two strings checked, 8 at once',
		pace: DDP,
		open: ({ port }) => ddpCaller(port, 'bench.nothing', Object.values(ARGS)),
	},
	{
		name: 'REST, two strings checked',
		pace: REST,
		open: ({ port }) => restCaller(port, '/api/v1/bench.nothing', ARGS),
	},
	{
		name: 'DDP, e2e.setRoomKeyID refused, 8 at once',
		pace: DDP,
		open: ({ port, person, rid = '' }) =>
			ddpCaller(port, 'e2e.setRoomKeyID', Object.values({ ...ARGS, rid }), person?.token ?? ''),
	},
	{
		name: 'REST, credentials, e2e.setRoomKeyID refused',
		pace: REST,
		open({ port, person: { id, token } = { id: '', token: '' }, rid = '' }) {
			const credentials = { 'x-user-id': id, 'x-auth-token': token };
			return restCaller(port, '/api/v1/e2e.setRoomKeyID', { ...ARGS, rid }, credentials);
		},
	},
];

/**
 * CPU time for a call, in µs, of each server. All are called at the same time, so that what else the machine does slows
 * down all of them.
 */
async function round(servers: readonly Running[], { open, pace }: Row): Promise<number[]> {
	const figures = await Promise.all(servers.map((server) => measure(server, open(server), pace)));
	return figures.map(({ cpu }) => cpu);
}

/** Reads the metrics, as Prometheus does, so that those of the process are collected. @returns CPU time, in ms */
async function scrape(server: Running): Promise<number> {
	const before = await cpuOf(server);
	await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
	return ((await cpuOf(server)) - before) / 1000;
}

/** Prints what metrics add to a call, and what a log at `info` adds to that, which writes no line for these calls. */
export async function benchObserved(): Promise<void> {
	const counted = `${STARTS * (ROUNDS - 1)} rounds in ${STARTS} processes each`;
	console.log(`\nMetrics, and metrics with a log at info, beside neither; ${counted}, medians.\n`);
	const figures = ROWS.map((): number[][] => []);
	const scrapes: number[] = [];
	for (let start = 0; start < STARTS; start++) {
		const servers: Running[] = [];
		for (const kind of KINDS) servers.push(await startServer(kind));
		for (const server of servers) scrapes.push(await scrape(server));
		for (const [i, row] of ROWS.entries()) {
			for (let number = 0; number < ROUNDS; number++) {
				const cpu = await round(servers, row);
				if (number > 0) figures[i]?.push(cpu);
			}
		}
		for (const server of servers.slice(-2)) scrapes.push(await scrape(server));
		for (const { stop } of servers) await stop();
	}
	console.log('| What | neither, CPU µs | the same again | metrics | aim | metrics and logs |');
	console.log('|---|---|---|---|---|---|');
	for (const [i, { name }] of ROWS.entries()) {
		const rounds = figures[i] as number[][];
		const ratio = (which: number) =>
			median(rounds.map((cpu) => (cpu[which] as number) / (cpu[0] as number))).toFixed(3);
		const base = median(rounds.map(([cpu = 0]) => cpu)).toFixed(1);
		console.log(`| ${name} | ${base} | ${ratio(1)} | ${ratio(2)} | ≤ 1.03 | ${ratio(3)} |`);
	}
	console.log(`\nA scrape, which is not part of this: ${Math.max(...scrapes).toFixed(1)} ms at most.`);
}
