/** Stops long work when the signal of its call has fired, because nobody waits for the result any more. */
import { clientError } from '../../shared/errors.js';

/**
 * Called between two steps of long work.
 * @throws ClientError `error-timeout` once the signal has fired
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
	if (signal?.aborted) throw clientError('timeout');
}
