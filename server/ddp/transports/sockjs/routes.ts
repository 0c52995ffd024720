/** The paths below `/sockjs` that are plain HTTP: the probe and long polling (`test/contract/ddp.md` 1.1, 1.3, 1.5). */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RETRY_CONNECTION_S, TOO_MANY_CONNECTIONS } from '../../../core/limits/connections.js';
import { areMessages, OPEN_FRAME } from '../sockjs-frames.js';
import type { OpenSession } from '../transport.js';
import { type PollingOptions, PollingTransport } from './polling.js';

export interface SockJsRouteOptions extends PollingOptions {
	/** Largest request body, in bytes; above it the answer is 413. */
	readonly maxFrame: number;
}

const TEXT = 'text/plain; charset=UTF-8';
const SCRIPT = 'application/javascript; charset=UTF-8';
const TOO_LARGE = 'Payload too large.';
const A_YEAR = 31_536_000;

/** The path of a client's connection: two names without a dot. */
export const CONNECTION = '/:server(^[^.]+$)/:session(^[^.]+$)';
type ConnectionRequest = FastifyRequest<{ Params: { session: string } }>;

/** The first request of a client (1.3). */
function info() {
	return { websocket: true, origins: ['*:*'], cookie_needed: false, entropy: randomBytes(4).readUInt32BE() };
}

function setHeaders({ headers }: FastifyRequest, reply: FastifyReply): void {
	reply.header('vary', 'Origin').header('access-control-allow-origin', headers.origin ?? '*');
	if (headers.origin !== undefined) reply.header('access-control-allow-credentials', 'true');
	reply.header('cache-control', 'no-store, no-cache, no-transform, must-revalidate, max-age=0');
}

function answerText(reply: FastifyReply, status: number, text: string): FastifyReply {
	if (status === 429 || status === 503) reply.header('retry-after', RETRY_CONNECTION_S);
	return reply.code(status).type(TEXT).send(text);
}

function notFound(reply: FastifyReply): FastifyReply {
	return answerText(reply, 404, '404 Error: Page not found\n');
}

/** Answers CORS preflight requests. */
function addPreflight(scope: FastifyInstance, path: string, verb: 'GET' | 'POST'): void {
	scope.options(path, ({ headers }, reply) => {
		const asked = headers['access-control-request-headers'];
		if (asked !== undefined) reply.header('access-control-allow-headers', asked);
		reply.header('access-control-allow-methods', `OPTIONS, ${verb}`).header('access-control-max-age', A_YEAR);
		return reply.code(204).send();
	});
}

/** The clients that poll. */
export interface PollingClients {
	/** Refuses new clients with 503. */
	admitNoMore(): void;
	/** Resolves when each client has received a close frame, or has disconnected. */
	allNotified(): Promise<void>;
}

/** Serves SockJS on an HTTP server, except for WebSocket upgrades. */
export function addSockJsRoutes(
	app: FastifyInstance,
	openSession: OpenSession,
	options: SockJsRouteOptions,
): PollingClients {
	const connections = new Map<string, PollingTransport>();
	/** Clients that have not received a close frame. */
	const unnotified = new Set<PollingTransport>();
	let allNotified: (() => void) | undefined;
	let closed = false;

	function notified(connection: PollingTransport): void {
		unnotified.delete(connection);
		if (unnotified.size === 0) allNotified?.();
	}

	/** Null if the client's address has too many connections. */
	function open(name: string, request: IncomingMessage): PollingTransport | null {
		if (!options.admissions.admit(options.addressOf(request))) return null;
		const connection = new PollingTransport(request, openSession, options, {
			notified: () => notified(connection),
			gone() {
				notified(connection);
				options.admissions.leave(connection.clientAddress);
				// Another client may use the name by now.
				if (connections.get(name) === connection) connections.delete(name);
			},
		});
		connections.set(name, connection);
		unnotified.add(connection);
		return connection;
	}

	function poll({ params, raw }: ConnectionRequest, reply: FastifyReply): void {
		const known = connections.get(params.session);
		if (closed && !known) {
			answerText(reply, 503, 'The server is about to end.');
			return;
		}
		const connection = known ?? open(params.session, raw);
		if (!connection) {
			answerText(reply, 429, TOO_MANY_CONNECTIONS);
			return;
		}
		let isNotified = false;
		reply.type(SCRIPT).raw.once('finish', () => {
			// This event is also emitted if the client aborts during the answer.
			isNotified = raw.socket.destroyed === false;
		});
		reply.raw.once('close', () => {
			// The client aborted the request, so the answer is lost.
			if (!isNotified) connection.gone();
		});
		if (!known) {
			reply.send(`${OPEN_FRAME}\n`);
			return;
		}
		known.poll((frame) => {
			// A kept-alive socket would delay a shutdown that has begun meanwhile.
			if (!app.server.listening) reply.header('connection', 'close');
			reply.send(`${frame}\n`);
		});
	}

	async function receive({ params, body }: ConnectionRequest, reply: FastifyReply): Promise<FastifyReply> {
		if (!body) return answerText(reply, 500, 'Payload expected.');
		const connection = connections.get(params.session);
		if (connection?.allowsBodySize(Buffer.byteLength(body as string)) === false)
			return answerText(reply, 413, TOO_LARGE);
		let messages: unknown;
		try {
			messages = JSON.parse(body as string);
		} catch {
			return answerText(reply, 500, 'Broken JSON encoding.');
		}
		if (!areMessages(messages)) return answerText(reply, 500, 'Payload expected.');
		if (!connection) return notFound(reply);
		const received = connection.receive(messages);
		if (!received) return answerText(reply, 503, 'Another xhr_send is waiting.');
		await received;
		return reply.code(204).type(TEXT).send();
	}

	async function routes(scope: FastifyInstance): Promise<void> {
		scope.removeAllContentTypeParsers();
		// Clients send JSON with any content type, so that browsers need no preflight request.
		scope.addContentTypeParser('*', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) => body);
		scope.addHook('onRequest', async (request, reply) => setHeaders(request, reply));
		scope.setNotFoundHandler((_request, reply) => notFound(reply));

		scope.get('/', (_request, reply) => reply.type('text/plain').send('Welcome to SockJS!\n'));
		scope.get('/info', (_request, reply) => reply.type('application/json; charset=UTF-8').send(info()));
		scope.post(`${CONNECTION}/xhr`, { bodyLimit: options.maxFrame }, poll);
		scope.post(`${CONNECTION}/xhr_send`, { bodyLimit: options.maxFrame }, receive);
		addPreflight(scope, '/info', 'GET');
		addPreflight(scope, `${CONNECTION}/xhr`, 'POST');
		addPreflight(scope, `${CONNECTION}/xhr_send`, 'POST');
	}
	app.register(routes, { prefix: '/sockjs' });
	return {
		admitNoMore() {
			closed = true;
		},
		allNotified: () =>
			new Promise((resolve) => {
				allNotified = resolve;
				if (unnotified.size === 0) resolve();
			}),
	};
}
