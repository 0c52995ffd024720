/**
 * After changes that this process may have missed, reads everything again that its clients depend on, in the steps of
 * `catchUpSteps.ts`. A run is all steps together.
 */
import { setTimeout } from 'node:timers/promises';
import type { Log } from '../../shared/log.js';

/** A run looks for writes this many ms before the requested time, because clocks differ. */
const OVERLAP_MS = 10_000;

/** Time between two runs, in ms. */
const PAUSE_MS = 250;

/** Time before a failed run is repeated, in ms. */
const RETRY_MS = 1000;

export interface CatchUp {
	readonly isRunning: boolean;
	/**
	 * Starts a run, now or after the present one. Resolves when no run is left.
	 * @param since a time at which nothing had been missed yet, in ms since 1970
	 */
	request(since: number): Promise<void>;
	/** Resolves when no run is left. */
	settled(): Promise<void>;
	/** Calls the listener whenever no run is left. A second listener replaces the first. */
	onEnd(listener: () => void): void;
	/** Resolves when the present run has ended. No other follows. */
	close(): Promise<void>;
}

/** A part of a run. If a step fails, all steps are repeated. @param since the time of `request`, minus the overlap */
export type CatchUpStep = (since: Date) => Promise<unknown>;

/** @param steps are run one after the other, the most urgent ones first */
export function createCatchUp(steps: readonly CatchUpStep[], log: Log): CatchUp {
	/** The earliest time of all requests since the last run began. */
	let requestedSince: number | undefined;
	let running: Promise<void> | undefined;
	let endListener = () => {};
	const closing = new AbortController();

	function start(): Promise<void> {
		running = run().finally(() => {
			running = undefined;
			// A request can arrive between the end of `run` and this call.
			if (requestedSince !== undefined && !closing.signal.aborted) return start();
			endListener();
		});
		return running;
	}

	async function run(): Promise<void> {
		let hasFailed = false;
		while (requestedSince !== undefined && !closing.signal.aborted) {
			const since = requestedSince;
			requestedSince = undefined;
			try {
				for (const step of steps) await step(new Date(since - OVERLAP_MS));
				hasFailed = false;
			} catch (err) {
				if (!hasFailed) log.warn({ err }, 'Changes of other processes could not be read; this is repeated');
				hasFailed = true;
				requestedSince = Math.min(requestedSince ?? since, since);
			}
			if (requestedSince === undefined) return;
			await setTimeout(hasFailed ? RETRY_MS : PAUSE_MS, undefined, { ref: false, signal: closing.signal }).catch(
				() => {},
			);
		}
	}

	return {
		get isRunning() {
			return running !== undefined;
		},
		request(since) {
			requestedSince = Math.min(requestedSince ?? since, since);
			return running ?? start();
		},
		settled: async () => running,
		onEnd(listener) {
			endListener = listener;
		},
		async close() {
			closing.abort();
			await running;
		},
	};
}
