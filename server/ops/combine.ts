import type { ServerObserver } from '../core/observer.js';

/**
 * Makes one observer of several. At most one of them may have a `counter`, and at most one an `onCall`.
 * @param runCall runs each call. The `runCall` of each given observer is ignored
 */
export function combineObservers(
	observers: readonly ServerObserver[],
	runCall?: ServerObserver['runCall'],
): ServerObserver {
	return {
		...(runCall && { runCall }),
		observeCalls(method, definition) {
			const callObservers = observers.map((observer) => observer.observeCalls(method, definition));
			return {
				counter: callObservers.find(({ counter }) => counter)?.counter,
				onCall: callObservers.find(({ onCall }) => onCall)?.onCall,
			};
		},
		onReplay: (method) => observers.forEach((observer) => void observer.onReplay(method)),
		onLimit: (kind, refused) => observers.forEach((observer) => void observer.onLimit(kind, refused)),
		onConnection: (kind) => observers.forEach((observer) => void observer.onConnection(kind)),
		onConnectionRefused: (reason, address) =>
			observers.forEach((observer) => void observer.onConnectionRefused(reason, address)),
		onConnectionHeld: () => observers.forEach((observer) => void observer.onConnectionHeld()),
		onWaitingConnections: (count) => observers.forEach((observer) => void observer.onWaitingConnections(count)),
		onLoginRefused: (lane) => observers.forEach((observer) => void observer.onLoginRefused(lane)),
		onWaitingLogins: (lane, count) => observers.forEach((observer) => void observer.onWaitingLogins(lane, count)),
		onWrongToken: (attempt) => observers.forEach((observer) => void observer.onWrongToken(attempt)),
		onPause: () => observers.forEach((observer) => void observer.onPause()),
		onOverflow: () => observers.forEach((observer) => void observer.onOverflow()),
		onStreamEvent: (readers) => observers.forEach((observer) => void observer.onStreamEvent(readers)),
	};
}
