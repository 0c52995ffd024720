import type { Server } from 'node:http';

/** Closes a server with all its connections, and the requests in progress on them. Resolves when they are closed. */
export function closeServer(server: Server): Promise<void> {
	return new Promise((resolve) => {
		server.close(() => resolve());
		server.closeAllConnections();
	});
}
