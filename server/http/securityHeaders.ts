/** Headers that protect users of browsers. Every HTTP answer has them. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

const HEADERS = {
	// Browsers must treat every answer as data. Only the page at `/api-docs` has another policy
	// (`server/describe/pageFiles.ts`).
	'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'cross-origin-resource-policy': 'same-origin',
} as const;

/** Makes browsers use only HTTPS for half a year. Subdomains are left out: they may be other services. */
const HSTS = { 'strict-transport-security': 'max-age=15552000' } as const;

/** The values of headers by name. */
export type SecurityHeaders = Readonly<Record<string, string>>;

declare module 'fastify' {
	interface FastifyInstance {
		/** The headers of every answer of this server. */
		readonly securityHeaders: SecurityHeaders;
		/** The same headers as a list: each name is followed by its value. */
		readonly securityHeaderList: readonly string[];
	}
}

/** The headers of every answer of a server. @param isTls whether the server itself serves TLS */
export function securityHeaders(isTls: boolean): SecurityHeaders {
	return isTls ? { ...HEADERS, ...HSTS } : HEADERS;
}

/** Writes an answer to a socket that has no HTTP response object, and ends the connection. */
export function endWithAnswer(socket: Duplex, status: number, body: string, headers: SecurityHeaders): void {
	// Closes the socket even if the client does not close the connection.
	socket.once('finish', () => socket.destroy());
	const type = body.startsWith('{') ? 'application/json' : 'text/plain';
	const allHeaders = {
		...headers,
		connection: 'close',
		...(body !== '' && { 'content-type': type }),
		'content-length': Buffer.byteLength(body),
	};
	const lines = Object.entries(allHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
	socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}
