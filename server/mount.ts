/** A server inside the HTTP server of an application: it answers at its own paths, and leaves all others alone. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { App } from './app.js';
import type { Next } from './roomkeyServer.js';

type Handler = Pick<App, 'owns' | 'handle' | 'upgrade'>;

/** The URL that the client has requested. Express removes the path where a handler is mounted from `url`. */
function urlOf(request: IncomingMessage): string {
	return (request as { originalUrl?: string }).originalUrl ?? request.url ?? '';
}

/** Answers a request at one of the server's own paths, and passes others on; without `next` it answers all. */
export function answerOrPassOn(app: Handler, request: IncomingMessage, response: ServerResponse, next?: Next): void {
	const url = urlOf(request);
	if (app.owns(url) || !next) {
		request.url = url;
		app.handle(request, response);
	} else next();
}

/** Upgrades a connection at one of the server's own paths. @returns false for other paths */
export function upgradeOwn(app: Handler, request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
	const isOurs = app.owns(request.url ?? '');
	if (isOurs) app.upgrade(request, socket, head);
	return isOurs;
}

/**
 * Handles the requests and upgrades of an HTTP server at the app's own paths. The server's listeners are only called
 * for other paths.
 * @returns a function that puts the server's listeners back
 */
export function mountOn(server: Server, app: Handler): () => void {
	const restore = [
		takeOver(server, 'request', (request, ...rest) => {
			const isOurs = app.owns(request.url ?? '');
			if (isOurs) app.handle(request, rest[0] as ServerResponse);
			return isOurs;
		}),
		takeOver(server, 'upgrade', (request, socket, head) => upgradeOwn(app, request, socket as Duplex, head as Buffer)),
	];
	return () => {
		for (const putBack of restore) putBack();
	};
}

/**
 * Replaces the listeners of an event by one listener. It calls the replaced ones if `handleOwn` returns false.
 * @returns a function that puts the replaced listeners back
 */
function takeOver(
	server: Server,
	event: 'request' | 'upgrade',
	handleOwn: (request: IncomingMessage, ...rest: unknown[]) => boolean,
): () => void {
	const others = server.listeners(event) as ((...args: unknown[]) => void)[];
	const listener = (request: IncomingMessage, ...rest: unknown[]) => {
		if (handleOwn(request, ...rest)) return;
		for (const other of others) other.call(server, request, ...rest);
		// Without a listener for `upgrade`, Node closes the connection. With this listener, it does not.
		if (event === 'upgrade' && others.length === 0) (rest[0] as Duplex).destroy();
	};
	server.removeAllListeners(event);
	server.on(event, listener);
	return () => {
		server.off(event, listener);
		for (const other of others) server.on(event, other);
	};
}
