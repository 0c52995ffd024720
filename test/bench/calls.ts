/** What a call costs beside a bare server that does the same. */
import { ddpCaller, load, type OpenCaller, restCaller } from './load.js';
import { cpuOf, median, type Running, startServer } from './processes.js';

const ROUNDS = 5;
const DURATION = 1000;
const CONNECTIONS = 50;
const ARGS = { rid: 'wCiXndNp5NqNY3uCc', keyID: 'my-UniQu3_ke4_Id' };

/** Rounds of the comparison with and without observation, whose difference is small. */
const OBSERVED_ROUNDS = 15;

interface Figures {
	/** Calls a second. */
	readonly rate: number;
	/** CPU time of the server for a call, in µs. */
	readonly cpu: number;
}

async function measure(server: Running, open: OpenCaller, outstanding: number): Promise<Figures> {
	let before = 0;
	let after = 0;
	const { calls, elapsed } = await load(
		open,
		{ connections: CONNECTIONS, outstanding, duration: DURATION },
		{
			async begin() {
				before = await cpuOf(server);
			},
			async end() {
				after = await cpuOf(server);
			},
		},
	);
	return { rate: (calls / elapsed) * 1000, cpu: (after - before) / calls };
}

/** Prints the table of calls. Rounds alternate between the servers, and each figure is the median of its rounds. */
export async function benchCalls(): Promise<void> {
	const roomkey = await startServer('roomkey');
	const bareWs = await startServer('ws');
	const bareHttp = await startServer('http');
	const { id = '', token = '' } = roomkey.person ?? {};
	const credentials = { 'x-user-id': id, 'x-auth-token': token };
	const taken = { ...ARGS, rid: roomkey.rid ?? '' };
	const params = Object.values(ARGS);
	const path = '/api/v1/bench.nothing';

	const rows = [
		{
			name: 'DDP, two strings checked, 1 outstanding',
			aim: 0.9,
			outstanding: 1,
			bare: { server: bareWs, open: ddpCaller(bareWs.port, 'bench.nothing', params) },
			ours: ddpCaller(roomkey.port, 'bench.nothing', params),
		},
		{
			name: 'DDP, two strings checked, 8 outstanding',
			aim: 0.7,
			outstanding: 8,
			bare: { server: bareWs, open: ddpCaller(bareWs.port, 'bench.nothing', params) },
			ours: ddpCaller(roomkey.port, 'bench.nothing', params),
		},
		{
			name: 'REST, two strings checked',
			aim: 1.6,
			outstanding: 1,
			bare: { server: bareHttp, open: restCaller(bareHttp.port, path, ARGS) },
			ours: restCaller(roomkey.port, path, ARGS),
		},
		{
			name: 'DDP, e2e.setRoomKeyID refused, 8 outstanding',
			outstanding: 8,
			bare: { server: bareWs, open: ddpCaller(bareWs.port, 'e2e.setRoomKeyID', params) },
			ours: ddpCaller(roomkey.port, 'e2e.setRoomKeyID', Object.values(taken), token),
		},
		{
			name: 'REST, credentials, e2e.setRoomKeyID refused',
			outstanding: 1,
			bare: { server: bareHttp, open: restCaller(bareHttp.port, path, taken, credentials) },
			ours: restCaller(roomkey.port, '/api/v1/e2e.setRoomKeyID', taken, credentials),
		},
	];

	console.log(
		`${CONNECTIONS} connections, ${ROUNDS} rounds of ${DURATION} ms each, medians. CPU is the server's, for one call.\n`,
	);
	console.log('| What | bare calls/s | Roomkey calls/s | bare CPU µs | Roomkey CPU µs | CPU ratio | aim |');
	console.log('|---|---|---|---|---|---|---|');
	for (const { name, aim, outstanding, bare, ours } of rows) {
		const figures: { bare: Figures; ours: Figures }[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			figures.push({
				bare: await measure(bare.server, bare.open, outstanding),
				ours: await measure(roomkey, ours, outstanding),
			});
		}
		const cells = [
			name,
			median(figures.map((f) => f.bare.rate)).toFixed(0),
			median(figures.map((f) => f.ours.rate)).toFixed(0),
			median(figures.map((f) => f.bare.cpu)).toFixed(1),
			median(figures.map((f) => f.ours.cpu)).toFixed(1),
			median(figures.map((f) => f.ours.cpu / f.bare.cpu)).toFixed(2),
			aim === undefined ? '' : `≤ ${aim}`,
		];
		console.log(`| ${cells.join(' | ')} |`);
	}
	for (const { stop } of [roomkey, bareWs, bareHttp]) await stop();
	await benchObserved();
}

/** Prints what metrics and a log at `info` add to a call: a server with both beside one with neither. */
async function benchObserved(): Promise<void> {
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
	console.log(`\nMetrics and info logs on beside off, ${OBSERVED_ROUNDS} rounds.\n`);
	console.log('| What | off CPU µs | on CPU µs | on/off | aim |');
	console.log('|---|---|---|---|---|');
	for (const [i, name] of names.entries()) {
		const outstanding = name.startsWith('DDP') ? 8 : 1;
		const figures: { off: number; on: number }[] = [];
		for (let round = 0; round < OBSERVED_ROUNDS; round++) {
			const cpuOn = async () => (await measure(servers.on, on[i] as OpenCaller, outstanding)).cpu;
			const cpuOff = async () => (await measure(servers.off, off[i] as OpenCaller, outstanding)).cpu;
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
