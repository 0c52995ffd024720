/** Ends all sessions when the server shuts down (`test/contract/ddp.md` section 18). */
import { type CloseReason, GOING_AWAY } from './transports/close-reason.js';
import type { Transport } from './transports/transport.js';

/** The steps of ending a session, in this order. */
export interface Leaving {
	/** Answers the received requests, then closes the session. */
	drain(): Promise<void>;
	/** Closes it, even with unanswered calls. */
	close(reason: CloseReason): void;
	readonly transport: Pick<Transport, 'terminate'>;
}

/** The part of the grace period in which sessions begin to end; the rest is for their last answers. */
const SPREAD = 0.5;

/** How long a client has to answer the close frame before it is disconnected, in ms. */
const CLOSE_GRACE = 2000;

/**
 * Ends sessions gradually, so that clients do not all reconnect at the same time.
 * @param sessions ended sessions must be removed from it
 * @param grace the time for this, in ms; calls that take longer are interrupted
 * @returns stops the remaining work
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
