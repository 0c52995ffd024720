/** Repeats a task of the server at intervals. */

/**
 * Starts a task at intervals, unless it still runs. It does not keep the process alive.
 * @param interval in ms
 * @param onError receives what a run rejects with; the next run is made all the same
 * @returns a function that stops it; its promise resolves when no run is in progress any more
 */
export function repeat(
	task: () => Promise<unknown>,
	interval: number,
	onError: (err: unknown) => void,
): () => Promise<void> {
	let running: Promise<void> | undefined;
	async function run(): Promise<void> {
		await task().catch(onError);
		running = undefined;
	}
	const timer = setInterval(() => {
		running ??= run();
	}, interval);
	timer.unref();
	return async () => {
		clearInterval(timer);
		await running;
	};
}
