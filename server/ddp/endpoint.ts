/** The DDP endpoint: raw WebSockets, SockJS WebSockets and SockJS polling (`test/contract/ddp.md` section 1). */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Admission } from '../core/admission.js';
import { watchLoopDelay } from '../core/loopDelay.js';
import { type HeartbeatOptions, Heartbeats } from './heartbeat.js';
import type { DdpServices, SessionOptions, SessionServices } from './services.js';
import { Session } from './session.js';
import { endSessions } from './shutdown.js';
import { closeExpired } from './token-expiry.js';
import { Pacer } from './transports/pacer.js';
import { addSockJsRoutes, CONNECTION_PATH } from './transports/sockjs/routes.js';
import type { OpenSession, Receiver, Transport } from './transports/transport.js';
import { createUpgrade } from './upgrade.js';

export interface DdpOptions extends SessionOptions {
	readonly heartbeat: HeartbeatOptions;
	/** Maximum size of a client's frame, in bytes; above it the socket is closed with code 1009. Default 1 MiB. */
	readonly maxFrame: number;
	/** Maximum number of connections of one address; further ones are refused with status 429. Default 1,000. */
	readonly maxConnectionsPerAddress: number;
	/** Maximum number of connections of all addresses; further ones are refused with status 503. Default 100,000. */
	readonly maxConnections: number;
	/** Maximum number of connections that open in a second; further ones wait, or are refused with 503. Default 200. */
	readonly maxConnectsPerSecond: number;
	/** Mean delay of the event loop, in ms, above which only a few connections open. 0: no limit. Default 100. */
	readonly maxEventLoopDelay: number;
	/** Maximum number of bytes buffered for a client; above it the client is disconnected. Default 16 MiB. */
	readonly maxBuffered: number;
	/** Whether WebSockets may agree on permessage-deflate. Default off: DDP's frames are short. */
	readonly compression: boolean;
	readonly sockJs?: Partial<SockJsOptions>;
}

export interface SockJsOptions {
	/**
	 * The heartbeat of the transport, beside that of DDP: pings over a WebSocket, `h` as the answer to a poll. Default:
	 * every 45,000 ms, with 10,000 ms for the answer.
	 */
	readonly heartbeat: HeartbeatOptions;
	/** How long a polling client may go without a poll, in ms. Default 60,000. */
	readonly pollTimeout: number;
}

export interface DdpEndpoint {
	owns(url: string): boolean;
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
	connect: OpenSession;
	/** The sessions whose transport is open. */
	readonly sessions: ReadonlySet<Session>;
	/** The user id of each login token that a session uses, by the hash of the token. */
	tokensInUse(): Map<string, string>;
	/**
	 * Accepts no new connections, and ends the present sessions gradually.
	 * @param grace the time until the last session is closed, in ms; calls that take longer are interrupted
	 * @returns resolves when the last transport has closed
	 */
	close(grace: number): Promise<void>;
	/**
	 * For a shutdown: resolves when each polling client has received a close frame or has disconnected.
	 * @param grace the longest time to wait, in ms
	 */
	whenPollsEnded(grace: number): Promise<void>;
}

const SOCKJS_DEFAULTS: SockJsOptions = {
	heartbeat: { interval: 45_000, timeout: 10_000 },
	pollTimeout: 60_000,
};

const DDP_PATH = /^\/(websocket\/?|sockjs(\/.*)?)(\?|$)/;

/** Serves DDP on an HTTP server. */
export function serveDdp(app: FastifyInstance, services: DdpServices, options: DdpOptions): DdpEndpoint {
	const { bus, addressOf, observer, allowsOrigin } = services;
	const { maxFrame, maxBuffered, compression } = options;
	const { heartbeat: sockJsHeartbeat, pollTimeout } = { ...SOCKJS_DEFAULTS, ...options.sockJs };
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
		admission,
		observer,
		pacer: new Pacer(),
	};
	const sessions = new Set<Session>();
	const sessionServices: SessionServices = { ...services, heartbeats: new Heartbeats(options.heartbeat) };
	const stopClosingExpired = closeExpired(sessions);
	/** Set during a shutdown. */
	let onNoSessions: (() => void) | undefined;

	function onTransportClosed(session: Session): void {
		sessions.delete(session);
		if (sessions.size === 0) onNoSessions?.();
	}

	function openSession(transport: Transport): Receiver {
		const session = new Session(transport, sessionServices, options, onTransportClosed);
		sessions.add(session);
		observer?.onConnection(transport.kind);
		return session;
	}

	const upgrade = createUpgrade(app, services, {
		...transportOptions,
		heartbeats: new Heartbeats(sockJsHeartbeat),
		maxFrame,
		openSession,
	});
	for (const path of ['/websocket', '/sockjs/websocket', `/sockjs${CONNECTION_PATH}/websocket`]) {
		app.get(path, (_request, reply) => reply.code(400).type('text/plain').send('Not a valid websocket request'));
	}
	const polling = addSockJsRoutes(app, openSession, {
		...transportOptions,
		maxPollHold: sockJsHeartbeat.interval,
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
		upgrade,
		connect: openSession,
		sessions,
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
			stopClosingExpired();
			admission.close();
			loopDelay.stop();
			const cancelShutdownTimers = endSessions(sessions, grace);
			await new Promise<void>((resolve) => {
				onNoSessions = resolve;
				if (sessions.size === 0) resolve();
			});
			cancelShutdownTimers();
		},
		async whenPollsEnded(grace) {
			let timer: NodeJS.Timeout | undefined;
			const graceEnded = new Promise<void>((resolve) => {
				timer = setTimeout(resolve, grace);
			});
			await Promise.race([polling.whenAllClosed(), graceEnded]);
			clearTimeout(timer);
		},
	};
}
