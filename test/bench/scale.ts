/** Compares the cost of a call in stores of 1,000 and of 1,000,000 rooms, in memory or in a folder. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ddpConnection } from './load.js';
import { cpuOf, median, run, stopOf } from './processes.js';
import type { ScaleOrder, ScaleReady } from './scale-store.js';

const FEW = 1000;
const MANY = 1_000_000;
const ROUNDS = 40;
const OUTSTANDING = 8;
const AIM = 1.1;

/** Enough memory for the large store. */
const NODE_OPTIONS = ['--max-old-space-size=12000', '--max-semi-space-size=128'];

type Params = (n: number, ready: ScaleReady) => readonly unknown[];

const ridOf = (n: number, { rids }: ScaleReady) => rids[n % rids.length];
/** A key id, and 256 bytes in base64. */
const sealedKey = (n: number, { keyId }: ScaleReady) => `${keyId}${String(n).padStart(342, 'A')}==`;

const ROWS: readonly [method: string, params: Params][] = [
	['e2e.setRoomKeyID', (n, ready) => [ridOf(n, ready), ready.keyId]],
	['e2e.updateGroupKey', (n, ready) => [ridOf(n, ready), ready.caller.id, sealedKey(n, ready)]],
	['e2e.fetchUsersWaitingForGroupKey', (n, ready) => [[ridOf(n, ready)]]],
];

type Kind = 'memory' | 'files';

interface Service {
	/** Calls of a round: one for each of the rooms in `ScaleReady.rids`. */
	readonly calls: number;
	/** CPU time of the server for one call, in µs. */
	round(method: string, params: Params): Promise<number>;
	stop(): Promise<void>;
}

async function openRooms(count: number, kind: Kind): Promise<Service> {
	const folder = kind === 'files' ? await mkdtemp(join(tmpdir(), 'roomkey-bench-')) : undefined;
	const child = run('./scale-store.js', [String(count), ...(folder ? [folder] : [])], NODE_OPTIONS);
	const [ready] = (await once(child, 'message')) as [ScaleReady];
	const server = { child };
	const calls = ready.rids.length;
	let made = 0;

	/** Makes the calls of a round, `OUTSTANDING` at a time, and waits for their answers. Throws if a call was refused. */
	async function call(method: string, params: Params): Promise<void> {
		let answered = 0;
		let finish: () => void;
		let refuse: (error: Error) => void;
		const finished = new Promise<void>((resolve, reject) => {
			finish = resolve;
			refuse = reject;
		});
		const next = () => JSON.stringify({ msg: 'method', method, params: params(made++, ready) }).slice(0, -1);
		const caller = await ddpConnection(
			ready.port,
			next,
			ready.caller.token,
		)((result) => {
			if (JSON.parse(result).error) refuse(new Error(`A call of ${method} was refused: ${result}`));
			// No further call when the last `OUTSTANDING` ones are already on their way.
			if (++answered + OUTSTANDING <= calls) caller.call();
			if (answered === calls) finish();
		});
		for (let i = 0; i < OUTSTANDING; i++) caller.call();
		await finished;
		caller.close();
	}

	return {
		calls,
		async round(method, params) {
			if (method === 'e2e.setRoomKeyID') {
				child.send('take key ids away' satisfies ScaleOrder);
				await once(child, 'message');
			}
			const before = await cpuOf(server);
			await call(method, params);
			return ((await cpuOf(server)) - before) / calls;
		},
		async stop() {
			await stopOf(child)();
			if (folder) await rm(folder, { recursive: true });
		},
	};
}

/** Prints the table of scale. Rounds alternate between the stores. */
export async function benchScale(kind: Kind): Promise<void> {
	console.log(`Filling stores (${kind}) with ${FEW} and with ${MANY} rooms; this takes some minutes.`);
	const [few, many] = await Promise.all([openRooms(FEW, kind), openRooms(MANY, kind)]);
	console.log(`${ROUNDS} rounds of ${few.calls} calls over DDP, medians. Each call of a round uses another room.\n`);
	console.log(`| What | CPU µs with ${FEW} rooms | with ${MANY} | ratio | aim |`);
	console.log('|---|---|---|---|---|');
	for (const [method, params] of ROWS) {
		const figures: { few: number; many: number }[] = [];
		// The first three rounds compile code and do not count.
		for (let round = -3; round < ROUNDS; round++) {
			const figure = { few: await few.round(method, params), many: await many.round(method, params) };
			if (round >= 0) figures.push(figure);
		}
		const cells = [
			method,
			median(figures.map((figure) => figure.few)).toFixed(1),
			median(figures.map((figure) => figure.many)).toFixed(1),
			median(figures.map((figure) => figure.many / figure.few)).toFixed(2),
			`≤ ${AIM}`,
		];
		console.log(`| ${cells.join(' | ')} |`);
	}
	await Promise.all([few.stop(), many.stop()]);
}
