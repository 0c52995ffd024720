/** Calls that a client may repeat, and which of their outcomes a repeated call gets. */
import { isClientSafe, isTransient, MatchError } from '../../shared/errors.js';
import type { Caller } from './caller.js';

export interface RepeatableCall {
	readonly method: string;
	readonly args: Record<string, unknown>;
	readonly caller: Caller;
	/** Time limit of the method, in ms. */
	readonly timeout: number;
}

/** Whether a repeated call gets this error again. After an error of the server or a transient error, it runs instead. */
export function isFinalError(thrown: unknown): boolean {
	return thrown instanceof MatchError || (isClientSafe(thrown) && !isTransient(thrown));
}
