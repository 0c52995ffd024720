/** What metrics and logs add to a call. */
import { ARGS, measure } from './calls.js';
import { ddpCaller, type OpenCaller, type Pace, restCaller } from './load.js';
import { cpuOf, median, type RunningServer, startServer } from './processes.js';

/** How often each server is started, because two processes with the same code may differ in speed. */
const STARTS = 3;

/** Rounds with the same processes. The first compiles code and is not counted. */
const ROUNDS = 6;

/** The servers differ only in metrics and log. The second equals the first, and shows the error of the measurement. */
const KINDS = ['unobserved', 'unobserved', 'metrics', 'observed'] as const;

/** Each server gets 5,000 calls a second over DDP, 1,250 over REST, from 50 connections. */
const DDP: Pace = { every: 80, burst: 8 };
const REST: Pace = { every: 40 };

interface Row {
	readonly name: string;
	readonly pace: Pace;
	open(server: RunningServer): OpenCaller;
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

/** CPU time of each server for a call, in µs. All are called at once, so that other work slows all of them. */
async function round(servers: readonly RunningServer[], { open, pace }: Row): Promise<number[]> {
	const figures = await Promise.all(servers.map((server) => measure(server, open(server), pace)));
	return figures.map(({ cpu }) => cpu);
}

/** Reads the metrics as Prometheus does. @returns the server's CPU time for that, in ms */
async function scrape(server: RunningServer): Promise<number> {
	const before = await cpuOf(server);
	await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
	return ((await cpuOf(server)) - before) / 1000;
}

/** Prints what metrics, and a log at `info`, add to the cost of calls. The log has no line for these calls. */
export async function benchObserved(): Promise<void> {
	const counted = `${STARTS * (ROUNDS - 1)} rounds in ${STARTS} processes each`;
	console.log(`\nMetrics, and metrics with a log at info, compared with neither; ${counted}, medians.\n`);
	const figures = ROWS.map((): number[][] => []);
	const scrapes: number[] = [];
	for (let start = 0; start < STARTS; start++) {
		const servers: RunningServer[] = [];
		for (const kind of KINDS) servers.push(await startServer(kind));
		// The first scrape creates the metrics. Servers without metrics get the same request.
		for (const server of servers) scrapes.push(await scrape(server));
		for (const [i, row] of ROWS.entries()) {
			for (let number = 0; number < ROUNDS; number++) {
				const cpu = await round(servers, row);
				if (number > 0) figures[i]?.push(cpu);
			}
		}
		// The last two have metrics.
		for (const server of servers.slice(-2)) scrapes.push(await scrape(server));
		for (const { stop } of servers) await stop();
	}
	console.log('| What | neither, CPU µs | neither, another process | metrics | aim | metrics and logs |');
	console.log('|---|---|---|---|---|---|');
	for (const [i, { name }] of ROWS.entries()) {
		const rounds = figures[i] as number[][];
		const ratio = (which: number) =>
			median(rounds.map((cpu) => (cpu[which] as number) / (cpu[0] as number))).toFixed(3);
		const base = median(rounds.map(([cpu = 0]) => cpu)).toFixed(1);
		console.log(`| ${name} | ${base} | ${ratio(1)} | ${ratio(2)} | ≤ 1.03 | ${ratio(3)} |`);
	}
	console.log(`\nA scrape, which these figures do not include: ${Math.max(...scrapes).toFixed(1)} ms at most.`);
}
