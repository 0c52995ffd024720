/**
 * All settings. The options of `createServer`, the flags, the environment variables, `--help`, the table in
 * docs/operating.md and the checks are made from this list.
 */
import { isNetworkList } from '../core/limits/address.js';
import { httpOptions } from './httpOptions.js';
import { keyOptions } from './keyOptions.js';
import { methodLimits } from './limits.js';
import { GIB, HOUR, integer, type Option, oneOf, onOff, text } from './optionKinds.js';
import { storeOptions } from './storeOptions.js';

const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;

export const options = {
	config: text('FILE', {
		meaning: 'read settings from this JSON file; flags and environment variables take precedence',
		env: 'ROOMKEY_CONFIG',
		default: undefined,
	}),
	port: integer(0, 65_535, { meaning: 'TCP port to listen on; 0 picks a free one', env: 'PORT', default: 3000 }),
	host: text('ADDRESS', {
		meaning: 'network address to listen on; 0.0.0.0 means all',
		env: 'BIND_IP',
		default: '127.0.0.1',
	}),
	...storeOptions,
	...keyOptions,
	...httpOptions,
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
		meaning: 'maximum number of unanswered messages of one client; then the server stops reading from the client',
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
	'max-connects-per-second': integer(1, 1_000_000, {
		meaning: 'maximum number of DDP connections that open in a second; further ones wait up to 5 s, then get 503',
		env: 'ROOMKEY_MAX_CONNECTS_PER_SECOND',
		default: 200,
	}),
	'max-event-loop-delay': integer(0, HOUR, {
		meaning: 'mean delay of the event loop, in ms, above which only 5 DDP connections open in a second; 0 disables',
		env: 'ROOMKEY_MAX_EVENT_LOOP_DELAY',
		default: 100,
	}),
	'rate-limit': oneOf('MODE', ['on', 'off', 'dry-run'], {
		meaning: 'rate limits: on, off, or dry-run to log only which calls would be refused',
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
		meaning: 'how long a DDP client may take to send connect, and be idle if it has no heartbeat, in ms',
		env: 'ROOMKEY_CONNECT_TIMEOUT',
		default: 45_000,
	}),
	metrics: {
		...text('WHERE', {
			meaning: 'metrics for Prometheus at /metrics: on, off, or a TCP port of their own; 0 picks a free one',
			env: 'ROOMKEY_METRICS',
			default: 'on',
			isValid: (value) => ['on', 'off'].includes(value) || isPort(value),
			form: 'on, off or a port from 0 to 65535',
		}),
		// In a program or the configuration file, a port may be a number.
		convert: (value: unknown) => (typeof value === 'number' ? String(value) : value),
	},
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

/** The value of each setting. */
export type OptionValues = { [N in OptionName]: (typeof options)[N] extends Option<infer T> ? T : never };
