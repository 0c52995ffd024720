/**
 * Spreads work that arrives all at once over turns of the event loop. Node handles everything that has arrived in one turn,
 * and work for thousands of new clients would keep those that are there already waiting for most of a second.
 */

/**
 * @param perTurn number of items that are handled in one turn
 * @param maxWaiting maximum number of items that wait
 * @param handle called with each item, in order
 * @returns adds an item; returns false if too many wait
 */
export function spreadOverTurns<T>(
	{ perTurn, maxWaiting }: { readonly perTurn: number; readonly maxWaiting: number },
	handle: (item: T) => void,
): (item: T) => boolean {
	let waiting: T[] = [];
	/** Number of waiting items that are handled already. They stay in the array until all are. */
	let next = 0;
	/** Number of items that were handled in this turn. */
	let handled = 0;

	function onTurn(): void {
		handled = 0;
		while (handled < perTurn && next < waiting.length) run(waiting[next++] as T);
		if (next < waiting.length) return;
		waiting = [];
		next = 0;
	}

	function run(item: T): void {
		if (handled++ === 0) setImmediate(onTurn);
		handle(item);
	}

	return (item) => {
		if (handled < perTurn && waiting.length === 0) run(item);
		else if (waiting.length - next < maxWaiting) waiting.push(item);
		else return false;
		return true;
	};
}
