/** What metrics and a log at `info` add to a call. */
import { ARGS, measure } from './calls.js';
import { ddpCaller, type OpenCaller, restCaller } from './load.js';
import { median, type Running, startServer } from './processes.js';

/** More than elsewhere, because the difference is small. */
const ROUNDS = 15;

interface Row {
	readonly name: string;
	readonly outstanding: number;
	open(server: Running): OpenCaller;
}

const ROWS: readonly Row[] = [
	{
		name: 'DDP, two strings checked, 8 outstanding',
		outstanding: 8,
		open: ({ port }) => ddpCaller(port, 'bench.nothing', Object.values(ARGS)),
	},
	{
		name: 'REST, two strings checked',
		outstanding: 1,
		open: ({ port }) => restCaller(port, '/api/v1/bench.nothing', ARGS),
	},
	{
		name: 'DDP, e2e.setRoomKeyID refused, 8 outstanding',
		outstanding: 8,
		open: ({ port, person, rid = '' }) =>
			ddpCaller(port, 'e2e.setRoomKeyID', Object.values({ ...ARGS, rid }), person?.token ?? ''),
	},
	{
		name: 'REST, credentials, e2e.setRoomKeyID refused',
		outstanding: 1,
		open({ port, person: { id, token } = { id: '', token: '' }, rid = '' }) {
			const credentials = { 'x-user-id': id, 'x-auth-token': token };
			return restCaller(port, '/api/v1/e2e.setRoomKeyID', { ...ARGS, rid }, credentials);
		},
	},
];

/** Prints what metrics and a log at `info` add to a call: a server with both beside one with neither. */
export async function benchObserved(): Promise<void> {
	const servers = { off: await startServer('roomkey'), on: await startServer('observed') };
	console.log(`\nMetrics and info logs on beside off, ${ROUNDS} rounds.\n`);
	console.log('| What | off CPU µs | on CPU µs | on/off | aim |');
	console.log('|---|---|---|---|---|');
	for (const { name, outstanding, open } of ROWS) {
		const callers = { off: open(servers.off), on: open(servers.on) };
		const cpuOf = async (which: 'off' | 'on') => (await measure(servers[which], callers[which], { outstanding })).cpu;
		const figures: { off: number; on: number }[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			// Each is first in half of the rounds.
			const first = round % 2 === 0 ? await cpuOf('on') : undefined;
			const off = await cpuOf('off');
			figures.push({ off, on: first ?? (await cpuOf('on')) });
		}
		const cells = [
			name,
			median(figures.map((f) => f.off)).toFixed(1),
			median(figures.map((f) => f.on)).toFixed(1),
			median(figures.map((f) => f.on / f.off)).toFixed(3),
			'≤ 1.03',
		];
		console.log(`| ${cells.join(' | ')} |`);
	}
	for (const { stop } of Object.values(servers)) await stop();
}
