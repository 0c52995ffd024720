/** Decides which web pages may connect. Programs that send no header `Origin` are not restricted. */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** An origin has no path and no final slash. Browsers send `null` for sandboxed pages and local files. */
const ORIGIN = /^(null|[a-z][a-z0-9+.-]*:\/\/[^/?#@\s,]*)$/i;

/** The error text for a page of another origin. */
export const ORIGIN_NOT_ALLOWED = 'Pages of this origin may not connect';

/** The value that allows only pages of this server. */
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

/** Describes a list that `isOriginList` accepts, for error texts. */
export const ORIGIN_LIST_FORM = '* or origins without a path, such as https://chat.example.com, separated by commas';

/** Writes an origin as browsers send it: in lower case, without the default port of its scheme. */
function normalized(origin: string): string {
	const lower = origin.toLowerCase();
	return lower.replace(/^(http:\/\/.+):80$/, '$1').replace(/^(https:\/\/.+):443$/, '$1');
}

/** Reads a list of origins. @returns `*` if all are allowed */
export function readOrigins(list: string): '*' | string[] {
	return list === '*' ? '*' : splitList(list).map(normalized);
}

/**
 * Whether an origin has the host and port of the request. Without TLS both schemes count, because a proxy may add TLS.
 */
function isOwnOrigin(origin: string, { headers, socket }: IncomingMessage): boolean {
	const [, scheme] = /^(https?):\/\//.exec(origin) ?? [];
	if (scheme === undefined || headers.host === undefined) return false;
	if (socket instanceof TLSSocket && scheme !== 'https') return false;
	return normalized(`${scheme}://${headers.host}`) === origin;
}

/** Whether the page that sends a request may connect. True for a request without an origin. */
export type AllowsOrigin = (request: IncomingMessage) => boolean;

/**
 * Makes the check of `--allowed-origins`.
 * @param allowed `*`, `own`, or origins separated by commas. Pages of the server itself are always allowed
 */
export function originCheck(allowed: string): AllowsOrigin {
	const listed = readOrigins(allowed);
	if (listed === '*') return () => true;
	// `own` stays in the set. It equals no origin.
	const allowedOrigins = new Set(listed);
	return (request) => {
		// Version 8 of the WebSocket protocol has another name for the header.
		const header = request.headers.origin ?? request.headers['sec-websocket-origin'];
		if (header === undefined) return true;
		const origin = normalized(String(header));
		return allowedOrigins.has(origin) || isOwnOrigin(origin, request);
	};
}
