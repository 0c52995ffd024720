/**
 * Runs a task, and then `close`. If both fail, the error of the task is thrown: the error of `close` is only its
 * consequence.
 */
export async function thenClose<R>(task: () => Promise<R>, close: () => Promise<unknown>): Promise<R> {
	let result: R;
	try {
		result = await task();
	} catch (error) {
		await close().catch(() => {});
		throw error;
	}
	await close();
	return result;
}
