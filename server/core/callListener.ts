/**
 * Calls a listener of an application, and resolves when the listener has ended. The listener's result is ignored.
 * @param onError receives what the listener throws, or what its promise rejects with
 */
export async function callListener(listener: () => unknown, onError: (error: unknown) => void): Promise<void> {
	try {
		await listener();
	} catch (error) {
		onError(error);
	}
}
