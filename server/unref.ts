/** HTTP servers that do not keep the process alive. */
import type { Server } from 'node:http';

/** Lets the process end although this server listens, and although clients are connected from now on. */
export function unrefServer(server: Server): void {
	server.unref();
	server.on('connection', (socket) => socket.unref());
}
