import type { Server } from 'node:http';

/** Lets the process end although the server listens, and although clients that connect later stay connected. */
export function unrefServer(server: Server): void {
	server.unref();
	server.on('connection', (socket) => socket.unref());
}
