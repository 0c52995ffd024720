/** Where DDP clients come in: `/websocket` and `/sockjs/websocket` (`contract/ddp.md` section 1). */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Events } from '../../shared/events.js';
import { limitConnections } from '../limits/connections.js';
import { Session, type SessionOptions, type SessionServices } from './session.js';
import { WebSocketTransport } from './websocket.js';

/** Paths of raw WebSockets; each may end in a slash and carry a query. */
export const WEBSOCKET_PATHS = ['/websocket', '/sockjs/websocket'] as const;

export interface DdpOptions extends SessionOptions {
	/** Largest frame a client may send, in bytes; beyond it the socket is closed with 1009. Default 1 MiB. */
	readonly maxFrame: number;
	/** Most WebSockets of one address at a time; beyond it an upgrade is refused with 429. Default 1,000. */
	readonly maxConnectionsPerAddress: number;
}

export interface DdpEndpoint {
	/** Closes every session and takes no new ones. Resolves when the last socket is gone. */
	close(): Promise<void>;
}

/** How long a client has to answer our close frame before its socket is cut, in ms. */
const CLOSE_GRACE = 2000;

function isWebSocketPath(url: string | undefined): boolean {
	const path = url?.split('?', 1)[0]?.replace(/\/$/, '');
	return WEBSOCKET_PATHS.some((known) => known === path);
}

function textOf(data: RawData): string {
	// Binary frames are read as UTF-8 (1.2). With the default binaryType `ws` hands over one Buffer.
	return (data as Buffer).toString();
}

const TOO_MANY_CONNECTIONS = JSON.stringify({ success: false, error: 'Too many connections from your address' });

function refuseUpgrade(socket: Duplex, status: string, body: string): void {
	// Whoever does not hang up must not keep the socket.
	socket.once('finish', () => socket.destroy());
	socket.end(
		`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
	);
}

/** Serves DDP over the WebSocket upgrades of an HTTP server. */
export function serveDdp(
	http: Server,
	services: SessionServices & { events: Events; addressOf(request: IncomingMessage): string | null },
	options: DdpOptions,
): DdpEndpoint {
	const { log, events, addressOf } = services;
	const admit = limitConnections(options.maxConnectionsPerAddress);
	const sessions = new Map<WebSocket, Session>();
	const webSockets = new WebSocketServer({
		noServer: true,
		clientTracking: false,
		maxPayload: options.maxFrame,
		perMessageDeflate: false,
		// None is ever chosen, whatever the client offers (1.2).
		handleProtocols: () => false,
	});
	let closing: (() => void) | undefined;

	function open(webSocket: WebSocket, request: IncomingMessage): void {
		const session = new Session(new WebSocketTransport(webSocket, request, addressOf(request)), services, options);
		sessions.set(webSocket, session);
		webSocket.on('message', (data) => session.receive(textOf(data)));
		// `ws` closes the socket with the right code by itself; without a listener it would also end the process.
		webSocket.on('error', (err) => log.debug({ err }, 'WebSocket error'));
		webSocket.on('close', () => {
			session.closed();
			sessions.delete(webSocket);
			if (sessions.size === 0) closing?.();
		});
	}

	function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		socket.on('error', (err) => log.debug({ err }, 'Socket error'));
		const isOurs = isWebSocketPath(request.url) && !closing;
		const release = isOurs && admit(addressOf(request));
		if (release) {
			socket.once('close', release);
			webSockets.handleUpgrade(request, socket, head, open);
		} else if (isOurs) refuseUpgrade(socket, '429 Too Many Requests', TOO_MANY_CONNECTIONS);
		else refuseUpgrade(socket, '404 Not Found', '');
	}

	http.on('upgrade', onUpgrade);
	const stopListening = events.on('tokens-removed', ({ hashedTokens }) => {
		for (const session of sessions.values()) {
			if (session.hashedToken !== null && hashedTokens.includes(session.hashedToken)) session.close();
		}
	});

	return {
		close() {
			stopListening();
			return new Promise((resolve) => {
				const cut = setTimeout(() => {
					for (const webSocket of sessions.keys()) webSocket.terminate();
				}, CLOSE_GRACE);
				closing = () => {
					clearTimeout(cut);
					resolve();
				};
				for (const session of sessions.values()) session.close();
				if (sessions.size === 0) closing();
			});
		},
	};
}
