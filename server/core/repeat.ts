/**
 * Runs a task at intervals. A run is left out while the previous one is in progress.
 * @param interval in ms
 * @param onError receives the error of a run that fails; the next run starts as usual
 * @returns a function that stops the repetition; its promise resolves when no run is in progress any more
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
