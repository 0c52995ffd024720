/** How often a long random test repeats. */
interface Repetitions {
	/** In memory, in CI. */
	readonly ci: number;
	/** In memory, outside of CI. So few that `npm test` takes two to four minutes. */
	readonly local: number;
	/** With MongoDB, where a repetition takes up to a hundred times as long. */
	readonly mongo: number;
}

export function repetitions({ ci, local, mongo }: Repetitions): number {
	if (process.env.ROOMKEY_TEST_MONGO_URL) return mongo;
	return process.env.CI ? ci : local;
}
