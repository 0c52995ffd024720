/** HTTP servers that do not keep the process alive. */
import type { Server } from 'node:http';

/** Lets the process end while this server listens, and while clients that connect from now on are connected. */
export function unrefServer(server: Server): void {
	server.unref();
	server.on('connection', (socket) => socket.unref());
}
