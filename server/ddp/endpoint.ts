/**
 * The DDP endpoint. Its transports are raw WebSockets, SockJS WebSockets and SockJS polling (`test/contract/ddp.md`
 * section 1).
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { WebSocketServer } from 'ws';
import { Admission, retryConnectionSeconds } from '../core/admission.js';
import { declineUpgrade, offersWebSocket } from '../core/declineUpgrade.js';
import { watchLoopDelay } from '../core/loopDelay.js';
import { type AllowsOrigin, ORIGIN_NOT_ALLOWED } from '../http/origins.js';
import { endWithAnswer } from '../http/securityHeaders.js';
import { type HeartbeatOptions, Heartbeats } from './heartbeat.js';
import type { SessionOptions, SessionServices } from './services.js';
import { Session } from './session.js';
import { endSessions } from './shutdown.js';
import { closeExpired } from './token-expiry.js';
import { holdSocket } from './transports/held-socket.js';
import { Pacer } from './transports/pacer.js';
import { addSockJsRoutes, CONNECTION_PATH } from './transports/sockjs/routes.js';
import { SockJsWebSocketTransport } from './transports/sockjs/websocket.js';
import type { OpenSession, Receiver, Transport, TransportOptions } from './transports/transport.js';
import { ClientSocket, WebSocketTransport } from './transports/websocket.js';

export interface DdpOptions extends SessionOptions {
	readonly heartbeat: HeartbeatOptions;
	/** Maximum size of a client's frame, in bytes; above it the socket is closed with code 1009. Default 1 MiB. */
	readonly maxFrame: number;
	/**
	 * Maximum number of connections of one address at a time; further ones are refused with status 429. Default 1,000.
	 */
	readonly maxConnectionsPerAddress: number;
	/** Maximum number of connections of all addresses; further ones are refused with status 503. Default 100,000. */
	readonly maxConnections: number;
	/** Maximum number of connections that open in a second; further ones wait, or are refused with 503. Default 200. */
	readonly maxConnectsPerSecond: number;
	/** Mean delay of the event loop above which no connection opens, in ms; 0: no limit. Default 100. */
	readonly maxEventLoopDelay: number;
	/**
	 * Maximum number of bytes buffered for a client that does not read; above it the client is disconnected. Default 16
	 * MiB.
	 */
	readonly maxBuffered: number;
	/** Whether WebSockets may agree on permessage-deflate. Default off: DDP's frames are short. */
	readonly compression: boolean;
	readonly sockJs?: Partial<SockJsOptions>;
}

/** Options of SockJS. */
export interface SockJsOptions {
	/**
	 * Interval of the transport's heartbeat, independent of DDP's: pings of a WebSocket, `h` on a poll. Default 45,000
	 * and 10,000 ms.
	 */
	readonly heartbeat: HeartbeatOptions;
	/** How long a polling client may be without a poll, in ms. Default 60,000. */
	readonly pollTimeout: number;
}

export interface DdpEndpoint {
	/** Whether the path of this URL belongs to the endpoint. */
	owns(url: string): boolean;
	/** Handles a request to upgrade a connection. */
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
	/** Begins a session over a transport of any kind. */
	connect: OpenSession;
	/** Number of sessions. */
	readonly sessions: number;
	/** The sessions whose transport is open. */
	readonly openSessions: Iterable<Session>;
	/** The user of each login token that a session uses, by the token's hash. */
	tokensInUse(): Map<string, string>;
	/**
	 * Accepts no new sessions and closes the present ones gradually.
	 * @param grace the time for this, in ms; calls that take longer are interrupted
	 * @returns resolves when the last socket has closed
	 */
	close(grace: number): Promise<void>;
	/**
	 * During a shutdown, resolves when each polling client has received a close frame or has disconnected; at the latest
	 * after the given time, in ms.
	 */
	pollsEnded(grace: number): Promise<void>;
}

const SOCKJS_DEFAULTS: SockJsOptions = {
	heartbeat: { interval: 45_000, timeout: 10_000 },
	pollTimeout: 60_000,
};

/** Paths of WebSockets; each may end in a slash and carry a query. */
const RAW_PATH = /^(\/sockjs)?\/websocket\/?(\?|$)/;
const SOCKJS_PATH = /^\/sockjs\/[^/.?]+\/[^/.?]+\/websocket\/?(\?|$)/;

/** All paths of the endpoint: these WebSockets, SockJS polling and the SockJS probe. */
const DDP_PATH = /^\/(websocket\/?|sockjs(\/.*)?)(\?|$)/;

/** The server that a request has arrived at. */
function serverOf({ socket }: IncomingMessage): Server | undefined {
	return (socket as { server?: Server }).server;
}

const asJson = (error: string) => JSON.stringify({ success: false, error });

/** The services that the server provides to an endpoint. */
export interface DdpServices extends Omit<SessionServices, 'heartbeats'>, Pick<TransportOptions, 'addressOf'> {
	readonly allowsOrigin: AllowsOrigin;
	/** The path of a URL as the endpoint knows it, without the server's path prefix; undefined outside of that. */
	pathOf(url: string): string | undefined;
}

/** Serves DDP on an HTTP server. */
export function serveDdp(app: FastifyInstance, services: DdpServices, options: DdpOptions): DdpEndpoint {
	const { log, bus, addressOf, observer, allowsOrigin, pathOf } = services;
	const { maxFrame, maxBuffered, compression } = options;
	const { heartbeat, pollTimeout } = { ...SOCKJS_DEFAULTS, ...options.sockJs };
	const loopDelay = watchLoopDelay(options.maxEventLoopDelay);
	const admission = new Admission({
		max: options.maxConnections,
		maxPerAddress: options.maxConnectionsPerAddress,
		perSecond: options.maxConnectsPerSecond,
		isOverloaded: loopDelay.isHigh,
		observer,
	});
	const transportOptions = {
		maxBuffered,
		compression,
		addressOf,
		connectionLimiter: admission,
		observer,
		pacer: new Pacer(),
	};
	const sockJsOptions = { ...transportOptions, heartbeats: new Heartbeats(heartbeat) };
	/** Sessions whose transport is open. */
	const sessions = new Set<Session>();
	const webSockets = new WebSocketServer({
		noServer: true,
		WebSocket: ClientSocket,
		// Not needed: `sessions` contains the clients.
		clientTracking: false,
		maxPayload: maxFrame,
		perMessageDeflate: compression,
		// No subprotocol is ever selected (`test/contract/ddp.md` 1.2).
		handleProtocols: () => false,
	});
	const sessionServices: SessionServices = { ...services, heartbeats: new Heartbeats(options.heartbeat) };
	const stopExpiry = closeExpired(sessions);
	let refusesNew = false;
	/** Set during a shutdown; must be called when no session is left. */
	let onNoSessions: (() => void) | undefined;

	function onGone(session: Session): void {
		sessions.delete(session);
		if (sessions.size === 0) onNoSessions?.();
	}

	function openSession(transport: Transport): Receiver {
		const session = new Session(transport, sessionServices, options, onGone);
		sessions.add(session);
		observer?.onConnection(transport.kind);
		return session;
	}

	function refuseUpgrade(socket: Duplex, status: number, body = ''): void {
		const retry = (status === 429 || status === 503) && { 'retry-after': String(retryConnectionSeconds()) };
		endWithAnswer(socket, status, body, { ...app.securityHeaders, ...retry });
	}

	// One listener function for all sockets saves memory per open socket.
	const onSocketError = (err: Error) => log.debug({ err }, 'Socket error');
	const onWebSocketError = (err: Error) => log.debug({ err }, 'WebSocket error');

	function open(webSocket: ClientSocket, request: IncomingMessage): void {
		// From here on `ws` handles errors of the socket.
		request.socket.off('error', onSocketError);
		// `ws` closes the socket with the right code; without a listener the error would end the process.
		webSocket.on('error', onWebSocketError);
		const transport = SOCKJS_PATH.test(pathOf(request.url ?? '') ?? '')
			? new SockJsWebSocketTransport(webSocket, request, sockJsOptions)
			: new WebSocketTransport(webSocket, request, transportOptions);
		transport.open(openSession);
	}

	function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		if (!offersWebSocket(request)) {
			declineUpgrade(serverOf(request) ?? app.server, request, socket, head);
			return;
		}
		socket.on('error', onSocketError);
		const { headers } = request;
		const url = pathOf(request.url ?? '') ?? '';
		if (!(RAW_PATH.test(url) || SOCKJS_PATH.test(url))) {
			refuseUpgrade(socket, 404);
			return;
		}
		if (refusesNew) {
			refuseUpgrade(socket, 503);
			return;
		}
		if (!['8', '13'].includes(headers['sec-websocket-version'] ?? '')) {
			refuseUpgrade(socket, 400, 'Only supported WebSocket protocol is RFC 6455.');
			return;
		}
		const address = addressOf(request);
		if (!allowsOrigin(request)) {
			observer?.onConnectionRefused('origin', address);
			refuseUpgrade(socket, 403, asJson(ORIGIN_NOT_ALLOWED));
			return;
		}
		/** Set while the connection waits: ends that, and returns what the client has sent. */
		let endHold: (() => Buffer) | undefined;
		const leave = admission.request(address, (refused) => {
			const received = endHold ? Buffer.concat([head, endHold()]) : head;
			if (refused) refuseUpgrade(socket, refused.status, asJson(refused.text));
			else complete(request, socket, received, address);
		});
		if (leave) endHold = holdSocket(socket, leave);
	}

	/** Opens an admitted connection. */
	function complete(request: IncomingMessage, socket: Duplex, head: Buffer, address: string | null): void {
		let opened = false;
		webSockets.handleUpgrade(request, socket, head, (webSocket) => {
			opened = true;
			open(webSocket, request);
		});
		// The callback runs synchronously or never.
		if (!opened) admission.release(address);
	}

	for (const path of ['/websocket', '/sockjs/websocket', `/sockjs${CONNECTION_PATH}/websocket`]) {
		app.get(path, (_request, reply) => reply.code(400).type('text/plain').send('Not a valid websocket request'));
	}
	const polling = addSockJsRoutes(app, openSession, {
		...transportOptions,
		admission,
		pollHold: heartbeat.interval,
		pollTimeout,
		maxFrame,
		allowsOrigin,
	});
	const stopListening = bus.on('tokens-removed', ({ hashedTokens }) => {
		for (const session of sessions) {
			const { hashedToken } = session.login;
			if (hashedToken !== null && hashedTokens.includes(hashedToken)) session.close();
		}
	});

	return {
		owns: (url) => DDP_PATH.test(url),
		upgrade: onUpgrade,
		connect: openSession,
		openSessions: sessions,
		get sessions() {
			return sessions.size;
		},
		tokensInUse() {
			const inUse = new Map<string, string>();
			for (const { login } of sessions) {
				const { hashedToken, userId } = login;
				if (hashedToken !== null && userId !== null) inUse.set(hashedToken, userId);
			}
			return inUse;
		},
		async close(grace) {
			stopListening();
			stopExpiry();
			refusesNew = true;
			polling.refuseNewClients();
			admission.close();
			loopDelay.stop();
			const stop = endSessions(sessions, grace);
			await new Promise<void>((resolve) => {
				onNoSessions = resolve;
				if (sessions.size === 0) resolve();
			});
			stop();
		},
		async pollsEnded(grace) {
			let timer: NodeJS.Timeout | undefined;
			const tooLong = new Promise<void>((resolve) => {
				timer = setTimeout(resolve, grace);
			});
			await Promise.race([polling.allClosed(), tooLong]);
			clearTimeout(timer);
		},
	};
}
