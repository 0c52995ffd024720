/**
 * Many writes to one fsync. An fsync costs milliseconds whatever it has to write, so writes that are appended while one
 * runs wait together for the next.
 *
 * @param sync starts one fsync; called again only when the last has ended
 * @returns a function whose promise resolves after a `sync` that began after the call, and rejects if that one fails
 */
export function groupSync(sync: () => Promise<void>): () => Promise<void> {
	let running: Promise<unknown> = Promise.resolve();
	/** The sync that has not begun yet: whoever comes now may still go with it. */
	let next: Promise<void> | undefined;

	return () => {
		if (next === undefined) {
			next = running.then(() => {
				next = undefined;
				return sync();
			});
			// A failure is for those who waited, not for the next turn.
			running = next.catch(() => {});
		}
		return next;
	};
}
