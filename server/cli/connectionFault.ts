/** Explains to the operator why a request to a server got no answer. */
import { reasonOf } from '../../shared/storeErrors.js';

/** Codes for a certificate whose authority is unknown. */
const UNTRUSTED: ReadonlySet<unknown> = new Set([
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'UNABLE_TO_GET_ISSUER_CERT',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

const OTHER_HOST = 'ERR_TLS_CERT_ALTNAME_INVALID';

const OUT_OF_DATE: ReadonlySet<unknown> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

const codeOf = (error: unknown) => (((error as Error).cause ?? error) as { code?: unknown }).code;

/** Why the certificate of the server was refused, if it was. */
export function certificateFault(error: unknown): 'untrusted' | 'other-host' | 'out-of-date' | undefined {
	const code = codeOf(error);
	if (UNTRUSTED.has(code)) return 'untrusted';
	if (OUT_OF_DATE.has(code)) return 'out-of-date';
	return code === OTHER_HOST ? 'other-host' : undefined;
}

/**
 * The text for an error of `fetch`.
 * @param what the expected server, such as `Roomkey server`
 */
export function connectionFault(url: string, error: unknown, what: string): string {
	const cause = (error as Error).cause ?? error;
	const reason = reasonOf(cause);
	const refused = certificateFault(error);
	if (refused === 'untrusted')
		return `The certificate of ${url} is not trusted (${reason}): name the file of its authority in NODE_EXTRA_CA_CERTS`;
	if (refused) return `The certificate of ${url} cannot be accepted: ${reason}`;
	return `No ${what} answers at ${url}: ${reason}${schemeHint(url, codeOf(error))}`;
}

/** The text for an answer with the status 404. */
export function missingApi(url: string): string {
	const prefix = 'with the --path-prefix of the server, if it has one';
	const remedy = /\/api(\/v1)?$/.test(url) ? `without /api/v1 (${prefix})` : prefix;
	return `No Roomkey API at ${url}: give the address ${remedy}`;
}

function schemeHint(url: string, code: unknown): string {
	// The URL may contain an invalid port, from the variable PORT.
	if (!URL.canParse(url)) return '';
	const { protocol } = new URL(url);
	// Codes that begin with `HPE_` come from Node's HTTP parser.
	const isNotHttp = code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || String(code).startsWith('HPE_');
	if (protocol === 'http:' && isNotHttp) return `. If it speaks TLS, give --url ${url.replace(protocol, 'https:')}`;
	if (protocol === 'https:' && (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO'))
		return `. If it speaks no TLS, give --url ${url.replace(protocol, 'http:')}`;
	return '';
}
