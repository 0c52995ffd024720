/**
 * Makes a function that loads something at its first call, and returns the same at later calls. After a failure, the
 * next call loads again.
 */
export function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
	let loaded: Promise<T> | undefined;
	return () => {
		loaded ??= load().catch((error) => {
			loaded = undefined;
			throw error;
		});
		return loaded;
	};
}
