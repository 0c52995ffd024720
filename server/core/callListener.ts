/**
 * Calls a listener of an application. Resolves when the listener has ended; callers do not wait for this. What the listener
 * returns is ignored: `() => set.delete(id)` returns a boolean by accident.
 * @param onError receives what the listener throws, or what its promise rejects with
 */
export async function callListener(listener: () => unknown, onError: (error: unknown) => void): Promise<void> {
	try {
		await listener();
	} catch (error) {
		onError(error);
	}
}
