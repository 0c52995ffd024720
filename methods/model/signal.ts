/** Stops long work whose result nobody awaits any more. */
import { clientError } from '../../shared/errors.js';

/**
 * Called between two steps of long work.
 * @throws ClientError `error-timeout` once the signal has fired
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
	if (signal?.aborted) throw clientError('timeout');
}
