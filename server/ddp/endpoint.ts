/** Where DDP clients come in: `/websocket` and `/sockjs/websocket` (`contract/ddp.md` section 1). */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { Session, type SessionOptions, type SessionServices } from './session.js';
import { WebSocketTransport } from './websocket.js';

/** Paths of raw WebSockets; each may end in a slash and carry a query. */
export const WEBSOCKET_PATHS = ['/websocket', '/sockjs/websocket'] as const;

export interface DdpOptions extends SessionOptions {
	/** Largest frame a client may send, in bytes; beyond it the socket is closed with 1009. Default 1 MiB. */
	readonly maxFrame: number;
	/** Most bytes that wait for a client that does not read; with more it is cut off. Default 16 MiB. */
	readonly maxBuffered: number;
}

export interface DdpEndpoint {
	/** Sockets that are open. */
	readonly sessions: number;
	/**
	 * Takes no new sessions and closes those there are, spread over a time.
	 * @param grace that time, in ms; calls that take longer are given up
	 * @returns resolves when the last socket is gone
	 */
	close(grace: number): Promise<void>;
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

/** Serves DDP over the WebSocket upgrades of an HTTP server. */
export function serveDdp(http: Server, services: SessionServices, options: DdpOptions): DdpEndpoint {
	const { log, bus } = services;
	const sessions = new Map<WebSocket, Session>();
	const webSockets = new WebSocketServer({
		noServer: true,
		clientTracking: false,
		maxPayload: options.maxFrame,
		perMessageDeflate: false,
		// None is ever chosen, whatever the client offers (1.2).
		handleProtocols: () => false,
	});
	let closed = false;

	function open(webSocket: WebSocket, request: IncomingMessage): void {
		const session = new Session(new WebSocketTransport(webSocket, request, options.maxBuffered), services, options);
		sessions.set(webSocket, session);
		webSocket.on('message', (data) => session.receive(textOf(data)));
		// `ws` closes the socket with the right code by itself; without a listener it would also end the process.
		webSocket.on('error', (err) => log.debug({ err }, 'WebSocket error'));
		webSocket.on('close', () => {
			session.closed();
			sessions.delete(webSocket);
		});
	}

	function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		socket.on('error', (err) => log.debug({ err }, 'Socket error'));
		if (isWebSocketPath(request.url) && !closed) webSockets.handleUpgrade(request, socket, head, open);
		else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
	}

	http.on('upgrade', onUpgrade);
	const stopListening = bus.on('tokens-removed', ({ hashedTokens }) => {
		for (const session of sessions.values()) {
			if (session.hashedToken !== null && hashedTokens.includes(session.hashedToken)) session.close();
		}
	});

	return {
		get sessions() {
			return sessions.size;
		},
		async close(grace) {
			stopListening();
			closed = true;
			const all = [...sessions];
			// Spread over the time: all who are closed at once would come back at once, to whoever takes over.
			const step = grace / all.length;
			await Promise.all(all.map(([webSocket, session], i) => closeOne(webSocket, session, step * i, grace)));
		},
	};
}

/** Closes a session once its calls are answered, or when the grace is over; resolves when its socket is gone. */
async function closeOne(webSocket: WebSocket, session: Session, delay: number, grace: number): Promise<void> {
	const gone = new Promise((resolve) => webSocket.once('close', resolve));
	if (webSocket.readyState === webSocket.CLOSED) return;
	const timers = [
		setTimeout(() => void session.drain(), delay),
		setTimeout(() => session.close(), grace),
		setTimeout(() => webSocket.terminate(), grace + CLOSE_GRACE),
	];
	await gone;
	for (const timer of timers) clearTimeout(timer);
}
