/** Runs Roomkey inside the HTTP server of an application. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { declineUpgrade } from '../core/declineUpgrade.js';
import { securityHeaders } from '../http/securityHeaders.js';
import { refused, sendRaw } from '../rest/envelope.js';
import type { App } from './app.js';
import type { Next } from './roomkeyServer.js';

type Handler = Pick<App, 'owns' | 'handle' | 'upgrade'>;

/** The events of an HTTP server with a request. `checkContinue` is a request with `Expect: 100-continue`. */
const REQUEST_EVENTS: ReadonlySet<string | symbol> = new Set(['request', 'checkContinue', 'upgrade']);

/** The URL that the client has requested. In `url`, Express leaves out the path at which a handler is mounted. */
function urlOf(request: IncomingMessage): string {
	return (request as { originalUrl?: string }).originalUrl ?? request.url ?? '';
}

const BODY_IS_READ = refused(
	500,
	'The body was read before Roomkey got the request: pass requests to Roomkey before middleware that reads bodies, such as express.json()',
);

function isBodyRead({ method, headers, readableEnded }: IncomingMessage): boolean {
	const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
	return readableEnded && hasBody && method !== 'GET' && method !== 'HEAD';
}

/** Answers a request at one of Roomkey's own paths. Passes other requests to `next`; without `next`, answers them too. */
export function answerOrPassOn(app: Handler, request: IncomingMessage, response: ServerResponse, next?: Next): void {
	const url = urlOf(request);
	if (next && !app.owns(url)) next();
	else if (isBodyRead(request)) sendRaw(response, BODY_IS_READ, securityHeaders(false));
	else {
		request.url = url;
		app.handle(request, response);
	}
}

/** Upgrades a connection at one of Roomkey's own paths. @returns false for other paths */
export function upgradeOwn(app: Handler, request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
	const isOurs = app.owns(request.url ?? '');
	if (isOurs) app.upgrade(request, socket, head);
	return isOurs;
}

/**
 * The apps mounted on each HTTP server. An entry stays when its apps have closed, so that the server's `emit` is wrapped
 * only once.
 */
const mounted = new WeakMap<Server, Set<Handler>>();

/** Node emits `upgrade` only if there is a listener. */
const onUpgrade = () => {};

/**
 * Handles the requests and upgrades of an HTTP server at Roomkey's own paths. The server's listeners, even those that
 * are added later, are called only for other paths.
 * @returns a function that unmounts the app
 */
export function mountOn(server: Server, app: Handler): () => void {
	const apps = mounted.get(server) ?? wrapEmit(server);
	if (apps.size === 0) server.on('upgrade', onUpgrade);
	apps.add(app);
	return () => {
		apps.delete(app);
		if (apps.size === 0) server.off('upgrade', onUpgrade);
	};
}

/** Makes a server pass its requests to the apps mounted on it. @returns the set of these apps */
function wrapEmit(server: Server): Set<Handler> {
	const apps = new Set<Handler>();
	const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean;
	server.emit = (event: string | symbol, ...args: unknown[]) =>
		handleEvent(server, apps, event, args) || emit(event, ...args);
	mounted.set(server, apps);
	return apps;
}

/** Handles an event of a server. @returns false if the listeners of the server must handle it */
function handleEvent(server: Server, apps: ReadonlySet<Handler>, event: string | symbol, args: unknown[]): boolean {
	if (apps.size === 0 || !REQUEST_EVENTS.has(event)) return false;
	const [request, target, head] = args as [IncomingMessage, unknown, Buffer];
	const owner = [...apps].find((app) => app.owns(request.url ?? ''));
	if (event === 'upgrade') {
		const socket = target as Duplex;
		if (owner) owner.upgrade(request, socket, head);
		else if (server.listeners('upgrade').some((listener) => listener !== onUpgrade)) return false;
		// Like Node without a listener, ignores the offer to upgrade.
		else declineUpgrade(server, request, socket, head);
		return true;
	}
	if (!owner) return false;
	const response = target as ServerResponse;
	if (event === 'checkContinue') response.writeContinue();
	owner.handle(request, response);
	return true;
}
