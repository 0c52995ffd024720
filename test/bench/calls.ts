/** Compares the cost of a call with that of the same call to a bare server. */
import { ddpCaller, load, type OpenCaller, type Pace, restCaller } from './load.js';
import { cpuOf, median, type RunningServer, startServer } from './processes.js';

const ROUNDS = 5;
const ROUND_MS = 1000;
const CONNECTIONS = 50;

/**
 * 2,500 calls a second from 50 connections, so that both servers wait for calls at times. A write to a client process
 * that sleeps costs the server more. Without a fixed rate, only the client of the slower server would sleep.
 */
const SAME_RATE: Pace = { every: 20 };

export const ARGS = { rid: 'wCiXndNp5NqNY3uCc', keyID: 'my-UniQu3_ke4_Id' };

interface Figures {
	/** Calls a second. */
	readonly rate: number;
	/** CPU time of the server for a call, in µs. */
	readonly cpu: number;
}

interface Row {
	readonly name: string;
	/**
	 * Maximum of the CPU ratio. It is below 1 for `bench.nothing` over DDP: Roomkey writes `result` and `updated` to the
	 * socket together, the bare server writes each on its own.
	 */
	readonly aim: number;
	readonly pace: Pace;
	readonly bare: Target;
	readonly ours: Target;
}

interface Target {
	readonly server: RunningServer;
	readonly open: OpenCaller;
}

/** Calls a server for a while. */
export async function measure(server: RunningServer, open: OpenCaller, pace: Pace): Promise<Figures> {
	let before = 0;
	let after = 0;
	const { calls, elapsed } = await load(
		open,
		{ connections: CONNECTIONS, pace, duration: ROUND_MS },
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

function storeRows(server: RunningServer, bareWs: RunningServer, bareHttp: RunningServer): Row[] {
	const { kind, port, person: { id, token } = { id: '', token: '' }, rid = '' } = server;
	const credentials = { 'x-user-id': id, 'x-auth-token': token };
	// The room of the server has a key id already, so Roomkey refuses the call.
	const refusedArgs = { ...ARGS, rid };
	const where = kind === 'files' ? 'on LMDB' : 'in memory';
	const setRoomKeyID = {
		bare: { server: bareHttp, open: restCaller(bareHttp.port, '/', refusedArgs, credentials) },
		ours: { server, open: restCaller(port, '/api/v1/e2e.setRoomKeyID', refusedArgs, credentials) },
	};
	const fetchMyKeys = {
		bare: { server: bareHttp, open: restCaller(bareHttp.port, '/', undefined, credentials) },
		ours: { server, open: restCaller(port, '/api/v1/e2e.fetchMyKeys', undefined, credentials) },
	};
	const setAim = kind === 'files' ? 3.5 : 3;
	return [
		{
			name: `DDP, e2e.setRoomKeyID (refused), store ${where}, 8 outstanding`,
			aim: kind === 'files' ? 3 : 2,
			pace: { outstanding: 8 },
			bare: { server: bareWs, open: ddpCaller(bareWs.port, 'e2e.setRoomKeyID', Object.values(refusedArgs)) },
			ours: { server, open: ddpCaller(port, 'e2e.setRoomKeyID', Object.values(refusedArgs), token) },
		},
		...[{ outstanding: 1 }, SAME_RATE].flatMap((pace) => {
			const how = 'every' in pace ? ', same rate' : '';
			return [
				{
					name: `REST, credentials, e2e.setRoomKeyID (refused), store ${where}${how}`,
					aim: setAim,
					pace,
					...setRoomKeyID,
				},
				{ name: `REST, credentials, e2e.fetchMyKeys, store ${where}${how}`, aim: 2.5, pace, ...fetchMyKeys },
			];
		}),
	];
}

/** Prints the table of calls. Rounds alternate between the servers. */
export async function benchCalls(): Promise<void> {
	const roomkey = await startServer('roomkey');
	const files = await startServer('files');
	const bareWs = await startServer('ws');
	const bareHttp = await startServer('http');
	const params = Object.values(ARGS);
	const path = '/api/v1/bench.nothing';

	const rows: Row[] = [
		{
			name: 'DDP, two strings checked, 1 outstanding',
			aim: 0.9,
			pace: { outstanding: 1 },
			bare: { server: bareWs, open: ddpCaller(bareWs.port, 'bench.nothing', params) },
			ours: { server: roomkey, open: ddpCaller(roomkey.port, 'bench.nothing', params) },
		},
		{
			name: 'DDP, two strings checked, 8 outstanding',
			aim: 0.7,
			pace: { outstanding: 8 },
			bare: { server: bareWs, open: ddpCaller(bareWs.port, 'bench.nothing', params) },
			ours: { server: roomkey, open: ddpCaller(roomkey.port, 'bench.nothing', params) },
		},
		{
			name: 'REST, two strings checked',
			aim: 1.6,
			pace: { outstanding: 1 },
			bare: { server: bareHttp, open: restCaller(bareHttp.port, path, ARGS) },
			ours: { server: roomkey, open: restCaller(roomkey.port, path, ARGS) },
		},
		...[roomkey, files].flatMap((server) => storeRows(server, bareWs, bareHttp)),
	];

	console.log(
		`${CONNECTIONS} connections, ${ROUNDS} rounds of ${ROUND_MS} ms each, medians. CPU is the server's, for one call.\n`,
	);
	console.log('| What | bare calls/s | Roomkey calls/s | bare CPU µs | Roomkey CPU µs | CPU ratio | aim |');
	console.log('|---|---|---|---|---|---|---|');
	for (const { name, aim, pace, bare, ours } of rows) {
		const figures: { bare: Figures; ours: Figures }[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			figures.push({
				bare: await measure(bare.server, bare.open, pace),
				ours: await measure(ours.server, ours.open, pace),
			});
		}
		const cells = [
			name,
			median(figures.map((f) => f.bare.rate)).toFixed(0),
			median(figures.map((f) => f.ours.rate)).toFixed(0),
			median(figures.map((f) => f.bare.cpu)).toFixed(1),
			median(figures.map((f) => f.ours.cpu)).toFixed(1),
			median(figures.map((f) => f.ours.cpu / f.bare.cpu)).toFixed(2),
			`≤ ${aim}`,
		];
		console.log(`| ${cells.join(' | ')} |`);
	}
	for (const { stop } of [roomkey, files, bareWs, bareHttp]) await stop();
}
