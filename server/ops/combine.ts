/** Several observers as one. */
import type { ServerObserver } from '../core/observer.js';

/**
 * Reports everything to all; calls to the first that counts them, and to the first that receives them.
 * @param runCall runs calls; without it they are run directly
 */
export function combine(observers: readonly ServerObserver[], runCall?: ServerObserver['runCall']): ServerObserver {
	return {
		...(runCall && { runCall }),
		observeCalls(method, definition) {
			const all = observers.map((each) => each.observeCalls(method, definition));
			// One of them counts, and one of them logs.
			return { counter: all.find((one) => one.counter)?.counter, onCall: all.find((one) => one.onCall)?.onCall };
		},
		onReplay: (method) => observers.forEach((each) => void each.onReplay(method)),
		onLimit: (kind, refused) => observers.forEach((each) => void each.onLimit(kind, refused)),
		onConnection: (kind) => observers.forEach((each) => void each.onConnection(kind)),
		onConnectionRefused: (reason, address) =>
			observers.forEach((each) => void each.onConnectionRefused(reason, address)),
		onConnectionHeld: () => observers.forEach((each) => void each.onConnectionHeld()),
		onWaitingConnections: (count) => observers.forEach((each) => void each.onWaitingConnections(count)),
		onLoginRefused: (lane) => observers.forEach((each) => void each.onLoginRefused(lane)),
		onWaitingLogins: (lane, count) => observers.forEach((each) => void each.onWaitingLogins(lane, count)),
		onWrongToken: (attempt) => observers.forEach((each) => void each.onWrongToken(attempt)),
		onPause: () => observers.forEach((each) => void each.onPause()),
		onOverflow: () => observers.forEach((each) => void each.onOverflow()),
		onStreamEvent: (readers) => observers.forEach((each) => void each.onStreamEvent(readers)),
	};
}
