/**
 * The one list of settings. The options of `createServer`, flags, environment variables, `--help`, the table in
 * docs/operating.md and the check at start all come from it.
 */
import { isEmail, isUsername } from '../../methods/model/users/names.js';
import { isNetworkList } from '../core/limits/address.js';
import { DEFAULT_HTTP_TIMEOUTS } from '../http/httpServer.js';
import { isAllowedOrigins, isOriginList, ORIGIN_LIST_FORM } from '../http/origins.js';
import { isPathPrefix } from '../http/pathPrefix.js';
import { DEFAULT_ROCKETCHAT_VERSION, isVersion } from '../rest/info.js';
import { integer, type Option, oneOf, onOff, secret, text } from './kinds.js';
import { methodLimits } from './limits.js';

const HOUR = 3_600_000;
const GIB = 1024 ** 3;

const isPassword = (value: string) => value.trim() !== '';

export const options = {
	config: text('FILE', {
		meaning: 'read settings from this JSON file; flags and variables count more',
		env: 'ROOMKEY_CONFIG',
		default: undefined,
	}),
	port: integer(0, 65_535, { meaning: 'TCP port to listen on; 0 picks a free one', env: 'PORT', default: 3000 }),
	host: text('ADDRESS', {
		meaning: 'network address to listen on; 0.0.0.0 means all',
		env: 'BIND_IP',
		default: '127.0.0.1',
	}),
	data: text('DIR', {
		meaning: 'store the data in files in this folder',
		env: 'ROOMKEY_DATA',
		default: 'roomkey-data',
	}),
	memory: onOff('store the data in memory; it is lost when the server stops'),
	'mongo-url': text('URL', {
		meaning: 'store the data in this MongoDB, in the collections of Rocket.Chat',
		env: 'MONGO_URL',
		default: undefined,
	}),
	watch: oneOf('MODE', ['auto', 'change-streams', 'polling', 'off'], {
		meaning:
			'how writes of other programs to the MongoDB are heard: change-streams, polling, off, or auto for what it supports',
		env: 'ROOMKEY_WATCH',
		default: 'auto',
	}),
	'no-index': onOff(
		'make no indexes in the MongoDB; those that are missing are named at the start',
		'ROOMKEY_NO_INDEX',
	),
	'read-only': onOff(
		'answer reads and refuse writes; nothing is written to the store, not even indexes',
		'ROOMKEY_READ_ONLY',
	),
	demo: onOff('try it: in memory, with example users and rooms, whose passwords are public'),
	nats: text('URLS', {
		meaning:
			'join other processes that use the same data over this NATS: addresses such as nats://host:4222, with commas',
		env: 'ROOMKEY_NATS',
		default: undefined,
	}),
	'nats-credentials': secret(isPassword, 'user:password, a token or the seed of an nkey', {
		meaning: 'user:password, token or nkey seed for that NATS',
		env: 'ROOMKEY_NATS_CREDENTIALS',
		default: undefined,
	}),
	'nats-ca': text('FILE', {
		meaning: 'certificates that NATS is trusted by, in a PEM file; it turns TLS on, as tls:// does',
		env: 'ROOMKEY_NATS_CA',
		default: undefined,
	}),
	'nats-cert': text('FILE', {
		meaning: 'certificate of this process for NATS, in a PEM file',
		env: 'ROOMKEY_NATS_CERT',
		default: undefined,
	}),
	'nats-key': text('FILE', {
		meaning: 'private key of that certificate, in a PEM file',
		env: 'ROOMKEY_NATS_KEY',
		default: undefined,
	}),
	'nats-prefix': text('TEXT', {
		meaning: 'first part of the subjects at NATS',
		env: 'ROOMKEY_NATS_PREFIX',
		default: 'roomkey',
		isValid: (value) => /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(value) && value.length <= 100,
		form: 'letters, digits and any of _ - in parts separated by points',
	}),
	'rocketchat-broker': text('URLS', {
		meaning:
			"join Rocket.Chat's own broker: the nats:// addresses in its TRANSPORTER, with commas; needs moleculer and nats",
		env: 'ROOMKEY_ROCKETCHAT_BROKER',
		default: undefined,
		isValid: (value) =>
			value.split(',').every((url) => /^(nats|tls):\/\/[^\s/]+\/?$/.test(url.trim()) && URL.canParse(url)),
		form: 'addresses such as nats://host:4222, with commas',
	}),
	'rocketchat-namespace': text('NAME', {
		meaning: "the MS_NAMESPACE of Rocket.Chat's broker",
		env: 'ROOMKEY_ROCKETCHAT_NAMESPACE',
		default: undefined,
		isValid: (value) => /^[\w-]+$/.test(value),
		form: 'letters, digits, _ and - only',
	}),
	'sign-ups': onOff('callers who are not logged in may create an account with createUser', 'ROOMKEY_SIGN_UPS'),
	'admin-pass': secret(isPassword, 'a password', {
		meaning: 'if there is no admin at the start, create one with this password',
		env: 'ADMIN_PASS',
		default: undefined,
	}),
	'admin-username': secret(isUsername, 'letters, digits and any of . _ - only', {
		meaning: 'user name of that admin',
		env: 'ADMIN_USERNAME',
		default: 'admin',
	}),
	'admin-email': secret(isEmail, 'an e-mail address', {
		meaning: 'e-mail of that admin',
		env: 'ADMIN_EMAIL',
		default: undefined,
	}),
	'lease-time': integer(0, HOUR, {
		meaning: 'how long a waiting member is reserved for one provider of the key, in ms',
		env: 'ROOMKEY_LEASE_TIME',
		default: 10_000,
	}),
	'strict-keys': onOff(
		'a public key must be the JWK of an RSA key of 2048 bits or more, not just any text',
		'ROOMKEY_STRICT_KEYS',
	),
	'strict-key-ids': oneOf('MODE', ['on', 'off'], {
		meaning: 'whether a sealed key must begin with the key id of its room: on or off',
		env: 'ROOMKEY_STRICT_KEY_IDS',
		default: 'on',
	}),
	'identity-second-factor': onOff(
		'replacing or resetting identity keys takes the second factor or, without one, the password',
		'ROOMKEY_IDENTITY_SECOND_FACTOR',
	),
	'confirm-last-key-holder': onOff(
		'the last holder of the key of a room can give it up only with confirm: true',
		'ROOMKEY_CONFIRM_LAST_KEY_HOLDER',
	),
	'rocketchat-version': text('VERSION', {
		meaning: 'version of Rocket.Chat that /api/info reports; apps choose the format of keys by it',
		env: 'ROOMKEY_ROCKETCHAT_VERSION',
		default: DEFAULT_ROCKETCHAT_VERSION,
		isValid: isVersion,
		form: 'three numbers, such as 8.0.0',
	}),
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
			"origins whose web pages may connect over WebSocket and SockJS: * for all, own for this server's, or a list with commas beside its own",
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
		meaning: 'private key of that certificate (PEM)',
		env: 'ROOMKEY_TLS_KEY',
		default: undefined,
	}),
	'headers-timeout': integer(1, HOUR, {
		meaning: 'how long a client may take for a TLS handshake, and to send the headers of a request, in ms',
		env: 'ROOMKEY_HEADERS_TIMEOUT',
		default: DEFAULT_HTTP_TIMEOUTS.headers,
	}),
	'request-timeout': integer(1, HOUR, {
		meaning: 'how long a client may take to send a whole request, and may read nothing of a large answer, in ms',
		env: 'ROOMKEY_REQUEST_TIMEOUT',
		default: DEFAULT_HTTP_TIMEOUTS.request,
	}),
	'keep-alive-timeout': integer(1, HOUR, {
		meaning: 'how long an HTTP connection may be idle between requests, in ms; longer than in the proxy before it',
		env: 'ROOMKEY_KEEP_ALIVE_TIMEOUT',
		default: DEFAULT_HTTP_TIMEOUTS.keepAlive,
	}),
	'api-docs': oneOf('MODE', ['on', 'off'], {
		meaning: 'whether there is a page at /api-docs that shows what clients can call, and calls it: on or off',
		env: 'ROOMKEY_API_DOCS',
		default: 'on',
	}),
	'max-frame': integer(1024, GIB, {
		meaning: 'largest frame of a DDP client, in bytes',
		env: 'ROOMKEY_MAX_FRAME',
		default: 1_048_576,
	}),
	'max-anonymous-frame': integer(8192, GIB, {
		meaning: 'largest frame of a DDP client that is not logged in, in bytes',
		env: 'ROOMKEY_MAX_ANONYMOUS_FRAME',
		default: 65_536,
	}),
	compression: onOff(
		'compress long frames for WebSocket clients with permessage-deflate: less traffic, more CPU',
		'ROOMKEY_COMPRESSION',
	),
	'max-queue': integer(1, 1_000_000, {
		meaning: 'maximum number of unanswered messages of one client; at it the server stops reading from the client',
		env: 'ROOMKEY_MAX_QUEUE',
		default: 100,
	}),
	'max-buffered': integer(65_536, GIB, {
		meaning: 'maximum number of bytes buffered for a client that does not read; beyond it the connection is closed',
		env: 'ROOMKEY_MAX_BUFFERED',
		default: 16_777_216,
	}),
	'max-subscriptions': integer(1, 1_000_000, {
		meaning: 'maximum number of subscriptions of one client',
		env: 'ROOMKEY_MAX_SUBSCRIPTIONS',
		default: 1000,
	}),
	'max-subscription-bytes': integer(16_384, GIB, {
		meaning: 'maximum total size of the ids and parameters of all subscriptions of one client, in bytes',
		env: 'ROOMKEY_MAX_SUBSCRIPTION_BYTES',
		default: 262_144,
	}),
	'max-connections': integer(1, 1_000_000, {
		meaning: 'maximum number of DDP connections of the process; further ones are refused with 503',
		env: 'ROOMKEY_MAX_CONNECTIONS',
		default: 100_000,
	}),
	'max-connections-per-address': integer(1, 1_000_000, {
		meaning: 'maximum number of DDP connections from one address (IPv6: one /64)',
		env: 'ROOMKEY_MAX_CONNECTIONS_PER_ADDRESS',
		default: 1000,
	}),
	'rate-limit': oneOf('MODE', ['on', 'off', 'dry-run'], {
		meaning: 'rate limits: on, off, or dry-run to log refusals only',
		env: 'ROOMKEY_RATE_LIMIT',
		default: 'on',
	}),
	limits: methodLimits({
		flag: 'limit',
		meaning: 'how often a caller may call a method, such as e2e.setRoomKeyID=5/60s, or off; can be repeated',
		env: 'ROOMKEY_LIMITS',
	}),
	'once-lifetime': integer(0, HOUR, {
		meaning: 'how long a repeated call receives its original result, in ms; 0 disables',
		env: 'ROOMKEY_ONCE_LIFETIME',
		default: 120_000,
	}),
	'once-max': integer(1, 10_000_000, {
		meaning: 'maximum number of calls whose results are kept; all results together have at most 64 Mi characters',
		env: 'ROOMKEY_ONCE_MAX',
		default: 100_000,
	}),
	'forwarded-count': integer(0, 100, {
		meaning: 'number of trusted proxies in front of the server, each of which adds to X-Forwarded-For',
		env: 'HTTP_FORWARDED_COUNT',
		default: 0,
	}),
	'trust-proxy': text('NETWORKS', {
		meaning:
			'networks of trusted proxies, instead of their number: addresses, CIDR blocks, loopback or private, separated by commas',
		env: 'ROOMKEY_TRUST_PROXY',
		default: undefined,
		isValid: isNetworkList,
		form: 'addresses, CIDR blocks, loopback or private, separated by commas',
	}),
	grace: integer(0, HOUR, {
		meaning: 'shutdown timeout for calls in flight, in ms; connections close gradually over its first half',
		env: 'ROOMKEY_GRACE',
		default: 5000,
	}),
	'heartbeat-interval': integer(0, HOUR, {
		meaning: 'time between heartbeat pings, in ms; 0 disables',
		env: 'ROOMKEY_HEARTBEAT_INTERVAL',
		default: 15_000,
	}),
	'heartbeat-timeout': integer(1, HOUR, {
		meaning: 'how long a silent client may take to answer a ping, in ms',
		env: 'ROOMKEY_HEARTBEAT_TIMEOUT',
		default: 15_000,
	}),
	'connect-timeout': integer(1, HOUR, {
		meaning: 'how long a DDP client may take to send connect, and may be idle without a heartbeat, in ms',
		env: 'ROOMKEY_CONNECT_TIMEOUT',
		default: 45_000,
	}),
	metrics: text('WHERE', {
		meaning: 'metrics for Prometheus at /metrics: on, off, or a TCP port of their own; 0 picks a free one',
		env: 'ROOMKEY_METRICS',
		default: 'on',
		isValid: (value) => ['on', 'off'].includes(value) || (/^\d{1,5}$/.test(value) && Number(value) <= 65_535),
		form: 'on, off or a port from 0 to 65535',
	}),
	'log-level': oneOf('LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], {
		meaning: 'log level, to stderr: debug (every call), info, warn, error or silent',
		env: 'ROOMKEY_LOG_LEVEL',
		default: 'info',
	}),
	'log-format': oneOf('FORMAT', ['json', 'pretty', 'auto'], {
		meaning: 'log format: json for programs, pretty for people; auto is pretty on a terminal and json elsewhere',
		env: 'ROOMKEY_LOG_FORMAT',
		default: 'auto',
	}),
} as const;

export type OptionName = keyof typeof options;

/** The value of every option. */
export type OptionValues = { [N in OptionName]: (typeof options)[N] extends Option<infer T> ? T : never };
