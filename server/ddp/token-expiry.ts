/** Closes sessions whose login token has expired. */
import type { Login } from './login.js';

const CHECK_MS = 1000;

interface ExpiringSession {
	readonly login: Pick<Login, 'hasExpired'>;
	close(): void;
}

/**
 * Checks all sessions once a second. A timer for each would take 250 bytes.
 * @returns a function that stops the checks
 */
export function closeExpired(sessions: Iterable<ExpiringSession>): () => void {
	const timer = setInterval(() => {
		const now = Date.now();
		for (const session of sessions) if (session.login.hasExpired(now)) session.close();
	}, CHECK_MS).unref();
	return () => clearInterval(timer);
}
