/** Ends the HTTP side of a server. */
import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { InFlightCalls } from './inFlightCalls.js';

/** Time between checks for idle connections, in ms. */
const IDLE_CHECK_MS = 50;

/** How long HTTP connections may stay open after the grace period, to send the last answers, in ms. */
const LAST_ANSWERS_MS = 250;

/**
 * Closes an HTTP server. Resolves when its connections have closed, and when the calls that arrived at another HTTP server
 * are answered (`server/start/mount.ts`).
 */
export async function closeHttp(http: FastifyInstance, calls: InFlightCalls): Promise<void> {
	// Connections that have just become idle would otherwise stay until their keep-alive times out.
	const idleCloser = setInterval(() => http.server.closeIdleConnections(), IDLE_CHECK_MS);
	await http.close().finally(() => clearInterval(idleCloser));
	await calls.close();
}

/**
 * Aborts the REST calls in flight after the grace period, and closes all connections soon after.
 * @returns a function that cancels both
 */
export function interruptAfter(grace: number, calls: InFlightCalls, server: Server): () => void {
	const abortCalls = setTimeout(() => calls.abort(), grace);
	// Otherwise a silent client, or one in the middle of a request, would keep the process alive.
	const closeConnections = setTimeout(() => {
		server.closeAllConnections();
		calls.disconnect();
	}, grace + LAST_ANSWERS_MS);
	return () => {
		clearTimeout(abortCalls);
		clearTimeout(closeConnections);
	};
}
