/** Long tasks yield to each other and to everything else on the event loop. */
import { expect } from 'chai';
import { createYielder } from '../../shared/yielding.js';

const TASKS = 20;
const STEPS = 12;
/** Minimum time of a step, in ms. */
const STEP_MS = 1;

function work(): void {
	const end = performance.now() + STEP_MS;
	while (performance.now() < end);
}

/** Runs tasks concurrently. @returns for each turn of the event loop, the numbers of the tasks that made a step, in order */
async function runTasks(): Promise<number[][]> {
	const turns: number[][] = [];
	let turn: number[] | undefined;
	function note(task: number): void {
		if (!turn) {
			turn = [];
			turns.push(turn);
			setImmediate(() => {
				turn = undefined;
			});
		}
		turn.push(task);
	}
	async function run(task: number): Promise<void> {
		const yielding = createYielder();
		for (let step = 0; step < STEPS; step++) {
			const pause = yielding();
			if (pause) await pause;
			note(task);
			work();
		}
	}
	await Promise.all(Array.from({ length: TASKS }, (_, task) => run(task)));
	return turns;
}

describe('tasks that yield', () => {
	it('block the event loop together no longer than one task alone', async () => {
		const longest = Math.max(...(await runTasks()).map((turn) => turn.length));
		// Two slices of 2 ms may follow each other: one that begins in a turn, and one that continues at its end.
		expect(longest).to.be.at.most(STEPS);
	});

	it('resume one after the other', async () => {
		const steps = (await runTasks()).flat();
		// The steps of one slice follow each other: each slice is counted once.
		const slices = steps.filter((task, i) => task !== steps[i - 1]);
		// Each of the other tasks continues before the same task continues again.
		const first = slices.slice(0, TASKS);
		expect(new Set(first).size).to.equal(TASKS);
	});
});
