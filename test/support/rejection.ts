/** What a promise rejects with. Fails the test where it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: unknown }> {
	try {
		await promise;
	} catch (error) {
		return error as Error;
	}
	throw new Error('expected a rejection');
}
