/** Headers of every HTTP answer, by which browsers protect their users from what an attacker makes of it. */

const HEADERS = {
	// An answer is data: a browser must not run, frame or embed it, whatever it contains.
	'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'cross-origin-resource-policy': 'same-origin',
	'referrer-policy': 'no-referrer',
} as const;

/** Half a year, in seconds. Other services of the host are included, so subdomains are not. */
const HSTS = { 'strict-transport-security': 'max-age=15552000' } as const;

/** Headers by their names. */
export type SecurityHeaders = Readonly<Record<string, string>>;

/** @param isTls whether the server itself ends TLS, so that browsers can be told to use nothing else */
export function securityHeaders(isTls: boolean): SecurityHeaders {
	return isTls ? { ...HEADERS, ...HSTS } : HEADERS;
}

/** An answer that is written to a socket which no HTTP response belongs to. The connection ends with it. */
export function rawAnswer(status: string, body: string, headers: SecurityHeaders): string {
	const all = {
		...headers,
		connection: 'close',
		...(body !== '' && { 'content-type': body.startsWith('{') ? 'application/json' : 'text/plain' }),
		'content-length': Buffer.byteLength(body),
	};
	const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
	return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`;
}
