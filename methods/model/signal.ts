/** Ends long work whose result is not needed any more. */
import { clientError } from '../../shared/errors.js';

/**
 * To be called between two steps of long work.
 * @throws ClientError `error-timeout` once the signal has fired
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
	if (signal?.aborted) throw clientError('timeout');
}
