/**
 * Which web pages may connect. A browser names the origin of a page in the header `Origin`; programs send none, and are
 * not restricted.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** The form in which browsers send an origin: no path, no slash at the end. Sandboxed pages and files send `null`. */
const ORIGIN = /^(null|[a-z][a-z0-9+.-]*:\/\/[^/?#@\s,]*)$/i;

/** The text that a refused page receives. */
export const ORIGIN_NOT_ALLOWED = 'Pages of this origin may not connect';

/** The word for pages of this server only. */
const OWN = 'own';

const splitList = (list: string): string[] => list.split(',').map((entry) => entry.trim());

/** Whether a text is `*`, or a list of origins separated by commas. */
export function isOriginList(text: string): boolean {
	return text === '*' || splitList(text).every((origin) => ORIGIN.test(origin));
}

/** Whether a text is a value of `--allowed-origins`. */
export function isAllowedOrigins(text: string): boolean {
	return text === OWN || isOriginList(text);
}

/** What a valid list is, for errors. */
export const ORIGIN_LIST_FORM = '* or origins without a path, such as https://chat.example.com, separated by commas';

/** An origin in the form in which browsers send it: in lower case, without the default port of its scheme. */
function normalized(origin: string): string {
	const lower = origin.toLowerCase();
	return lower.replace(/^(http:\/\/.+):80$/, '$1').replace(/^(https:\/\/.+):443$/, '$1');
}

/** Reads a list of origins. @returns `*` for all */
export function readOrigins(list: string): '*' | string[] {
	return list === '*' ? '*' : splitList(list).map(normalized);
}

/**
 * Whether an origin is that of the server itself: it has the host and port that the client has connected to. Behind a
 * proxy the scheme is unknown.
 */
function isOwn(origin: string, { headers, socket }: IncomingMessage): boolean {
	const [, scheme] = /^(https?):\/\//.exec(origin) ?? [];
	if (scheme === undefined || headers.host === undefined) return false;
	if (socket instanceof TLSSocket && scheme !== 'https') return false;
	return normalized(`${scheme}://${headers.host}`) === origin;
}

/** Whether the page that a request comes from may connect; true for programs. */
export type AllowsOrigin = (request: IncomingMessage) => boolean;

/**
 * Makes the check of `--allowed-origins`.
 * @param allowed `*`, `own`, or origins separated by commas. Pages of the server itself are always allowed
 */
export function originCheck(allowed: string): AllowsOrigin {
	const listed = readOrigins(allowed);
	if (listed === '*') return () => true;
	const others = new Set(listed);
	return (request) => {
		// Version 8 of the WebSocket protocol has a header of its own.
		const header = request.headers.origin ?? request.headers['sec-websocket-origin'];
		if (header === undefined) return true;
		const origin = normalized(String(header));
		return others.has(origin) || isOwn(origin, request);
	};
}
