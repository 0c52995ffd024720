/** What a call costs where there are a thousand times as many rooms. */
import { once } from 'node:events';
import { median, run, stopOf } from './processes.js';
import type { Round, Task } from './scale-store.js';

const FEW = 1000;
const MANY = 1_000_000;
const ROUNDS = 15;
const CALLS = 900;
const AIM = 1.2;

const TASKS: readonly Task[] = ['e2e.setRoomKeyID'];

interface Measured {
	/** CPU time of one call, in µs. */
	round(round: Round): Promise<number>;
	stop(): Promise<void>;
}

async function openRooms(count: number): Promise<Measured> {
	const child = run('./scale-store.js', [String(count)], ['--max-old-space-size=12000']);
	await once(child, 'message');
	return {
		async round(round) {
			child.send(round);
			const [cpu] = (await once(child, 'message')) as [number];
			return cpu;
		},
		stop: stopOf(child),
	};
}

/** Prints the table of scale. Rounds alternate between the stores, and each figure is the median of its rounds. */
export async function benchScale(): Promise<void> {
	console.log(`Filling stores with ${FEW} and with ${MANY} rooms and two places each, in memory; this takes minutes.`);
	const [few, many] = await Promise.all([openRooms(FEW), openRooms(MANY)]);
	console.log(`${ROUNDS} rounds of ${CALLS} calls, medians.\n`);
	console.log(`| What | CPU µs with ${FEW} rooms | with ${MANY} | ratio | aim |`);
	console.log('|---|---|---|---|---|');
	for (const task of TASKS) {
		const figures: { few: number; many: number }[] = [];
		// The first ones compile code.
		for (let round = -3; round < ROUNDS; round++) {
			const figure = { few: await few.round({ task, calls: CALLS }), many: await many.round({ task, calls: CALLS }) };
			if (round >= 0) figures.push(figure);
		}
		const cells = [
			task,
			median(figures.map((figure) => figure.few)).toFixed(1),
			median(figures.map((figure) => figure.many)).toFixed(1),
			median(figures.map((figure) => figure.many / figure.few)).toFixed(2),
			`≤ ${AIM}`,
		];
		console.log(`| ${cells.join(' | ')} |`);
	}
	await Promise.all([few.stop(), many.stop()]);
}
