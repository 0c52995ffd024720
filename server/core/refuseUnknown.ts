import { type ClientError, notFound } from '../../shared/errors.js';
import type { Caller } from './caller.js';
import { type ServerObserver, UNKNOWN_METHOD } from './observer.js';

/** Reports a call of a method that does not exist. @returns the error for its caller */
export function refuseUnknown(observer: ServerObserver | undefined, name: string, caller: Caller): ClientError {
	const thrown = notFound('Method', name);
	if (caller.isNested) return thrown;
	const { counter, onCall } = observer?.observeCalls(UNKNOWN_METHOD, undefined) ?? {};
	counter?.add(caller.transport ?? 'program', 'refused', 0);
	onCall?.({ method: UNKNOWN_METHOD, caller, params: [], outcome: 'refused', ms: 0, thrown });
	return thrown;
}
