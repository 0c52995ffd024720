/** Closes an HTTP server without waiting for requests in progress. */
import type { Server } from 'node:http';

/** Closes a server with all its connections. Resolves when they are closed. */
export function closeServer(server: Server): Promise<void> {
	return new Promise((resolve) => {
		server.close(() => resolve());
		server.closeAllConnections();
	});
}
