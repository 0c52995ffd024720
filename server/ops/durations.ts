/** Counts of durations, in buckets. Cheaper than a histogram of prom-client, which hashes its labels at every call. */

/** Upper bounds of the buckets, in ms. */
const BOUNDS_MS: readonly number[] = [
	0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
];

export class Durations {
	readonly #counts = new Float64Array(BOUNDS_MS.length + 1);
	#sumMs = 0;

	add(ms: number): void {
		let bucket = 0;
		while (ms > (BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
		this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
		this.#sumMs += ms;
	}

	get count(): number {
		return this.#counts.reduce((sum, count) => sum + count, 0);
	}

	get sumSeconds(): number {
		return this.#sumMs / 1000;
	}

	/** For each bound, in seconds, the number of durations up to it. The last bound is `+Inf`. */
	*cumulative(): Iterable<readonly [bound: string, count: number]> {
		let count = 0;
		for (const [bucket, own] of this.#counts.entries()) {
			count += own;
			const bound = BOUNDS_MS[bucket];
			yield [bound === undefined ? '+Inf' : String(bound / 1000), count];
		}
	}
}
