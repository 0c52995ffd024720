/** Measures how late the timers of the event loop are. If they are too late, the process is overloaded. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Time between two measured turns of an idle event loop, in ms. It is part of every measured value. */
const RESOLUTION_MS = 10;

const SAMPLE_MS = 500;

export interface LoopDelay {
	/** Whether the mean of the last sample is above the limit. */
	isHigh(): boolean;
	stop(): void;
}

/** @param limit the mean time between two turns above which the process is overloaded, in ms; 0: never */
export function watchLoopDelay(limit: number): LoopDelay {
	if (limit === 0) return { isHigh: () => false, stop() {} };
	const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
	histogram.enable();
	let isHigh = false;
	const sampler = setInterval(() => {
		// Without a measured turn, the event loop was blocked all the time.
		const wasBlocked = histogram.count === 0;
		const meanMs = histogram.mean / 1e6;
		isHigh = wasBlocked || meanMs > limit;
		histogram.reset();
	}, SAMPLE_MS).unref();
	return {
		isHigh: () => isHigh,
		stop() {
			clearInterval(sampler);
			histogram.disable();
		},
	};
}
