import type { IncomingHttpHeaders } from 'node:http';

/**
 * Headers of the client's request that methods may see (`test/contract/ddp.md` section 13); never `cookie` or
 * `authorization`.
 */
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

/** The headers objects that clients share, by their JSON text. */
const shared = new Map<string, Headers>();
const MAX_SHARED = 1000;
/** Maximum length of the JSON text of shared headers, in characters. */
const MAX_SHARED_LENGTH = 1000;

/** Copies the visible headers, so that the request can be garbage-collected. Equal headers share one object. */
export function visibleHeaders(headers: IncomingHttpHeaders): Headers {
	const visible: Record<string, string> = {};
	for (const name of VISIBLE_HEADERS) {
		const value = headers[name];
		if (value !== undefined) visible[name] = String(value);
	}
	const text = JSON.stringify(visible);
	const existing = shared.get(text);
	if (existing) return existing;
	if (text.length > MAX_SHARED_LENGTH) return visible;
	if (shared.size >= MAX_SHARED) shared.clear();
	shared.set(text, Object.freeze(visible));
	return visible;
}
