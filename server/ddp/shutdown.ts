/** Ends all sessions of a server that shuts down (`test/contract/ddp.md` section 18). */
import { type CloseReason, GOING_AWAY } from './transports/close-reason.js';
import type { Transport } from './transports/transport.js';

/** A session that is ended by `drain`, then by `close` and `terminate` if its transport is still open. */
export interface EndingSession {
	/** Answers the received requests, then closes the session. */
	drain(): Promise<void>;
	close(reason: CloseReason): void;
	readonly transport: Pick<Transport, 'terminate'>;
}

/** Share of the grace period in which sessions begin to end. The rest is for last answers. */
const SPREAD_SHARE = 0.5;

/** How long a client has to answer the close frame, in ms. */
const CLOSE_GRACE_MS = 2000;

/**
 * Ends sessions gradually, so that clients do not all reconnect at the same time.
 * @param sessions the caller must remove those that have ended
 * @param grace time until the last session is closed, in ms; longer calls are interrupted
 * @returns a function that cancels the remaining steps
 */
export function endSessions(sessions: ReadonlySet<EndingSession>, grace: number): () => void {
	const stepMs = (grace * SPREAD_SHARE) / sessions.size;
	const timers = [...sessions].map((session, i) => setTimeout(() => void session.drain(), stepMs * i));
	timers.push(
		setTimeout(() => {
			for (const session of sessions) session.close(GOING_AWAY);
		}, grace),
		setTimeout(() => {
			for (const session of sessions) session.transport.terminate();
		}, grace + CLOSE_GRACE_MS),
	);
	return () => {
		for (const timer of timers) clearTimeout(timer);
	};
}
