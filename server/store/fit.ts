/** What of an update concerns one document. nedb fails, or silently does nothing, where MongoDB does the other. */
import type { Update } from './update.js';
import { type Fields, isFields } from './values.js';

/** Whether an update may have to be fitted, as opposed to meaning the same for every document. */
export function needsFit(update: Update): boolean {
	return (
		'$pull' in update ||
		Object.values(update).some((changes) => Object.keys(changes).some((path) => path.includes('.')))
	);
}

/**
 * Leaves out what there is nothing to take from.
 *
 * @throws TypeError where a path leads through something that has no fields
 */
export function fitUpdate(update: Update, document: Fields): Update {
	const fitted: Update = {};
	for (const [operator, changes] of Object.entries(update)) {
		const taking = operator === '$unset' || operator === '$pull';
		const kept = Object.entries(changes).filter(([path]) => {
			const parts = path.split('.');
			const last = parts.pop() as string;
			let holder: unknown = document;
			for (const part of parts) {
				if (isFields(holder)) holder = holder[part];
			}
			if (holder !== undefined && !isFields(holder)) {
				if (taking) return false;
				throw new TypeError(`${path} leads through something that has no fields`);
			}
			return operator !== '$pull' || holder?.[last] !== undefined;
		});
		fitted[operator] = Object.fromEntries(kept);
	}
	return fitted;
}
