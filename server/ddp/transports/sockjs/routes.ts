/** The HTTP routes of SockJS: the probe and long polling (`test/contract/ddp.md` 1.1, 1.3, 1.5). */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Admission, retryConnectionSeconds } from '../../../core/admission.js';
import { type AllowsOrigin, ORIGIN_NOT_ALLOWED } from '../../../http/origins.js';
import { areMessages, OPEN_FRAME } from '../sockjs-frames.js';
import type { OpenSession } from '../transport.js';
import { type PollingOptions, PollingTransport } from './polling.js';

export interface SockJsRouteOptions extends PollingOptions {
	/** Maximum size of a request body, in bytes; above it the answer is 413. */
	readonly maxFrame: number;
	readonly allowsOrigin: AllowsOrigin;
	/** Decides when a new client may connect. */
	readonly admission: Pick<Admission, 'request' | 'release'>;
}

const TEXT = 'text/plain; charset=UTF-8';
const SCRIPT = 'application/javascript; charset=UTF-8';
const TOO_LARGE = 'Payload too large.';
const YEAR_S = 31_536_000;

/** The path of a client's connection. The client chooses both segments; only the second identifies the connection. */
export const CONNECTION_PATH = '/:server(^[^.]+$)/:session(^[^.]+$)';
type ConnectionRequest = FastifyRequest<{ Params: { session: string } }>;

/** The answer to a client's first request, the probe (`test/contract/ddp.md` 1.3). */
function info() {
	return { websocket: true, origins: ['*:*'], cookie_needed: false, entropy: randomBytes(4).readUInt32BE() };
}

function setHeaders({ headers }: FastifyRequest, reply: FastifyReply): void {
	reply.header('vary', 'Origin').header('access-control-allow-origin', headers.origin ?? '*');
	if (headers.origin !== undefined) reply.header('access-control-allow-credentials', 'true');
	reply.header('cache-control', 'no-store, no-cache, no-transform, must-revalidate, max-age=0');
}

function answerText(reply: FastifyReply, status: number, text: string): FastifyReply {
	if (status === 429 || status === 503) reply.header('retry-after', retryConnectionSeconds());
	return reply.code(status).type(TEXT).send(text);
}

function notFound(reply: FastifyReply): FastifyReply {
	return answerText(reply, 404, '404 Error: Page not found\n');
}

function addPreflight(scope: FastifyInstance, path: string, verb: 'GET' | 'POST'): void {
	scope.options(path, ({ headers }, reply) => {
		const requestedHeaders = headers['access-control-request-headers'];
		if (requestedHeaders !== undefined) reply.header('access-control-allow-headers', requestedHeaders);
		reply.header('access-control-allow-methods', `OPTIONS, ${verb}`).header('access-control-max-age', YEAR_S);
		return reply.code(204).send();
	});
}

/** The polling clients of a server, for its shutdown. */
export interface PollingClients {
	/** Resolves when each client has received a close frame, or has disconnected. */
	whenAllClosed(): Promise<void>;
}

/** Serves SockJS on an HTTP server, except for WebSocket upgrades. */
export function addSockJsRoutes(
	app: FastifyInstance,
	openSession: OpenSession,
	options: SockJsRouteOptions,
): PollingClients {
	/** By the id that the client has chosen. */
	const connections = new Map<string, PollingTransport>();
	/** Clients that have neither received a close frame nor disconnected. */
	const unclosed = new Set<PollingTransport>();
	/** Resolves the promise of `whenAllClosed`. */
	let resolveAll: (() => void) | undefined;

	function markClosed(connection: PollingTransport): void {
		unclosed.delete(connection);
		if (unclosed.size === 0) resolveAll?.();
	}

	/** Creates the transport of a new client, which `admission` has already counted. */
	function open(id: string, request: IncomingMessage): PollingTransport {
		const connection = new PollingTransport(request, openSession, options, {
			onCloseFrameSent: () => markClosed(connection),
			onDisconnect() {
				markClosed(connection);
				options.admission.release(connection.clientAddress);
				// A new client may have opened a connection with this id meanwhile.
				if (connections.get(id) === connection) connections.delete(id);
			},
		});
		connections.set(id, connection);
		unclosed.add(connection);
		return connection;
	}

	function poll(request: ConnectionRequest, reply: FastifyReply): void {
		const existing = connections.get(request.params.session);
		if (existing) pollExisting(existing, request, reply);
		else admit(request, reply);
	}

	/** Opens the connection of a new client as soon as it may open. */
	function admit(request: ConnectionRequest, reply: FastifyReply): void {
		const { raw, params } = request;
		const address = options.addressOf(raw);
		/** Set if the client must wait. Must be called if it disconnects meanwhile. */
		let onDisconnect: (() => void) | undefined;
		onDisconnect = options.admission.request(address, (refused) => {
			if (onDisconnect) reply.raw.off('close', onDisconnect);
			// Another poll of the client may have opened the connection meanwhile.
			const existing = connections.get(params.session);
			if (refused) answerText(reply, refused.status, refused.text);
			else if (existing) {
				options.admission.release(address);
				pollExisting(existing, request, reply);
			} else {
				watchPoll(open(params.session, raw), request, reply);
				reply.send(`${OPEN_FRAME}\n`);
			}
		});
		if (onDisconnect) reply.raw.once('close', onDisconnect);
	}

	/** Ends a connection whose client aborts a poll. */
	function watchPoll(connection: PollingTransport, { raw }: ConnectionRequest, reply: FastifyReply): void {
		let isAnswered = false;
		reply.type(SCRIPT).raw.once('finish', () => {
			// `finish` also occurs if the client has aborted the request. Then the socket is destroyed.
			isAnswered = !raw.socket.destroyed;
		});
		reply.raw.once('close', () => {
			if (!isAnswered) connection.onDisconnect();
		});
	}

	function pollExisting(connection: PollingTransport, request: ConnectionRequest, reply: FastifyReply): void {
		watchPoll(connection, request, reply);
		connection.poll((frame) => {
			// During a shutdown, the client must not keep the socket open for further requests.
			if (!app.server.listening) reply.header('connection', 'close');
			reply.send(`${frame}\n`);
		});
	}

	async function receive({ params, body }: ConnectionRequest, reply: FastifyReply): Promise<FastifyReply> {
		if (!body) return answerText(reply, 500, 'Payload expected.');
		const connection = connections.get(params.session);
		const isTooLarge = connection && !connection.enforceBodySize(Buffer.byteLength(body as string));
		if (isTooLarge) return answerText(reply, 413, TOO_LARGE);
		let messages: unknown;
		try {
			messages = JSON.parse(body as string);
		} catch {
			return answerText(reply, 500, 'Broken JSON encoding.');
		}
		if (!areMessages(messages)) return answerText(reply, 500, 'Payload expected.');
		if (!connection) return notFound(reply);
		const accepted = connection.receive(messages);
		if (!accepted) return answerText(reply, 503, 'Another xhr_send is waiting.');
		await accepted;
		return reply.code(204).type(TEXT).send();
	}

	async function routes(scope: FastifyInstance): Promise<void> {
		scope.removeAllContentTypeParsers();
		// Clients send JSON with any content type, so that browsers need no preflight request.
		scope.addContentTypeParser('*', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) => body);
		scope.addHook('onRequest', async (request, reply) => {
			if (options.allowsOrigin(request.raw)) return setHeaders(request, reply);
			options.observer?.onConnectionRefused('origin', options.addressOf(request.raw));
			return answerText(reply.header('vary', 'Origin'), 403, ORIGIN_NOT_ALLOWED);
		});
		scope.setNotFoundHandler((_request, reply) => notFound(reply));

		scope.get('/', (_request, reply) => reply.type('text/plain').send('Welcome to SockJS!\n'));
		scope.get('/info', (_request, reply) => reply.type('application/json; charset=UTF-8').send(info()));
		scope.post(`${CONNECTION_PATH}/xhr`, { bodyLimit: options.maxFrame }, poll);
		scope.post(`${CONNECTION_PATH}/xhr_send`, { bodyLimit: options.maxFrame }, receive);
		addPreflight(scope, '/info', 'GET');
		addPreflight(scope, `${CONNECTION_PATH}/xhr`, 'POST');
		addPreflight(scope, `${CONNECTION_PATH}/xhr_send`, 'POST');
	}
	app.register(routes, { prefix: '/sockjs' });
	return {
		whenAllClosed: () =>
			new Promise((resolve) => {
				resolveAll = resolve;
				if (unclosed.size === 0) resolve();
			}),
	};
}
