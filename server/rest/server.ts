/** Creates the HTTP server for REST with fastify, and answers the requests that reach no route. */
import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http';
import fastify, {
	type FastifyError,
	type FastifyInstance,
	type FastifyReply,
	type FastifyRequest,
	type preParsingAsyncHookHandler,
} from 'fastify';
import type { Method } from '../../shared/method.js';
import type { Services } from '../core/invocation.js';
import type { Invoker } from '../core/invoke.js';
import { logThrown } from '../core/logThrown.js';
import type { Certificate } from '../http/certificate.js';
import { createHttpServer, DEFAULT_HTTP_TIMEOUTS, type HttpTimeouts } from '../http/httpServer.js';
import { withoutPrefix } from '../http/pathPrefix.js';
import { securityHeaders } from '../http/securityHeaders.js';
import { parseForm, parseJsonBody, parseQuery } from './bodies.js';
import { allowOrigins } from './cors.js';
import { failed, NOT_FOUND, refused, SHUTTING_DOWN, send, sendRaw, UNAUTHORIZED, wrongVerb } from './envelope.js';
import { FixedRoutes, routePathOf } from './fixedRoutes.js';
import { KnownPaths } from './knownPaths.js';
import { refuseRawRequest } from './refuseRawRequest.js';
import { answerRequest, FORM, isAuthorized, type RequestOptions, type Route } from './request.js';
import { routesOf } from './routes.js';

export const API_PREFIX = '/api/v1';

/** The whole path of a route: a path without a slash at its start is below `/api/v1`. */
export function urlOf(path: string): string {
	return path.startsWith('/') ? path : `${API_PREFIX}/${path}`;
}

/** A method's path such as `:id`. Fastify cannot have it beside the shared route of `FixedRoutes`. */
const SHARED_PATH = /^\/api\/v1\/:\w+\/?$/;

/** A key in the `config` of a route: other verbs at its path get 405 instead of 404. */
export const REFUSES_OTHER_VERBS = Symbol('refuses other verbs');

function addRoute(app: FastifyInstance, route: Route, services: Services, options: RestOptions): void {
	app.route({
		method: [...route.verbs],
		url: urlOf(route.path),
		...(options.preParsing && { preParsing: options.preParsing }),
		...(route.maxBody !== undefined && largeBodyOptions(route, route.maxBody, services, options)),
		handler: (request, reply) =>
			answerRequest(request, reply, route, request.params as Record<string, string>, services, options),
	});
}

/** Adds the one route of fastify that all fixed routes share. */
function addFixedRoutes(
	app: FastifyInstance,
	routes: FixedRoutes,
	paths: KnownPaths,
	services: Services,
	options: RestOptions,
): void {
	app.route({
		method: routes.verbs,
		url: urlOf(FixedRoutes.path),
		...(options.preParsing && { preParsing: options.preParsing }),
		onRequest(request, reply, done) {
			if (routes.find(request)) {
				done();
			} else {
				options.onUnknownRoute?.();
				refuse(reply, paths.verbsAt(request.url));
			}
		},
		handler: (request, reply) => answerRequest(request, reply, routes.find(request) as Route, {}, services, options),
	});
}

/**
 * Fastify's options for a route with a higher limit for bodies. A body above the server's limit, or of unknown length, is
 * read only with the credentials that the route requires.
 */
function largeBodyOptions(route: Route, routeLimit: number, services: Services, options: RestOptions) {
	const { maxBody, calls } = options;
	return {
		bodyLimit: Math.max(maxBody, routeLimit),
		async onRequest(request: FastifyRequest, reply: FastifyReply) {
			if (calls.isClosed) return send(reply, SHUTTING_DOWN);
			const length = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
			if (length > maxBody && !(await isAuthorized(request, route, services, options)))
				return send(reply, UNAUTHORIZED);
		},
	};
}

/** Replaces fastify's compilers of schemas. Never called. */
function compileNoSchema(): never {
	throw new Error('Routes have no schemas');
}

/** Answers a request that fastify refuses, or whose handler has thrown an unexpected error. */
function onError(error: FastifyError, reply: FastifyReply, services: Services): FastifyReply {
	const status = error.statusCode ?? 500;
	if (status < 500) return send(reply, refused(status, error.message));
	const { id: requestId, method: verb } = reply.request;
	const facts = { verb, path: routePathOf(reply.request), requestId };
	logThrown(services, facts, 'Exception while answering a request', error);
	return send(reply, failed(error));
}

/** Answers a request that has no route. @param allowed the verbs of its path, if there is such a path */
function refuse(reply: FastifyReply, allowed?: readonly string[]): void {
	if (allowed) {
		reply.header('allow', allowed.join(', '));
		send(reply, wrongVerb(`${reply.request.method} is not allowed here; use ${allowed.join(' or ')}`));
	} else send(reply, NOT_FOUND);
}

/** A path that answers GET without calling a method, such as `/metrics`. */
export interface Page {
	readonly path: string;
	answer(request: IncomingMessage): Promise<{ readonly status: number; readonly type: string; readonly body: string }>;
}

export interface RestOptions extends RequestOptions {
	/** A hook of every REST route, before the body is parsed. The shadow mode uses it. */
	readonly preParsing?: preParsingAsyncHookHandler | undefined;
	/** Called for each request whose path no route has, or whose verb no route at this path has. Used by the shadow mode. */
	readonly onUnknownRoute?: (() => void) | undefined;
	readonly pages?: readonly Page[] | undefined;
	/** Maximum size of a body, in bytes. */
	readonly maxBody: number;
	/** Origins whose web pages may call REST: `*`, or origins separated by commas. Default: only pages from this server. */
	readonly corsOrigin?: string | undefined;
	/** The version of Rocket.Chat that `/api/info` names. */
	readonly rocketChatVersion: string;
	/** Default: `DEFAULT_HTTP_TIMEOUTS`. */
	readonly timeouts?: HttpTimeouts | undefined;
	/** Default: plain HTTP. */
	readonly certificate?: Certificate | undefined;
	/** Prefix of the path of every URL of the server, without a slash at its end. Default: none. */
	readonly pathPrefix?: string | undefined;
}

export interface Rest {
	readonly app: FastifyInstance;
	/** Whether a URL, from which the path prefix was removed, is that of a route, whatever its verb. */
	owns(url: string): boolean;
	/** Answers a request. A URL that does not begin with the path prefix gets 404. */
	handle(request: IncomingMessage, response: ServerResponse): void;
}

/** Creates the HTTP server with the REST routes of these methods; it does not listen yet. */
export function createRest(
	methods: readonly Method[],
	invoker: Invoker,
	services: Services,
	options: RestOptions,
): Rest {
	const { maxBody, corsOrigin, pathPrefix = '', timeouts = DEFAULT_HTTP_TIMEOUTS, certificate } = options;
	const headers = securityHeaders(certificate !== undefined);
	const handleRequest: Rest['handle'] = (request, response) => {
		const url = withoutPrefix(pathPrefix, request.url ?? '');
		if (url === undefined) {
			sendRaw(response, NOT_FOUND, headers);
			return;
		}
		request.url = url;
		app.routing(request, response);
	};
	const app = fastify({
		serverFactory: () =>
			// For a header `Expect` other than `100-continue`. Node itself would answer without a body.
			createHttpServer(handleRequest, timeouts, certificate).on('checkExpectation', (_request, response) =>
				sendRaw(response, refused(417, 'Expectation failed'), headers),
			),
		// By default fastify would load its compilers of schemas: 120 files, a fifth of the time of a start.
		schemaController: { compilersFactory: { buildValidator: compileNoSchema, buildSerializer: compileNoSchema } },
		bodyLimit: maxBody,
		// While the server closes, open connections are still served: SockJS clients poll for their answers.
		return503OnClosing: false,
		routerOptions: { ignoreTrailingSlash: true, querystringParser: parseQuery },
		clientErrorHandler: (error, socket) => refuseRawRequest(error, socket, headers),
		frameworkErrors: (error, _request, reply) => onError(error, reply, services),
	});
	app.decorate('securityHeaders', headers);
	app.decorate('securityHeaderList', Object.entries(headers).flat());
	// Only for answers that fastify sends. The functions of `envelope.ts` add these headers themselves.
	app.addHook('onSend', (_request, reply, _payload, done) => {
		for (const [name, value] of Object.entries(headers)) if (!reply.hasHeader(name)) reply.header(name, value);
		done();
	});
	app.removeContentTypeParser(['application/json', 'text/plain']);
	app.addContentTypeParser('application/json', { parseAs: 'string' }, parseJsonBody);
	app.addContentTypeParser(FORM, { parseAs: 'string' }, parseForm);
	// Fastify must know every verb: otherwise a known path would not answer 405 to a verb that fastify lacks.
	for (const verb of METHODS) if (!app.supportedMethods.includes(verb)) app.addHttpMethod(verb);
	app.setErrorHandler<FastifyError>((error, _request, reply) => onError(error, reply, services));
	app.setNotFoundHandler((_request, reply) => {
		options.onUnknownRoute?.();
		refuse(reply);
	});
	const paths = new KnownPaths();
	app.addHook('onRoute', ({ url, method, config }) => {
		// `KnownPaths` adds HEAD itself.
		const verbs = [method].flat().filter((verb) => verb !== 'HEAD');
		if (config && REFUSES_OTHER_VERBS in config) paths.add(url, verbs);
	});
	const routes = routesOf(methods, invoker, services, options.rocketChatVersion);
	const owns = (url: string) => paths.has(url);
	if (corsOrigin !== undefined) {
		const verbs = new Set(['GET', 'POST', ...routes.flatMap((route) => route.verbs)]);
		allowOrigins(app, (url) => url.startsWith('/api/') || owns(url), [...verbs], corsOrigin);
	}
	const fixed = new FixedRoutes();
	const isSharedPathTaken = routes.some(({ path }) => SHARED_PATH.test(urlOf(path)));
	for (const route of routes) {
		paths.add(urlOf(route.path), route.verbs, route.method);
		if (!isSharedPathTaken && FixedRoutes.accepts(route)) fixed.add(route);
		else addRoute(app, route, services, options);
	}
	if (!isSharedPathTaken) addFixedRoutes(app, fixed, paths, services, options);
	for (const page of options.pages ?? []) {
		app.get(page.path, { config: { [REFUSES_OTHER_VERBS]: true } }, async ({ raw }, reply) => {
			// Fastify also accepts `/metrics/` and `/%6detrics`, to which a proxy's rule for `/metrics` does not apply.
			if (raw.url?.split('?', 1)[0] !== page.path) {
				refuse(reply);
				return reply;
			}
			const { status, type, body } = await page.answer(raw);
			return reply.code(status).type(type).header('cache-control', 'no-store').send(body);
		});
	}
	// Added after the plugins, so that CORS applies to answers 405 too.
	app.after(() => {
		// Runs before the body is read: an invalid body would be answered with 400.
		app.addHook('onRequest', (request, reply, done) => {
			const allowed = request.is404 ? paths.verbsAt(request.url) : undefined;
			if (allowed) {
				options.onUnknownRoute?.();
				refuse(reply, allowed);
			} else {
				done();
			}
		});
	});
	return { app, owns, handle: handleRequest };
}
