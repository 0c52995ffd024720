/** A timer for a point in time, however far away. */

/** Longest delay Node's timers know, in ms: 24.8 days. Beyond it they fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

/**
 * Calls back once a time has come; soon, if it has already. Does not keep the process alive.
 * @returns calls it off
 */
export function callAt(time: Date, callback: () => void): () => void {
	let timer: NodeJS.Timeout;
	const wait = () => {
		const delay = Math.min(Math.max(time.getTime() - Date.now(), 0), LONGEST_DELAY);
		timer = setTimeout(() => (time.getTime() <= Date.now() ? callback() : wait()), delay);
		timer.unref();
	};
	wait();
	return () => clearTimeout(timer);
}
