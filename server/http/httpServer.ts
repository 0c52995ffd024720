/** The HTTP server: with or without TLS, with time limits for slow clients. */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Certificate } from './certificate.js';

/** Time limits for clients, in ms. */
export interface HttpTimeouts {
	/** For a TLS handshake, and for the headers of a request. */
	readonly headers: number;
	/**
	 * For a whole request. `rest/envelope.ts` also uses it as the longest time in which a client may read nothing of a
	 * large answer.
	 */
	readonly request: number;
	/** For the time between an answer and the next request. */
	readonly keepAlive: number;
}

export const DEFAULT_HTTP_TIMEOUTS: HttpTimeouts = { headers: 15_000, request: 30_000, keepAlive: 72_000 };

/** Maximum time between two checks for connections that have exceeded a time limit, in ms. */
const MAX_CHECK_INTERVAL_MS = 5000;

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Creates a server, which does not listen yet. */
export function createHttpServer(
	listener: Listener,
	{ headers, request, keepAlive }: HttpTimeouts,
	certificate?: Certificate,
): Server {
	// Node needs a limit for headers that does not exceed the limit for the whole request.
	const headersTimeout = Math.min(headers, request);
	// A connection is closed at most a quarter of the time limit too late.
	const connectionsCheckingInterval = Math.ceil(Math.min(headersTimeout / 4, MAX_CHECK_INTERVAL_MS));
	const options: ServerOptions = {
		headersTimeout,
		requestTimeout: request,
		keepAliveTimeout: keepAlive,
		connectionsCheckingInterval,
	};
	if (!certificate) return createServer(options, listener);
	const server = createTlsServer({ ...options, ...certificate, handshakeTimeout: headersTimeout }, listener);
	closeHandshakesToo(server);
	return server;
}

/**
 * Makes `closeAllConnections` also close connections in a TLS handshake. These are identified by address and port,
 * because the handshake replaces the socket object.
 */
function closeHandshakesToo(server: Server): void {
	const handshakes = new Map<string, Socket>();
	const addressOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
	server.on('connection', (socket: Socket) => {
		const address = addressOf(socket);
		handshakes.set(address, socket);
		socket.once('close', () => {
			if (handshakes.get(address) === socket) handshakes.delete(address);
		});
	});
	server.on('secureConnection', (socket: Socket) => handshakes.delete(addressOf(socket)));
	const closeAllConnections = server.closeAllConnections.bind(server);
	server.closeAllConnections = () => {
		closeAllConnections();
		for (const socket of handshakes.values()) socket.destroy();
	};
}
