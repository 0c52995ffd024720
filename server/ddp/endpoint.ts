/** Where DDP clients come in: WebSockets, raw and in SockJS, and SockJS polling (`contract/ddp.md` section 1). */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Events } from '../../shared/events.js';
import type { HeartbeatOptions } from './heartbeat.js';
import { Session, type SessionOptions, type SessionServices } from './session.js';
import type { PollingOptions } from './sockjs/polling.js';
import { addSockJsRoutes, CONNECTION } from './sockjs/routes.js';
import { openFramed } from './sockjs/websocket.js';
import type { Receiver, Transport } from './transport.js';
import { openRaw } from './websocket.js';

export interface DdpOptions extends SessionOptions {
	/** Largest frame a client may send, in bytes; beyond it the socket is closed with 1009. Default 1 MiB. */
	readonly maxFrame: number;
	/** Whether WebSockets may agree on permessage-deflate. Default off: DDP's frames are short. */
	readonly compression: boolean;
	readonly sockJs?: Partial<SockJsOptions>;
}

/** What SockJS has for itself; there are defaults. */
export interface SockJsOptions extends Omit<PollingOptions, 'pollHold'> {
	/** Of the transport, beside that of DDP: pings of a WebSocket, `h` on a poll. Default 45,000 and 10,000 ms. */
	readonly heartbeat: HeartbeatOptions;
}

export interface DdpEndpoint {
	/** Closes every session and takes no new ones. Resolves when the last socket is gone. */
	close(): Promise<void>;
}

const SOCKJS_DEFAULTS: SockJsOptions = {
	heartbeat: { interval: 45_000, timeout: 10_000 },
	pollTimeout: 60_000,
	maxWaiting: 4 * 1024 ** 2,
};

/** How long a client has to answer our close frame before its socket is cut, in ms. */
const CLOSE_GRACE = 2000;

/** Paths of WebSockets; each may end in a slash and carry a query. */
const RAW_PATH = /^(\/sockjs)?\/websocket\/?(\?|$)/;
const SOCKJS_PATH = /^\/sockjs\/[^/.?]+\/[^/.?]+\/websocket\/?(\?|$)/;

/** Serves DDP on an HTTP server. */
export function serveDdp(
	app: FastifyInstance,
	services: SessionServices & { events: Events },
	options: DdpOptions,
): DdpEndpoint {
	const { log, events } = services;
	const sockJs = { ...SOCKJS_DEFAULTS, ...options.sockJs };
	/** Those whose transport is still there. */
	const sessions = new Set<Session>();
	const webSockets = new WebSocketServer({
		noServer: true,
		maxPayload: options.maxFrame,
		perMessageDeflate: options.compression,
		// None is ever chosen, whatever the client offers (1.2).
		handleProtocols: () => false,
	});
	let closing = false;

	function openSession(transport: Transport): Receiver {
		const session = new Session(transport, services, options);
		sessions.add(session);
		// A poll can still come while others are sent away.
		if (closing) setImmediate(() => session.close());
		return {
			receive: (text) => session.receive(text),
			closed() {
				session.closed();
				sessions.delete(session);
			},
		};
	}

	function open(webSocket: WebSocket, request: IncomingMessage): void {
		// `ws` closes the socket with the right code by itself; without a listener it would also end the process.
		webSocket.on('error', (err) => log.debug({ err }, 'WebSocket error'));
		if (SOCKJS_PATH.test(request.url ?? '')) openFramed(webSocket, request, openSession, sockJs.heartbeat);
		else openRaw(webSocket, request, openSession);
	}

	function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		socket.on('error', (err) => log.debug({ err }, 'Socket error'));
		const { url = '', headers } = request;
		const refuse = (status: string, body = '') =>
			socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
		if (closing || !(RAW_PATH.test(url) || SOCKJS_PATH.test(url))) refuse('404 Not Found');
		else if (!['8', '13'].includes(headers['sec-websocket-version'] ?? '')) {
			refuse('400 Bad Request', 'Only supported WebSocket protocol is RFC 6455.');
		} else webSockets.handleUpgrade(request, socket, head, open);
	}

	for (const path of ['/websocket', '/sockjs/websocket', `/sockjs${CONNECTION}/websocket`]) {
		app.get(path, (_request, reply) => reply.code(400).type('text/plain').send('Not a valid websocket request'));
	}
	addSockJsRoutes(app, openSession, { ...sockJs, pollHold: sockJs.heartbeat.interval, maxFrame: options.maxFrame });
	app.server.on('upgrade', onUpgrade);
	const stopListening = events.on('tokens-removed', ({ hashedTokens }) => {
		for (const session of sessions) {
			if (session.hashedToken !== null && hashedTokens.includes(session.hashedToken)) session.close();
		}
	});

	return {
		close() {
			closing = true;
			stopListening();
			for (const session of sessions) session.close();
			return new Promise((resolve) => {
				const cut = setTimeout(() => {
					for (const webSocket of webSockets.clients) webSocket.terminate();
				}, CLOSE_GRACE);
				webSockets.close(() => {
					clearTimeout(cut);
					resolve();
				});
			});
		},
	};
}
