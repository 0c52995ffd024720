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

/** Runs tasks concurrently. Returns, for each turn of the event loop, the numbers of the tasks that made a step, in order. */
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
	it('make few steps in one turn of the event loop, because they share one clock', async () => {
		const longest = Math.max(...(await runTasks()).map((turn) => turn.length));
		// A task makes at most two steps between two pauses. `runTasks` may count those of two tasks as one turn. With a clock for
		// each task, all 20 tasks would make steps in the first turn.
		expect(longest).to.be.at.most(STEPS);
	});

	it('resume one after the other', async () => {
		const steps = (await runTasks()).flat();
		// The steps that a task makes between two pauses are counted once.
		const runs = steps.filter((task, i) => task !== steps[i - 1]);
		// No task continues a second time before all the others have continued.
		const first = runs.slice(0, TASKS);
		expect(new Set(first).size).to.equal(TASKS);
	});
});
