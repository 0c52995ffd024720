/**
 * Calls a listener of an application. It may be asynchronous, and is not awaited. What it returns is ignored: a listener such
 * as `() => set.delete(id)` returns a boolean by accident.
 * @param onError receives what the listener throws, or what its promise rejects with
 */
export async function callListener(listener: () => unknown, onError: (error: unknown) => void): Promise<void> {
	try {
		await listener();
	} catch (error) {
		onError(error);
	}
}
