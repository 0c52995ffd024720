/**
 * Reads everything again that clients of this process have received, because changes of it may have been missed.
 */
import { setTimeout } from 'node:timers/promises';
import type { Log } from '../../shared/log.js';

/** How much earlier than asked for a run begins to look for writes, in ms: clocks differ. */
const OVERLAP_MS = 10_000;

/** Time between two runs, in ms. */
const PAUSE_MS = 250;

/** Time before a run that has failed is repeated, in ms. */
const RETRY_MS = 1000;

export interface CatchUp {
	readonly isRunning: boolean;
	/**
	 * Looks at everything again, after the present run if there is one.
	 * @param since when nothing had been missed yet, in ms since 1970
	 */
	request(since: number): Promise<void>;
	/** Resolves when no run is left. */
	settled(): Promise<void>;
	/** Calls the listener after the last run. */
	onEnd(listener: () => void): void;
	/** Resolves when nothing runs any more. */
	close(): Promise<void>;
}

/** A part of a run. It is repeated after a failure of any part. @param since that of `request`, less the overlap */
export type CatchUpStep = (since: Date) => Promise<unknown>;

/** @param steps are run one after the other, the most urgent ones first */
export function createCatchUp(steps: readonly CatchUpStep[], log: Log): CatchUp {
	/** The earliest time asked for since the last run began. */
	let next: number | undefined;
	let running: Promise<void> | undefined;
	let end = () => {};
	const closing = new AbortController();

	async function run(): Promise<void> {
		let failed = false;
		while (next !== undefined && !closing.signal.aborted) {
			const since = next;
			next = undefined;
			try {
				for (const step of steps) await step(new Date(since - OVERLAP_MS));
				failed = false;
			} catch (err) {
				if (!failed) log.warn({ err }, 'What other processes have changed could not be looked up');
				failed = true;
				next = Math.min(next ?? since, since);
			}
			if (next === undefined) return;
			await setTimeout(failed ? RETRY_MS : PAUSE_MS, undefined, { ref: false, signal: closing.signal }).catch(() => {});
		}
	}

	return {
		get isRunning() {
			return running !== undefined;
		},
		request(since) {
			next = Math.min(next ?? since, since);
			running ??= run().finally(() => {
				running = undefined;
				end();
			});
			return running;
		},
		settled: async () => running,
		onEnd(listener) {
			end = listener;
		},
		async close() {
			closing.abort();
			await running;
		},
	};
}
