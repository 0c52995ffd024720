/**
 * The one list of settings. Flags, environment variables, `--help`, the table in docs/operating.md and the check at start all come
 * from it.
 */

import { isEmail, isUsername } from '../../methods/model/users/names.js';
import { DEFAULT_ROCKETCHAT_VERSION, isVersion } from '../rest/info.js';

/** A setting that cannot be used. Its message is for the one who set it. */
export class OptionError extends Error {}

export interface Option<T> {
	/** What it decides, with its unit. */
	readonly meaning: string;
	/** Environment variable that sets it where no flag does. */
	readonly env?: string;
	/** What stands for its value in `--help`; none for a switch. */
	readonly placeholder?: string;
	/** True: there is no such flag, for everybody on the machine can read the command line of a process. */
	readonly envOnly?: boolean;
	readonly default: T;
	/** @throws OptionError for text that is no such value */
	parse(text: string, name: string): T;
}

type Description<T> = Omit<Option<T>, 'parse' | 'placeholder' | 'envOnly'>;

/** Text; where `isValid` is given, of the form that `form` describes. */
function text<T extends string | undefined>(
	placeholder: string,
	{
		isValid = () => true,
		form,
		...description
	}: Description<T> & { readonly isValid?: (text: string) => boolean; readonly form?: string },
): Option<T | string> {
	return {
		...description,
		placeholder,
		parse(value, name) {
			if (value === '') throw new OptionError(`${name} must not be empty`);
			if (!isValid(value)) throw new OptionError(`${name} must be ${form}, not '${value}'`);
			return value;
		},
	};
}

function integer(min: number, max: number, description: Description<number>): Option<number> {
	return {
		...description,
		placeholder: 'N',
		parse(value, name) {
			const number = Number(value);
			if (/^\d+$/.test(value) && number >= min && number <= max) return number;
			throw new OptionError(`${name} must be a whole number from ${min} to ${max}, not '${value}'`);
		},
	};
}

function oneOf<const T extends string>(
	placeholder: string,
	choices: readonly T[],
	description: Description<NoInfer<T>>,
): Option<T> {
	return {
		...description,
		placeholder,
		parse(value, name) {
			const choice = choices.find((known) => known === value);
			if (choice !== undefined) return choice;
			throw new OptionError(`${name} must be one of ${choices.join(', ')}, not '${value}'`);
		},
	};
}

/** A switch, off by default. Its variable says true or false. */
function onOff(meaning: string, env?: string): Option<boolean> {
	return {
		meaning,
		...(env && { env }),
		default: false,
		parse(value, name) {
			if (['true', 'on', '1'].includes(value)) return true;
			if (['false', 'off', '0'].includes(value)) return false;
			throw new OptionError(`${name} must be true or false, not '${value}'`);
		},
	};
}

/** Text in the environment alone. What is wrong is told without the value: it may be a password. */
function inEnvironment<T extends string | undefined>(
	isGood: (text: string) => boolean,
	what: string,
	description: Description<T>,
): Option<T | string> {
	return {
		...description,
		placeholder: 'TEXT',
		envOnly: true,
		parse(value, name) {
			if (isGood(value)) return value;
			throw new OptionError(`${name} must be ${what}`);
		},
	};
}

const HOUR = 3_600_000;
const GIB = 1024 ** 3;

export const options = {
	port: integer(0, 65_535, { meaning: 'TCP port to listen on; 0 picks a free one', env: 'PORT', default: 3000 }),
	host: text('ADDRESS', {
		meaning: 'network address to listen on; 0.0.0.0 is every one',
		env: 'BIND_IP',
		default: '127.0.0.1',
	}),
	data: text('DIR', {
		meaning: 'keep the data in files in this folder',
		env: 'ROOMKEY_DATA',
		default: 'roomkey-data',
	}),
	memory: onOff('keep the data in memory: gone at the end'),
	'mongo-url': text('URL', {
		meaning: 'keep the data in this MongoDB, in the collections of Rocket.Chat',
		env: 'MONGO_URL',
		default: undefined,
	}),
	demo: onOff('try it: memory, on 127.0.0.1, with people and rooms to play with'),
	'sign-ups': onOff('strangers may make an account with createUser', 'ROOMKEY_SIGN_UPS'),
	'admin-pass': inEnvironment((text) => text.trim() !== '', 'a password', {
		meaning: 'if there is no admin at the start, make one with this password',
		env: 'ADMIN_PASS',
		default: undefined,
	}),
	'admin-username': inEnvironment(isUsername, 'letters, digits and any of . _ - only', {
		meaning: 'user name of that admin',
		env: 'ADMIN_USERNAME',
		default: 'admin',
	}),
	'admin-email': inEnvironment(isEmail, 'an e-mail address', {
		meaning: 'e-mail of that admin',
		env: 'ADMIN_EMAIL',
		default: undefined,
	}),
	'lease-time': integer(0, HOUR, {
		meaning: 'ms that a waiting member is left to the one who was told of them, before others are',
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
		'the last holder of the key of a room must say confirm: true to give it up',
		'ROOMKEY_CONFIRM_LAST_KEY_HOLDER',
	),
	'rocketchat-version': text('VERSION', {
		meaning: 'version of Rocket.Chat that its apps are told at /api/info; they choose by it how they write keys',
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
		meaning: 'web pages of these origins may call REST from a browser: * for all, or some with commas between them',
		env: 'API_CORS_ORIGIN',
		default: undefined,
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
		'compress long frames to WebSocket clients that offer permessage-deflate: less to send, more to do',
		'ROOMKEY_COMPRESSION',
	),
	'max-queue': integer(1, 1_000_000, {
		meaning: 'messages of one client that may be unanswered, waiting or running; with more, no more are read',
		env: 'ROOMKEY_MAX_QUEUE',
		default: 100,
	}),
	'max-buffered': integer(65_536, GIB, {
		meaning: 'most bytes that wait for a client that does not read, before it is cut off',
		env: 'ROOMKEY_MAX_BUFFERED',
		default: 16_777_216,
	}),
	'max-subscriptions': integer(1, 1_000_000, {
		meaning: 'most subscriptions of one client at a time',
		env: 'ROOMKEY_MAX_SUBSCRIPTIONS',
		default: 1000,
	}),
	'max-subscription-bytes': integer(16_384, GIB, {
		meaning: 'most bytes of the ids and parameters of all subscriptions of one client together',
		env: 'ROOMKEY_MAX_SUBSCRIPTION_BYTES',
		default: 262_144,
	}),
	'max-connections-per-address': integer(1, 1_000_000, {
		meaning: 'most DDP clients of one address at a time (of IPv6: of one /64)',
		env: 'ROOMKEY_MAX_CONNECTIONS_PER_ADDRESS',
		default: 1000,
	}),
	'rate-limit': oneOf('MODE', ['on', 'off', 'dry-run'], {
		meaning: 'whether callers who call too often are refused: on, off, or dry-run to only log it',
		env: 'ROOMKEY_RATE_LIMIT',
		default: 'on',
	}),
	'once-lifetime': integer(0, HOUR, {
		meaning: 'ms for which whoever asks again, because the answer was lost, gets the first answer; 0 for never',
		env: 'ROOMKEY_ONCE_LIFETIME',
		default: 120_000,
	}),
	'once-max': integer(1, 10_000_000, {
		meaning:
			'most calls whose answers are kept for that; fewer, where these answers are longer than 64 Mi characters together',
		env: 'ROOMKEY_ONCE_MAX',
		default: 100_000,
	}),
	'forwarded-count': integer(0, 100, {
		meaning: 'how many proxies stand before it, each adding to X-Forwarded-For; tells whose calls to count',
		env: 'HTTP_FORWARDED_COUNT',
		default: 0,
	}),
	grace: integer(0, HOUR, {
		meaning: 'ms that connections have at the end for what is unanswered; they begin to close over half of it',
		env: 'ROOMKEY_GRACE',
		default: 5000,
	}),
	'heartbeat-interval': integer(0, HOUR, {
		meaning: 'ms between looks whether a client is alive; 0 for none',
		env: 'ROOMKEY_HEARTBEAT_INTERVAL',
		default: 15_000,
	}),
	'heartbeat-timeout': integer(1, HOUR, {
		meaning: 'ms a silent client has to answer a ping',
		env: 'ROOMKEY_HEARTBEAT_TIMEOUT',
		default: 15_000,
	}),
	'connect-timeout': integer(1, HOUR, {
		meaning: 'ms a DDP client has to say connect, and may be idle where it has no heartbeat',
		env: 'ROOMKEY_CONNECT_TIMEOUT',
		default: 45_000,
	}),
	'log-level': oneOf('LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], {
		meaning: 'least important lines to log (JSON, to stderr): debug, info, warn, error or silent',
		env: 'ROOMKEY_LOG_LEVEL',
		default: 'info',
	}),
} as const;

export type OptionName = keyof typeof options;

/** The value of every option. */
export type OptionValues = { [N in OptionName]: (typeof options)[N] extends Option<infer T> ? T : never };

function flagOf(name: string, { placeholder, envOnly }: Option<unknown>): string {
	if (envOnly) return '';
	return placeholder ? `--${name} ${placeholder}` : `--${name}`;
}

interface Row {
	readonly flag: string;
	readonly env: string;
	readonly default: string;
	readonly meaning: string;
}

function rows(): Row[] {
	return Object.entries<Option<unknown>>(options).map(([name, option]) => ({
		flag: flagOf(name, option),
		env: option.env ?? '',
		default: option.placeholder && option.default !== undefined ? String(option.default) : '',
		meaning: option.meaning,
	}));
}

/** The text of `--help`. */
export function helpText(): string {
	const all = rows();
	const width = Math.max(...all.map(({ flag }) => flag.length));
	const lines = all.map(({ flag, env, default: standard, meaning }) => {
		const notes = [standard && `default ${standard}`, flag && env && `env ${env}`].filter(Boolean).join(', ');
		return `  ${(flag || env).padEnd(width)}  ${meaning}${notes && ` (${notes})`}`;
	});
	return [
		'Usage: roomkey [options]',
		'',
		'A DDP method server for the end-to-end encryption keys of rooms: over WebSocket at /websocket, over REST at',
		'/api/v1. At most one of --data, --memory, --mongo-url and --demo says where the data is.',
		'',
		'Options, and what stands in the environment alone:',
		...lines,
		`  ${'--help'.padEnd(width)}  print this and end`,
		`  ${'--version'.padEnd(width)}  print the version and end`,
	].join('\n');
}

/** The table of settings in docs/operating.md, as Markdown. */
export function settingsTable(): string {
	return [
		'| Flag | Environment | Default | Meaning |',
		'|---|---|---|---|',
		...rows().map(
			(row) =>
				`| ${row.flag && `\`${row.flag}\``} | ${row.env && `\`${row.env}\``} | ${row.default && `\`${row.default}\``} | ${row.meaning} |`,
		),
	].join('\n');
}
