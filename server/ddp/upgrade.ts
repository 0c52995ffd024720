/** Upgrades HTTP connections to the WebSockets of DDP and SockJS (`test/contract/ddp.md` 1.1, 1.2). */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { WebSocketServer } from 'ws';
import { type Admission, retryConnectionSeconds } from '../core/admission.js';
import { afterAnswers } from '../core/afterAnswers.js';
import { declineUpgrade, offersWebSocket } from '../core/declineUpgrade.js';
import { spreadOverTurns } from '../core/turns.js';
import { ORIGIN_NOT_ALLOWED } from '../http/origins.js';
import { endWithAnswer } from '../http/securityHeaders.js';
import type { Heartbeats } from './heartbeat.js';
import type { DdpServices } from './services.js';
import { holdSocket } from './transports/held-socket.js';
import { SockJsWebSocketTransport } from './transports/sockjs/websocket.js';
import type { OpenSession, TransportOptions } from './transports/transport.js';
import { ClientSocket, WebSocketTransport } from './transports/websocket.js';

/** `/websocket` and `/sockjs/websocket`: WebSockets without SockJS framing. A slash and a query may follow. */
const RAW_PATH = /^(\/sockjs)?\/websocket\/?(\?|$)/;
/** `/sockjs/<server>/<session>/websocket`. A slash and a query may follow. */
const SOCKJS_PATH = /^\/sockjs\/[^/.?]+\/[^/.?]+\/websocket\/?(\?|$)/;

function httpServerOf({ socket }: IncomingMessage): Server | undefined {
	return (socket as { server?: Server }).server;
}

/**
 * How many upgrades are handled in one turn of the event loop: three take about 1 ms. While `maxWaiting` upgrades wait,
 * which is about seven seconds of work, further clients are disconnected.
 */
const UPGRADES = { perTurn: 3, maxWaiting: 20_000 };

interface UpgradeRequest {
	readonly request: IncomingMessage;
	readonly socket: Duplex;
	readonly head: Buffer;
}

/** The body of an error answer, in the form of REST. */
const errorBody = (error: string) => JSON.stringify({ success: false, error });

export interface UpgradeOptions extends TransportOptions {
	/** Decides when a new client may connect. */
	readonly admission: Admission;
	/** Maximum size of a client's frame, in bytes. */
	readonly maxFrame: number;
	readonly compression: boolean;
	/** The heartbeats of SockJS. */
	readonly heartbeats: Heartbeats;
	readonly openSession: OpenSession;
}

/** Prepares upgrades. @returns a listener for the `upgrade` event of an HTTP server */
export function createUpgrade(
	app: FastifyInstance,
	{ log, addressOf, observer, allowsOrigin, pathOf }: DdpServices,
	options: UpgradeOptions,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
	const { admission, maxFrame, compression, openSession } = options;
	const webSockets = new WebSocketServer({
		noServer: true,
		WebSocket: ClientSocket,
		clientTracking: false,
		maxPayload: maxFrame,
		perMessageDeflate: compression,
		// No subprotocol is ever selected (`test/contract/ddp.md` 1.2).
		handleProtocols: () => false,
	});

	function refuseUpgrade(socket: Duplex, status: number, body: string): void {
		const isTemporary = status === 429 || status === 503;
		const retryHeaders: Record<string, string> = isTemporary ? { 'retry-after': String(retryConnectionSeconds()) } : {};
		endWithAnswer(socket, status, body, { ...app.securityHeaders, ...retryHeaders });
	}

	// One function for all sockets, to save memory.
	const onSocketError = (err: Error) => log.debug({ err }, 'Socket error');
	const onWebSocketError = (err: Error) => log.debug({ err }, 'WebSocket error');

	function openTransport(webSocket: ClientSocket, request: IncomingMessage): void {
		// From here on `ws` handles errors of the socket.
		request.socket.off('error', onSocketError);
		// Without a listener, the error would end the process.
		webSocket.on('error', onWebSocketError);
		const transport = SOCKJS_PATH.test(pathOf(request.url ?? '') ?? '')
			? new SockJsWebSocketTransport(webSocket, request, options)
			: new WebSocketTransport(webSocket, request, options);
		transport.open(openSession);
	}

	function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		if (!offersWebSocket(request)) {
			declineUpgrade(httpServerOf(request) ?? app.server, request, socket, head);
			return;
		}
		socket.on('error', onSocketError);
		// An answer that is still due would otherwise be written into the WebSocket.
		afterAnswers(socket, () => {
			if (!handleInTurn({ request, socket, head })) socket.destroy();
		});
	}

	const handleInTurn = spreadOverTurns(UPGRADES, handleUpgrade);

	function handleUpgrade({ request, socket, head }: UpgradeRequest): void {
		if (socket.destroyed) return;
		const { headers } = request;
		const path = pathOf(request.url ?? '') ?? '';
		if (!(RAW_PATH.test(path) || SOCKJS_PATH.test(path))) {
			refuseUpgrade(socket, 404, errorBody('Resource not found'));
			return;
		}
		if (admission.isClosed) {
			refuseUpgrade(socket, 503, errorBody('Server is shutting down'));
			return;
		}
		if (!['8', '13'].includes(headers['sec-websocket-version'] ?? '')) {
			refuseUpgrade(socket, 400, 'Only supported WebSocket protocol is RFC 6455.');
			return;
		}
		const address = addressOf(request);
		if (!allowsOrigin(request)) {
			observer?.onConnectionRefused('origin', address);
			refuseUpgrade(socket, 403, errorBody(ORIGIN_NOT_ALLOWED));
			return;
		}
		/** Set if the connection must wait. Ends the wait, and returns the data that has arrived meanwhile. */
		let endHold: (() => Buffer) | undefined;
		const cancelWait = admission.request(address, (rejection) => {
			const received = endHold ? Buffer.concat([head, endHold()]) : head;
			if (rejection) refuseUpgrade(socket, rejection.status, errorBody(rejection.text));
			else completeUpgrade(request, socket, received, address);
		});
		// `cancelWait` is undefined if the decision was made at once.
		if (cancelWait) endHold = holdSocket(socket, cancelWait);
	}

	/** @param head the data after the client's request */
	function completeUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, address: string | null): void {
		let isOpen = false;
		webSockets.handleUpgrade(request, socket, head, (webSocket) => {
			isOpen = true;
			openTransport(webSocket, request);
		});
		// The callback runs synchronously, or never if the handshake is invalid.
		if (!isOpen) admission.release(address);
	}

	return onUpgrade;
}
