/** How the sessions of a server end with it (`test/contract/ddp.md` section 18). */

import { type CloseReason, GOING_AWAY } from './transports/close-reason.js';
import type { Transport } from './transports/transport.js';

/** What is done to a session, in this order. */
export interface Leaving {
	/** Answers what has come in, then closes it. */
	drain(): Promise<void>;
	/** Closes it, whatever is unanswered. */
	close(reason: CloseReason): void;
	readonly transport: Pick<Transport, 'terminate'>;
}

/** The part of the time over which sessions begin to end; the rest is for what the last of them have to answer. */
const SPREAD = 0.5;

/** How long a client has to answer our close frame before its socket is cut, in ms. */
const CLOSE_GRACE = 2000;

/**
 * Ends sessions, spread over a time: all who are closed at once would come back at once, to whoever takes over.
 * @param sessions those that go are taken out of it meanwhile
 * @param grace that time, in ms; what takes longer to answer is given up
 * @returns stops what is still to be done
 */
export function endSessions(sessions: ReadonlySet<Leaving>, grace: number): () => void {
	const step = (grace * SPREAD) / sessions.size;
	const timers = [...sessions].map((session, i) => setTimeout(() => void session.drain(), step * i));
	timers.push(
		setTimeout(() => {
			for (const session of sessions) session.close(GOING_AWAY);
		}, grace),
		setTimeout(() => {
			for (const session of sessions) session.transport.terminate();
		}, grace + CLOSE_GRACE),
	);
	return () => {
		for (const timer of timers) clearTimeout(timer);
	};
}
