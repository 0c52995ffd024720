/** The memory of this process, which runs with `--expose-gc`. */

/** Bytes after a garbage collection. */
export interface Memory {
	/** What JavaScript holds, with its buffers. */
	readonly held: number;
	readonly resident: number;
}

export function memory(): Memory {
	for (let i = 0; i < 4; i++) globalThis.gc?.();
	const { heapUsed, external, rss } = process.memoryUsage();
	return { held: heapUsed + external, resident: rss };
}
