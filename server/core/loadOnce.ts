/** Makes a function that loads something once, and returns the same at each call. After a failure it loads again. */
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
