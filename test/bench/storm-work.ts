/** Measures the event loop, the garbage collections and the memory of a process of the storm bench. */
import { PerformanceObserver } from 'node:perf_hooks';

/** What a process did since it was last asked. Times are in ms. */
export interface Work {
	/** CPU time divided by the time that passed. */
	readonly cpu: number;
	/** How long a message that arrives at a random moment waits for the event loop: 99 of 100 wait less. */
	readonly waitP99: number;
	readonly longestTurn: number;
	readonly longestGc: number;
	/** Time of all garbage collections divided by the time that passed. */
	readonly gc: number;
	/** Maximum resident memory, in bytes. */
	readonly peak: number;
}

const MEMORY_READING_MS = 50;

/**
 * A quantile of the waits of messages that arrive evenly over time. Each waits for the end of the turn during which it
 * arrives.
 * @param part 0.99 for the wait that 99 of 100 messages stay below
 * @param turns the lengths of all turns of the event loop
 */
function waitBelow(part: number, turns: readonly number[]): number {
	const longest = [...turns].sort((a, b) => b - a);
	const allowed = (1 - part) * turns.reduce((sum, turn) => sum + turn, 0);
	let sum = 0;
	for (const [i, turn] of longest.entries()) {
		sum += turn;
		const next = longest[i + 1] ?? 0;
		// On the left: the time during which an arriving message waits longer than `next`.
		if (sum - (i + 1) * next >= allowed) return (sum - allowed) / (i + 1);
	}
	return 0;
}

/** @returns what the process did since the last call */
export function watchWork(): () => Work {
	let turns: number[] = [];
	let lastTurn = performance.now();
	setInterval(() => {
		const now = performance.now();
		turns.push(now - lastTurn);
		lastTurn = now;
	}, 1).unref();
	let collections: number[] = [];
	new PerformanceObserver((list) => {
		for (const { duration } of list.getEntries()) collections.push(duration);
	}).observe({ entryTypes: ['gc'] });
	let peak = 0;
	setInterval(() => {
		peak = Math.max(peak, process.memoryUsage.rss());
	}, MEMORY_READING_MS).unref();
	let cpu = process.cpuUsage();
	let began = performance.now();

	return () => {
		const { user, system } = process.cpuUsage(cpu);
		const elapsed = performance.now() - began;
		const work = {
			cpu: (user + system) / 1000 / elapsed,
			waitP99: waitBelow(0.99, turns),
			longestTurn: turns.reduce((longest, turn) => Math.max(longest, turn), 0),
			longestGc: Math.max(0, ...collections),
			gc: collections.reduce((sum, duration) => sum + duration, 0) / elapsed,
			peak,
		};
		turns = [];
		collections = [];
		peak = 0;
		cpu = process.cpuUsage();
		began = performance.now();
		return work;
	};
}
