/**
 * Runs a task at intervals. A run that would begin while another is not finished is left out.
 * @param onError receives the error of a run that has failed
 * @returns a function that stops it; its promise resolves when the task does not run any more
 */
export function atIntervals(
	interval: number,
	task: () => Promise<void>,
	onError: (error: unknown) => void,
): () => Promise<void> {
	let running: Promise<void> | undefined;
	const timer = setInterval(() => {
		running ??= task()
			.catch(onError)
			.finally(() => {
				running = undefined;
			});
	}, interval);
	timer.unref();
	return async () => {
		clearInterval(timer);
		await running;
	};
}
