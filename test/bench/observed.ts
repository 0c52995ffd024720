/** What metrics and a log at `info` add to a call. */
import { ARGS, measure } from './calls.js';
import { ddpCaller, type OpenCaller, restCaller } from './load.js';
import { median, type Running, startServer } from './processes.js';

/** More than elsewhere, because the difference is small. */
const ROUNDS = 15;

/** Prints what metrics and a log at `info` add to a call: a server with both beside one with neither. */
export async function benchObserved(): Promise<void> {
	const servers = { off: await startServer('roomkey'), on: await startServer('observed') };
	const path = '/api/v1/';
	const callers = (server: Running) => {
		const { id = '', token = '' } = server.person ?? {};
		const taken = { ...ARGS, rid: server.rid ?? '' };
		const credentials = { 'x-user-id': id, 'x-auth-token': token };
		return [
			ddpCaller(server.port, 'bench.nothing', Object.values(ARGS)),
			restCaller(server.port, `${path}bench.nothing`, ARGS),
			ddpCaller(server.port, 'e2e.setRoomKeyID', Object.values(taken), token),
			restCaller(server.port, `${path}e2e.setRoomKeyID`, taken, credentials),
		];
	};
	const [off, on] = [callers(servers.off), callers(servers.on)];
	const names = [
		'DDP, two strings checked, 8 outstanding',
		'REST, two strings checked',
		'DDP, e2e.setRoomKeyID refused, 8 outstanding',
		'REST, credentials, e2e.setRoomKeyID refused',
	];
	console.log(`\nMetrics and info logs on beside off, ${ROUNDS} rounds.\n`);
	console.log('| What | off CPU µs | on CPU µs | on/off | aim |');
	console.log('|---|---|---|---|---|');
	for (const [i, name] of names.entries()) {
		const pace = { outstanding: name.startsWith('DDP') ? 8 : 1 };
		const figures: { off: number; on: number }[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			const cpuOn = async () => (await measure(servers.on, on[i] as OpenCaller, pace)).cpu;
			const cpuOff = async () => (await measure(servers.off, off[i] as OpenCaller, pace)).cpu;
			// Each is first in half of the rounds.
			const first = round % 2 === 0 ? await cpuOn() : undefined;
			const cpu = await cpuOff();
			figures.push({ off: cpu, on: first ?? (await cpuOn()) });
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
