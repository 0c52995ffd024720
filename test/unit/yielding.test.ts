/** Long tasks that yield to each other. */
import { expect } from 'chai';
import { createYielder } from '../../shared/yielding.js';

const TASKS = 20;
const STEPS = 12;
const STEP_MS = 1;

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
		// All tasks share one clock, so at most two tasks with two steps each share a turn. With a clock for each, all 20 would.
		expect(longest).to.be.at.most(STEPS);
	});

	it('resume once each before any task resumes again', async () => {
		const steps = (await runTasks()).flat();
		const runs = steps.filter((task, i) => task !== steps[i - 1]);
		const first = runs.slice(0, TASKS);
		expect(new Set(first).size).to.equal(TASKS);
	});
});
