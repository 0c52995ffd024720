/** Closes sessions whose login token has expired. */
import type { Login } from './login.js';

/** Time between two checks, in ms. */
const CHECK_MS = 1000;

/** A session whose login token may expire. */
interface ExpiringSession {
	readonly login: Pick<Login, 'hasExpired'>;
	close(): void;
}

/**
 * Checks all sessions once a second. A timer for each session would take 250 bytes of memory.
 * @param sessions the open sessions; read again at each check
 * @returns a function that stops the checks
 */
export function closeExpired(sessions: Iterable<ExpiringSession>): () => void {
	const timer = setInterval(() => {
		const now = Date.now();
		for (const session of sessions) if (session.login.hasExpired(now)) session.close();
	}, CHECK_MS).unref();
	return () => clearInterval(timer);
}
