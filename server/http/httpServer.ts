/** The HTTP server: with or without TLS, with time limits for slow clients. */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Certificate } from './certificate.js';

/** Time limits for clients, in ms. */
export interface HttpTimeouts {
	/** For a TLS handshake, and for the headers of a request from its first byte, or from the start of the connection. */
	readonly headers: number;
	/** For a whole request, and for taking some of an answer that does not fit into the buffers. */
	readonly request: number;
	/** Between an answer and the next request. */
	readonly keepAlive: number;
}

export const DEFAULT_HTTP_TIMEOUTS: HttpTimeouts = { headers: 15_000, request: 30_000, keepAlive: 72_000 };

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Creates a server, which does not listen yet. */
export function createHttpServer(
	listener: Listener,
	{ headers, request, keepAlive }: HttpTimeouts,
	certificate?: Certificate,
): Server {
	const headersTimeout = Math.min(headers, request);
	const options: ServerOptions = {
		headersTimeout,
		requestTimeout: request,
		keepAliveTimeout: keepAlive,
		connectionsCheckingInterval: Math.ceil(Math.min(headersTimeout, 20_000) / 4),
	};
	if (!certificate) return createServer(options, listener);
	const server = createTlsServer({ ...options, ...certificate, handshakeTimeout: headersTimeout }, listener);
	closeHandshakes(server);
	return server;
}

/** Lets `closeAllConnections` also close the connections whose TLS handshake is not complete. */
function closeHandshakes(server: Server): void {
	const handshakes = new Map<string, Socket>();
	const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
	server.on('connection', (socket: Socket) => {
		const name = nameOf(socket);
		handshakes.set(name, socket);
		socket.once('close', () => {
			if (handshakes.get(name) === socket) handshakes.delete(name);
		});
	});
	server.on('secureConnection', (socket: Socket) => handshakes.delete(nameOf(socket)));
	const closeAllConnections = server.closeAllConnections.bind(server);
	server.closeAllConnections = () => {
		closeAllConnections();
		for (const socket of handshakes.values()) socket.destroy();
	};
}
