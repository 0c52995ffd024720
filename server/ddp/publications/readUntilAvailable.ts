/**
 * Repeats a read that fails, because the store may be unavailable for a while, such as while MongoDB elects a primary.
 */
import { setTimeout } from 'node:timers/promises';
import { StoreUnavailableError } from '../../../shared/errors.js';
import { retryDelay } from '../../cluster/retryDelay.js';

/** Maximum number of repetitions after failures for other reasons than an unavailable store. */
const MAX_REPEATS = 3;

/**
 * Repeats a read until it succeeds: without limit while the store is unavailable, but at most `MAX_REPEATS` times after
 * other failures.
 * @param isNeeded whether the result is still needed; asked before each repetition
 * @param onUnavailable called each time that the store is unavailable
 * @returns undefined if the result is not needed any more
 * @throws what the last read threw
 */
export async function readUntilAvailable<T>(
	read: () => Promise<T>,
	isNeeded: () => boolean,
	onUnavailable: () => void,
): Promise<T | undefined> {
	let otherFailures = 0;
	for (let failures = 1; ; failures++) {
		try {
			return await read();
		} catch (error) {
			if (error instanceof StoreUnavailableError) onUnavailable();
			else if (++otherFailures > MAX_REPEATS) throw error;
			await setTimeout(retryDelay(failures), undefined, { ref: false });
			if (!isNeeded()) return undefined;
		}
	}
}
