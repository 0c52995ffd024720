/** The settings of HTTP: REST, the web pages that may connect, TLS and timeouts. */
import { DEFAULT_HTTP_TIMEOUTS } from '../http/httpServer.js';
import { isAllowedOrigins, isOriginList, ORIGIN_LIST_FORM } from '../http/origins.js';
import { isPathPrefix } from '../http/pathPrefix.js';
import { GIB, HOUR, integer, oneOf, text } from './optionKinds.js';

export const httpOptions = {
	'max-body': integer(1024, GIB, {
		meaning: 'largest body of a REST request, in bytes',
		env: 'ROOMKEY_MAX_BODY',
		default: 1_048_576,
	}),
	'cors-origin': text('ORIGINS', {
		meaning: 'origins whose web pages may call REST from a browser: * for all, or a list with commas',
		env: 'API_CORS_ORIGIN',
		default: undefined,
		isValid: isOriginList,
		form: ORIGIN_LIST_FORM,
	}),
	'allowed-origins': text('ORIGINS', {
		meaning:
			"origins whose web pages may connect over WebSocket and SockJS: * for all, own for this server's only, or further origins with commas",
		env: 'ROOMKEY_ALLOWED_ORIGINS',
		default: '*',
		isValid: isAllowedOrigins,
		form: `own, ${ORIGIN_LIST_FORM}`,
	}),
	'path-prefix': text('PATH', {
		meaning: 'path below which everything is served, such as /roomkey',
		env: 'ROOMKEY_PATH_PREFIX',
		default: undefined,
		isValid: isPathPrefix,
		form: 'a path such as /roomkey, without a slash at its end',
	}),
	'tls-cert': text('FILE', {
		meaning: 'serve TLS with the certificates in this file (PEM); SIGHUP reads it again',
		env: 'ROOMKEY_TLS_CERT',
		default: undefined,
	}),
	'tls-key': text('FILE', {
		meaning: 'private key of the certificate in --tls-cert (PEM)',
		env: 'ROOMKEY_TLS_KEY',
		default: undefined,
	}),
	'headers-timeout': integer(1, HOUR, {
		meaning: 'how long a client may take for a TLS handshake, and to send the headers of a request, in ms',
		env: 'ROOMKEY_HEADERS_TIMEOUT',
		default: DEFAULT_HTTP_TIMEOUTS.headers,
	}),
	'request-timeout': integer(1, HOUR, {
		meaning: 'how long a client may take to send a whole request, or may leave a large answer unread, in ms',
		env: 'ROOMKEY_REQUEST_TIMEOUT',
		default: DEFAULT_HTTP_TIMEOUTS.request,
	}),
	'keep-alive-timeout': integer(1, HOUR, {
		meaning: 'how long an HTTP connection may be idle between requests, in ms; must be longer than in a proxy in front',
		env: 'ROOMKEY_KEEP_ALIVE_TIMEOUT',
		default: DEFAULT_HTTP_TIMEOUTS.keepAlive,
	}),
	'api-docs': oneOf('MODE', ['on', 'off'], {
		meaning: 'whether a page at /api-docs shows what clients can call, and lets them try it: on or off',
		env: 'ROOMKEY_API_DOCS',
		default: 'on',
	}),
} as const;
