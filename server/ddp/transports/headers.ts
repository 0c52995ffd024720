import type { IncomingHttpHeaders } from 'node:http';

/** Headers of a client that methods may see (`test/contract/ddp.md` section 13); never `cookie` or `authorization`. */
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

type Headers = Readonly<Record<string, string>>;

/** Interned sets of headers, by their text. */
const known = new Map<string, Headers>();
const MAX_KNOWN = 1000;
/** Maximum length of an interned set, in characters. */
const MAX_KNOWN_LENGTH = 1000;

/**
 * Copies the visible headers, so that the rest of the request can be garbage-collected. Clients with the same headers
 * share one object.
 */
export function visibleHeaders(headers: IncomingHttpHeaders): Headers {
	const visible: Record<string, string> = {};
	for (const name of VISIBLE_HEADERS) {
		const value = headers[name];
		if (value !== undefined) visible[name] = String(value);
	}
	const text = JSON.stringify(visible);
	const before = known.get(text);
	if (before || text.length > MAX_KNOWN_LENGTH) return before ?? visible;
	if (known.size >= MAX_KNOWN) known.clear();
	known.set(text, Object.freeze(visible));
	return visible;
}
