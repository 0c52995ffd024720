/** Work on many documents, some at a time. */
import { createYielder } from '../../../shared/yielding.js';

/** A store on disk writes these together, and a database is asked for them at the same time. */
const AT_ONCE = 20;

/** Does the work for each item, 20 at a time, and yields to the event loop in between. */
export async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
	const pause = createYielder();
	for (let i = 0; i < items.length; i += AT_ONCE) {
		await pause();
		await Promise.all(items.slice(i, i + AT_ONCE).map(work));
	}
}
