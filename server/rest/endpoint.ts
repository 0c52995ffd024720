/** The REST shim on fastify: what HTTP adds to a call, and every way in which a request cannot be one. */
import { type IncomingMessage, METHODS } from 'node:http';
import type { Socket } from 'node:net';
import querystring from 'node:querystring';
import formbody from '@fastify/formbody';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { parseJson } from '../../shared/ejson.js';
import { clientError, isClientSafe, MatchError } from '../../shared/errors.js';
import type { Method } from '../../shared/method.js';
import type { IdempotencyKey } from '../core/caller.js';
import type { Services } from '../core/invocation.js';
import type { Invoker } from '../core/invoke.js';
import { logThrown } from '../core/logThrown.js';
import { secondFactorOf } from '../core/second-factor.js';
import { type InFlightCalls, RestCaller } from './caller.js';
import { allowOrigins } from './cors.js';
import { ANYONE, authenticate, type Identity } from './credentials.js';
import { type Answer, failed, refused, send, UNAUTHORIZED, wrongVerb } from './envelope.js';
import { type Request, type Route, routesOf } from './routes.js';

export const PREFIX = '/api/v1';

/** Where a route is: below the prefix, unless it says otherwise. */
function urlOf(path: string): string {
	return path.startsWith('/') ? path : `${PREFIX}/${path}`;
}

const FORM = 'application/x-www-form-urlencoded';

/** How long a client may take to send one request, in ms. */
const REQUEST_TIMEOUT = 30_000;

function hasCredentials({ headers }: FastifyRequest): boolean {
	return headers['x-user-id'] !== undefined || headers['x-auth-token'] !== undefined;
}

/** Whether an address says what it means: a broken escape in a query would be read as if it were text. */
function isReadable(url: string): boolean {
	try {
		return decodeURIComponent(url) !== '';
	} catch {
		return false;
	}
}

/** Who a request comes from; null for those who may not go on. */
async function identityOf(request: FastifyRequest, route: Route, services: Services): Promise<Identity | null> {
	if (route.credentials === 'ignored') return ANYONE;
	const identity = hasCredentials(request) ? await authenticate(request.headers, services) : null;
	// Where nobody need log in, a token that has run out must not keep a client from the answer for everybody.
	return identity ?? (route.credentials === 'optional' ? ANYONE : null);
}

/** What a route answers, also where it throws what a client may see. */
async function answerOf(route: Route, request: Request): Promise<Answer> {
	try {
		return await route.answer(request);
	} catch (thrown) {
		if (isClientSafe(thrown) || thrown instanceof MatchError) return failed(thrown);
		throw thrown;
	}
}

/** What the header `Idempotency-Key` may hold (`test/contract/beyond.md` E1). */
const IDEMPOTENCY_KEY = /^[!-~]{1,128}$/;

/** What tells a request from all others of its user; null where the header does not say it rightly. */
function markOf({ headers }: FastifyRequest): IdempotencyKey | undefined | null {
	const key = headers['idempotency-key'];
	if (key === undefined) return undefined;
	return typeof key === 'string' && IDEMPOTENCY_KEY.test(key) ? { key: `key ${key}`, session: null } : null;
}

function addRoute(app: FastifyInstance, route: Route, services: Services, { addressOf, calls }: RestOptions): void {
	const url = urlOf(route.path);
	app.route({
		method: [...route.verbs],
		url,
		async handler(request, reply) {
			const identity = await identityOf(request, route, services);
			if (!identity) return send(reply, UNAUTHORIZED);
			if (identity.withoutUsername && !route.withoutUsername) return send(reply, failed(clientError('namelessCaller')));
			const mark = markOf(request);
			if (mark === null) return send(reply, failed(clientError('invalidIdempotencyKey')));
			const isQuery = request.method !== 'POST';
			if (isQuery && !isReadable(request.url)) return send(reply, refused(400, 'Invalid query parameters'));
			const secondFactor = secondFactorOf(request.headers['x-2fa-code'], request.headers['x-2fa-method']);
			const caller = new RestCaller(identity, addressOf(request.raw), mark, secondFactor, reply, calls);
			const fields = (isQuery ? request.query : request.body) ?? {};
			const isUrlEncoded = isQuery || request.headers['content-type']?.startsWith(FORM) === true;
			const pathMembers = request.params as Record<string, string>;
			const token = request.headers['x-auth-token'];
			return send(reply, await answerOf(route, { fields, isQuery, isUrlEncoded, pathMembers, caller, token }));
		},
	});
}

/** Refuses the verbs that none of the routes at a path is for. */
function refuseOtherVerbs(app: FastifyInstance, path: string, verbs: readonly string[]): void {
	const allow = verbs.includes('GET') ? [...verbs, 'HEAD'] : verbs;
	app.route({
		method: app.supportedMethods.filter((verb) => !allow.includes(verb)),
		url: urlOf(path),
		// Before the body is read: it does not matter here whether that is sound.
		onRequest: async (request, reply) => {
			reply.header('allow', allow.join(', '));
			return send(reply, wrongVerb(`${request.method} is not allowed here; use ${allow.join(' or ')}`));
		},
		handler: () => {},
	});
}

function parseBody(_request: FastifyRequest, text: string, done: (error: Error | null, body?: unknown) => void): void {
	let body: unknown;
	try {
		// Rocket.Chat takes an empty body for one without members.
		body = text.trim() === '' ? {} : parseJson(text);
	} catch {
		done(Object.assign(new Error('The body is not valid JSON'), { statusCode: 400 }));
		return;
	}
	done(null, body);
}

/** What fastify itself refuses, and what is wrong in a way nobody foresaw. */
function onError(error: FastifyError, reply: FastifyReply, services: Services): FastifyReply {
	const status = error.statusCode ?? 500;
	if (status < 500) return send(reply, refused(status, error.message));
	logThrown(services, {}, 'Exception while answering a request', error);
	return send(reply, failed(error));
}

/** Answers what is no HTTP at all, or has headers beyond all measure. */
function refuseRawRequest(error: NodeJS.ErrnoException, socket: Socket): void {
	if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
	const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
	const body = JSON.stringify({ success: false, error: status.slice(4) });
	socket.end(
		`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
	);
}

export interface RestOptions {
	/** Largest body, in bytes. */
	readonly maxBody: number;
	/** Origins whose pages may call, see `allowOrigins`; without it none but our own. */
	readonly corsOrigin?: string | undefined;
	/** The version of Rocket.Chat that `/api/info` names. */
	readonly rocketChatVersion: string;
	/** The network address of whoever made a request. */
	addressOf(request: IncomingMessage): string | null;
	/** Those whose callers still wait. */
	readonly calls: InFlightCalls;
}

/** Makes the HTTP server with the REST routes of these methods; it does not listen yet. */
export function createRest(
	methods: readonly Method[],
	invoker: Invoker,
	services: Services,
	options: RestOptions,
): FastifyInstance {
	const { maxBody, corsOrigin } = options;
	const app = fastify({
		bodyLimit: maxBody,
		requestTimeout: REQUEST_TIMEOUT,
		// While the server closes, those whose connection is open are still served: SockJS clients poll for their answers.
		return503OnClosing: false,
		// Node's own parser, here and for forms: it makes objects without a prototype, which patterns take for plain ones.
		routerOptions: { ignoreTrailingSlash: true, querystringParser: (text) => querystring.parse(text) },
		clientErrorHandler: refuseRawRequest,
		frameworkErrors: (error, _request, reply) => onError(error, reply, services),
	});
	app.removeContentTypeParser(['application/json', 'text/plain']);
	app.addContentTypeParser('application/json', { parseAs: 'string' }, parseBody);
	if (corsOrigin !== undefined) allowOrigins(app, '/api/', corsOrigin);
	app.register(formbody, { parser: (text) => querystring.parse(text) });
	// Verbs that fastify does not route by itself, so that a known path answers 405 to them all.
	for (const verb of METHODS) if (!app.supportedMethods.includes(verb)) app.addHttpMethod(verb);
	app.setErrorHandler<FastifyError>((error, _request, reply) => onError(error, reply, services));
	app.setNotFoundHandler((_request, reply) => send(reply, refused(404, 'Resource not found')));
	const verbsAt = new Map<string, string[]>();
	for (const route of routesOf(methods, invoker, services, options.rocketChatVersion)) {
		addRoute(app, route, services, options);
		verbsAt.set(route.path, [...(verbsAt.get(route.path) ?? []), ...route.verbs]);
	}
	for (const [path, verbs] of verbsAt) refuseOtherVerbs(app, path, verbs);
	return app;
}
