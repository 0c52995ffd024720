/** Runs Roomkey inside the HTTP server of an application. Roomkey answers only at its own paths. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { App } from './app.js';
import type { Next } from './roomkeyServer.js';

type Handler = Pick<App, 'owns' | 'handle' | 'upgrade'>;

/** The URL that the client has requested. Express removes the path where a handler is mounted from `url`. */
function urlOf(request: IncomingMessage): string {
	return (request as { originalUrl?: string }).originalUrl ?? request.url ?? '';
}

/** Answers a request at one of Roomkey's own paths. Passes other requests to `next`; without `next`, answers them too. */
export function answerOrPassOn(app: Handler, request: IncomingMessage, response: ServerResponse, next?: Next): void {
	const url = urlOf(request);
	if (app.owns(url) || !next) {
		request.url = url;
		app.handle(request, response);
	} else next();
}

/** Upgrades a connection at one of Roomkey's own paths. @returns false for other paths */
export function upgradeOwn(app: Handler, request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
	const isOurs = app.owns(request.url ?? '');
	if (isOurs) app.upgrade(request, socket, head);
	return isOurs;
}

/**
 * Handles the requests and upgrades of an HTTP server at Roomkey's own paths. The listeners of the server are then called
 * only for other paths.
 * @returns a function that puts the server's listeners back
 */
export function mountOn(server: Server, app: Handler): () => void {
	const restoreFunctions = [
		takeOver(server, 'request', (request, ...rest) => {
			const isOurs = app.owns(request.url ?? '');
			if (isOurs) app.handle(request, rest[0] as ServerResponse);
			return isOurs;
		}),
		takeOver(server, 'upgrade', (request, socket, head) => upgradeOwn(app, request, socket as Duplex, head as Buffer)),
	];
	return () => {
		for (const restore of restoreFunctions) restore();
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
	const replaced = server.listeners(event) as ((...args: unknown[]) => void)[];
	const listener = (request: IncomingMessage, ...rest: unknown[]) => {
		if (handleOwn(request, ...rest)) return;
		for (const other of replaced) other.call(server, request, ...rest);
		// Without a listener for `upgrade`, Node closes the connection. With this listener, it does not.
		if (event === 'upgrade' && replaced.length === 0) (rest[0] as Duplex).destroy();
	};
	server.removeAllListeners(event);
	server.on(event, listener);
	return () => {
		server.off(event, listener);
		for (const other of replaced) server.on(event, other);
	};
}
