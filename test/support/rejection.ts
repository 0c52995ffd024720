/** The error with which a promise rejects. Throws if the promise resolves. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: unknown }> {
	try {
		await promise;
	} catch (error) {
		return error as Error;
	}
	throw new Error('expected a rejection');
}
