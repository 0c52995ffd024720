/** Long tasks that yield to each other. */
import { expect } from 'chai';
import { createYielder } from '../../shared/yielding.js';

const TASKS = 20;
const STEPS = 12;
const STEP_MS = 1;
/**
 * The limit of `shared/yielding.ts` is 2 ms, so a task makes at most two steps before it yields. The steps of the task
 * that resumes next can count as of the same turn.
 */
const MAX_STEPS_IN_A_TURN = 4;

function work(): void {
	const end = performance.now() + STEP_MS;
	while (performance.now() < end);
}

/** Runs tasks concurrently. @returns for each turn of the event loop, the tasks that made a step, in order */
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
	it('make few steps in one turn of the event loop', async () => {
		const longest = Math.max(...(await runTasks()).map((turn) => turn.length));
		// All tasks share one time limit. If each task had its own limit, the first turn would have 40 steps.
		expect(longest).to.be.at.most(MAX_STEPS_IN_A_TURN);
	});

	it('resume once each before any task resumes again', async () => {
		const steps = (await runTasks()).flat();
		const runs = steps.filter((task, i) => task !== steps[i - 1]);
		const first = runs.slice(0, TASKS);
		expect(new Set(first).size).to.equal(TASKS);
	});
});
