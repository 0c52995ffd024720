/**
 * Spreads work that arrives in one turn of the event loop over several turns. Otherwise thousands of new clients would
 * block connected clients for up to a second.
 * @returns a function that has an item handled, now or in a later turn. If too many wait, it drops the item and returns
 *   false
 */
export function spreadOverTurns<T>(
	{ perTurn, maxWaiting }: { readonly perTurn: number; readonly maxWaiting: number },
	handle: (item: T) => void,
): (item: T) => boolean {
	let waiting: T[] = [];
	/** Index of the next item in `waiting`. Handled items are removed together. */
	let next = 0;
	let handledInTurn = 0;

	function onTurn(): void {
		handledInTurn = 0;
		while (handledInTurn < perTurn && next < waiting.length) run(waiting[next++] as T);
		// With this condition, each item is copied at most once on average, and few handled items stay.
		if (next < waiting.length / 2) return;
		waiting = waiting.slice(next);
		next = 0;
	}

	function run(item: T): void {
		// The first item of a turn schedules the next turn.
		if (handledInTurn === 0) setImmediate(onTurn);
		handledInTurn++;
		handle(item);
	}

	return (item) => {
		if (handledInTurn < perTurn && waiting.length === 0) run(item);
		else if (waiting.length - next < maxWaiting) waiting.push(item);
		else return false;
		return true;
	};
}
