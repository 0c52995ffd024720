/** Adds up the state of all sessions only when Prometheus asks for it, so that calls need not update counters. */
import { createYielder } from '../../shared/yielding.js';
import type { TransportKind } from '../core/caller.js';
import { Counts } from '../core/counts.js';
import { CONNECTION_TRANSPORTS } from './counters.js';

/** What is counted of a session. */
export interface CountedSession {
	readonly hasAcceptedConnect: boolean;
	readonly userId: string | null;
	/** Undefined: all requests are answered. */
	readonly requests: { readonly unanswered: number; readonly isPaused: boolean } | undefined;
	readonly subscriptions: { readonly count: number } | undefined;
	readonly transport: { readonly kind: TransportKind; readonly bufferedBytes: number };
}

export interface SessionTotals {
	readonly connections: Counts<TransportKind>;
	/** Sessions that have accepted the DDP message `connect`. */
	readonly sessions: Counts<'anonymous' | 'logged_in'>;
	readonly unanswered: number;
	/** Unanswered requests of the session with the most. */
	readonly maxUnanswered: number;
	readonly paused: number;
	readonly bufferedBytes: number;
	readonly subscriptions: number;
}

/** Adds up the sessions. Yields to the event loop. */
export async function countSessions(sessions: Iterable<CountedSession>): Promise<SessionTotals> {
	const connections = new Counts<TransportKind>(CONNECTION_TRANSPORTS);
	const connected = new Counts<'anonymous' | 'logged_in'>(['anonymous', 'logged_in']);
	let unanswered = 0;
	let maxUnanswered = 0;
	let paused = 0;
	let bufferedBytes = 0;
	let subscriptions = 0;
	const yielder = createYielder(100);
	for (const session of sessions) {
		connections.add(session.transport.kind);
		if (session.hasAcceptedConnect) connected.add(session.userId === null ? 'anonymous' : 'logged_in');
		const unansweredOfSession = session.requests?.unanswered ?? 0;
		unanswered += unansweredOfSession;
		maxUnanswered = Math.max(maxUnanswered, unansweredOfSession);
		if (session.requests?.isPaused) paused++;
		bufferedBytes += session.transport.bufferedBytes;
		subscriptions += session.subscriptions?.count ?? 0;
		const pause = yielder();
		if (pause) await pause;
	}
	return { connections, sessions: connected, unanswered, maxUnanswered, paused, bufferedBytes, subscriptions };
}
