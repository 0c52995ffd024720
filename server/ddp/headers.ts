import type { IncomingHttpHeaders } from 'node:http';

/** Headers of a client that methods may see (`contract/ddp.md` section 13); never `cookie` or `authorization`. */
const VISIBLE_HEADERS = [
	'referer',
	'x-client-ip',
	'x-forwarded-for',
	'x-forwarded-host',
	'x-forwarded-port',
	'x-cluster-client-ip',
	'via',
	'x-real-ip',
	'x-forwarded-proto',
	'x-ssl',
	'dnt',
	'host',
	'user-agent',
	'accept-language',
];

/** Picks them, so that nothing else of the request is kept as long as the connection lasts. */
export function visibleHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
	const visible: Record<string, string> = {};
	for (const name of VISIBLE_HEADERS) {
		const value = headers[name];
		if (value !== undefined) visible[name] = String(value);
	}
	return visible;
}
