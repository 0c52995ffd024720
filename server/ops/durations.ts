/** Counts durations in buckets. A histogram of prom-client is slower, because it hashes its labels at every call. */

/** Upper bounds of the buckets, in ms. */
const BOUNDS_MS: readonly number[] = [
	0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
];

/** The index of the sum. Before it are the buckets, and one more bucket for longer durations. */
const SUM = BOUNDS_MS.length + 1;

export class Durations {
	/** The buckets, then the sum in ms. With one array, `add` allocates nothing. */
	readonly #numbers = new Float64Array(SUM + 1);

	add(ms: number): void {
		const numbers = this.#numbers;
		let bucket = 0;
		while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] as number)) bucket++;
		(numbers[bucket] as number)++;
		(numbers[SUM] as number) += ms;
	}

	get count(): number {
		return this.#numbers.subarray(0, SUM).reduce((sum, count) => sum + count, 0);
	}

	get sumSeconds(): number {
		return (this.#numbers[SUM] as number) / 1000;
	}

	/** For each bound, in seconds, the number of durations up to it. The last bound is `+Inf`. */
	*cumulative(): Iterable<readonly [bound: string, count: number]> {
		let count = 0;
		for (const [bucket, countInBucket] of this.#numbers.subarray(0, SUM).entries()) {
			count += countInBucket;
			const bound = BOUNDS_MS[bucket];
			yield [bound === undefined ? '+Inf' : String(bound / 1000), count];
		}
	}
}
