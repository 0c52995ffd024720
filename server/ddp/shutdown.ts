/** Ends all sessions when the server shuts down (`test/contract/ddp.md` section 18). */

import { type CloseReason, GOING_AWAY } from './transports/close-reason.js';
import type { Transport } from './transports/transport.js';

/** What is done to a session, in this order. */
export interface Leaving {
	/** Answers what has come in, then closes it. */
	drain(): Promise<void>;
	/** Closes it, although calls may be unanswered. */
	close(reason: CloseReason): void;
	readonly transport: Pick<Transport, 'terminate'>;
}

/** The part of the time over which sessions begin to end; the rest is for what the last of them have to answer. */
const SPREAD = 0.5;

/** How long a client has to answer our close frame before it is disconnected, in ms. */
const CLOSE_GRACE = 2000;

/**
 * Ends sessions, spread over a time: clients that are closed at once would all reconnect at once.
 * @param sessions loses those that have ended
 * @param grace that time, in ms; calls that take longer are interrupted
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
