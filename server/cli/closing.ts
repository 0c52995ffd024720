/** Runs a task, and then `close`, also if the task fails. If both fail, the error of the task is thrown. */
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
