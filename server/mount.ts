/** A server inside the HTTP server of an application: it answers at its own paths, and leaves all others alone. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { App } from './app.js';
import type { Next } from './roomkeyServer.js';

type Handler = Pick<App, 'owns' | 'handle' | 'upgrade'>;

/** The address that the client has asked for: express shortens `url` below the path where a handler is mounted. */
function urlOf(request: IncomingMessage): string {
	return (request as { originalUrl?: string }).originalUrl ?? request.url ?? '';
}

/** Answers a request, or passes it on. */
export function passOn(app: Handler, request: IncomingMessage, response: ServerResponse, next?: Next): void {
	const url = urlOf(request);
	if (app.owns(url) || !next) {
		request.url = url;
		app.handle(request, response);
	} else next();
}

/** Upgrades a connection at one of the server's own paths. @returns whether it is one */
export function upgradeOwn(app: Handler, request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
	const isOurs = app.owns(request.url ?? '');
	if (isOurs) app.upgrade(request, socket, head);
	return isOurs;
}

/**
 * Mounts on a server. Its listeners of `request` and `upgrade` are only called for other paths.
 * @returns ends it; the server's own listeners are called for all paths again
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
		for (const one of restore) one();
	};
}

/** Puts a listener before those of an event, which are called if it returns false. */
function takeOver(
	server: Server,
	event: 'request' | 'upgrade',
	takes: (request: IncomingMessage, ...rest: unknown[]) => boolean,
): () => void {
	const others = server.listeners(event) as ((...args: unknown[]) => void)[];
	const listener = (request: IncomingMessage, ...rest: unknown[]) => {
		if (takes(request, ...rest)) return;
		for (const other of others) other.call(server, request, ...rest);
		// Node ends such a connection if nobody listens for `upgrade`; here somebody does.
		if (event === 'upgrade' && others.length === 0) (rest[0] as Duplex).destroy();
	};
	server.removeAllListeners(event);
	server.on(event, listener);
	return () => {
		server.off(event, listener);
		for (const other of others) server.on(event, other);
	};
}
