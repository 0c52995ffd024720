/** Checks the options of `createServer`. */

import { isObject } from '../../shared/isObject.js';
import { STRATEGIES } from '../../shared/publication.js';
import { collectionNames } from '../../shared/store.js';
import type { StoreChoice } from '../store/open.js';
import { checked, type Option, OptionError } from './kinds.js';
import { type OptionName, type OptionValues, options } from './options.js';
import {
	type Parts,
	type ProgramSettings,
	type ServerOptions,
	STORE_SETTINGS,
	type StoreSetting,
} from './serverOptions.js';

/** Checked options. */
export interface CheckedOptions {
	/** The settings, by their names in `options.ts`. */
	readonly settings: Omit<OptionValues, StoreSetting>;
	readonly store: StoreChoice;
	readonly parts: Parts;
}

const isList = (value: unknown) => Array.isArray(value);
const isFlag = (value: unknown) => typeof value === 'boolean';

/** Makes a check for an array of objects that have these keys. */
function listOf(...keys: string[]): (value: unknown) => boolean {
	return (value) => Array.isArray(value) && value.every((one) => isObject(one) && keys.every((key) => key in one));
}

/** The form of an option in errors, whether a value has it, and what names the first bad entry of a list or an object. */
type Part = readonly [
	form: string,
	accepts: (value: unknown) => boolean,
	badEntry?: (value: unknown) => string | undefined,
];

/** For each option that is not a setting. */
const PARTS: { readonly [K in keyof Required<Parts>]: Part } = {
	collections: ['a list of what collection() returns', listOf('name', 'key', 'indexes')],
	methods: ['a list of what method() returns', listOf('name', 'args', 'run', 'changesUser')],
	publications: [
		'a list of what publication() returns',
		(value) =>
			listOf('name', 'args', 'run', 'timeout')(value) && !(value as object[]).some((one) => 'changesUser' in one),
	],
	streams: ['a list of what stream() returns', listOf('name', 'mayRead')],
	limits: ['a list of rules', isList, badRule],
	limitMessage: ['a text or a function', (value) => typeof value === 'string' || typeof value === 'function'],
	onConnection: ['a list of functions', (value) => isList(value) && (value as unknown[]).every(isFunction)],
	strategies: [
		'an object of strategies by collection',
		isObject,
		(value) => badValue(value, isStrategy, `one of ${STRATEGIES.join(', ')}`),
	],
	accounts: ['true or false', isFlag],
	keys: ['true or false', isFlag],
	loginHandlers: ['a list of what loginHandler() returns', listOf('name', 'run')],
	permissions: [
		'an object of lists of roles by permission',
		isObject,
		(value) => badValue(value, isListOfText, 'a list of texts'),
	],
	store: ['{ memory: true }, { data: folder } or { mongoUrl: address }', (value) => storeChoice(value) !== undefined],
	log: ['an object with debug, info, warn and error', (value) => listOf('debug', 'info', 'warn', 'error')([value])],
	server: ['a server of node:http', (value) => isObject(value) && isFunction(value.on)],
	listen: ['true or false', isFlag],
};

function isFunction(value: unknown): boolean {
	return typeof value === 'function';
}

function isStrategy(value: unknown): boolean {
	return (STRATEGIES as readonly unknown[]).includes(value);
}

function isListOfText(value: unknown): boolean {
	return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** Names the first value of an object that has not the form. */
function badValue(value: unknown, accepts: (value: unknown) => boolean, form: string): string | undefined {
	const bad = Object.entries(value as object).find(([, one]) => !accepts(one));
	return bad && `that of '${bad[0]}' must be ${form}`;
}

const RULE_KEYS: ReadonlySet<string> = new Set(['id', 'matcher', 'calls', 'per', 'exact', 'callback', 'message']);
const MATCHER_KEYS: ReadonlySet<string> = new Set(['type', 'name', 'userId', 'clientAddress', 'connectionId']);

/** Names what is wrong with the first rule that is no rate limit. */
function badRule(value: unknown): string | undefined {
	for (const [i, rule] of (value as readonly unknown[]).entries()) {
		if (!isObject(rule)) return `entry ${i} must be an object`;
		const { matcher, calls, per, exact = false } = rule as Record<string, unknown>;
		if (!isObject(matcher)) return `entry ${i} must have a matcher: {} matches everything`;
		const unknown =
			Object.keys(rule as object).find((key) => !RULE_KEYS.has(key)) ??
			Object.keys(matcher as object).find((key) => !MATCHER_KEYS.has(key));
		if (unknown !== undefined) return `entry ${i} has the unknown member '${unknown}'`;
		if (typeof exact !== 'boolean') return `entry ${i} must have true or false for exact`;
		for (const number of [calls, per]) {
			if (number === undefined || (Number.isInteger(number) && (number as number) >= 1)) continue;
			return `entry ${i} must have whole numbers of calls and of ms`;
		}
	}
	return undefined;
}

function storeChoice(value: unknown): StoreChoice | undefined {
	const { memory, data, mongoUrl } = (isObject(value) ? value : {}) as Record<string, unknown>;
	if (Object.keys((value as object) ?? {}).length !== 1) return undefined;
	if (memory === true) return { kind: 'memory' };
	if (typeof data === 'string' && data !== '') return { kind: 'files', folder: data };
	return typeof mongoUrl === 'string' && mongoUrl !== '' ? { kind: 'mongodb', url: mongoUrl } : undefined;
}

const camelCase = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The settings that `createServer` accepts: the name in `options.ts` by the name of the option. */
const programSettings = new Map(
	Object.keys(options)
		.filter((name) => !STORE_SETTINGS.includes(name as StoreSetting))
		.map((name) => [camelCase(name), name as OptionName]),
);

/** Converts the settings of the command to options of `createServer`. */
export function asProgramSettings(settings: CheckedOptions['settings']): ProgramSettings {
	return Object.fromEntries(Object.entries(settings).map(([name, value]) => [camelCase(name), value]));
}

/**
 * Checks the options of a server, and adds the defaults.
 * @throws OptionError that names the option, for one that is unknown or has an invalid value
 */
export function checkServerOptions(given: ServerOptions): CheckedOptions {
	if (!isObject(given as unknown)) throw new OptionError('The options of createServer must be an object');
	const settings: Record<string, unknown> = {};
	for (const name of programSettings.values()) settings[name] = options[name].default;
	for (const [name, value] of Object.entries(given)) {
		if (value === undefined) continue;
		const setting = programSettings.get(name);
		if (setting) settings[setting] = checked(options[setting] as Option<unknown>, value, name);
		else if (Object.hasOwn(PARTS, name)) requirePart(name as keyof Parts, value);
		else throw new OptionError(`Unknown option ${name}${suggestion(name)}`);
	}
	// The passwords of the demo are public, so only this machine may connect to it.
	if (settings.demo) settings.host = '127.0.0.1';
	requireDistinct(given.collections ?? []);
	if (given.demo && given.store) throw new OptionError('demo keeps its data in memory: leave out store');
	let store: StoreChoice = given.demo
		? { kind: 'memory' }
		: (storeChoice(given.store ?? { data: options.data.default }) as StoreChoice);
	if (store.kind !== 'mongodb' && ['change-streams', 'polling'].includes(settings.watch as string)) {
		throw new OptionError(`watch must be off or auto, because the data is not in MongoDB: nobody else writes to it`);
	}
	if (settings.nats !== undefined && store.kind === 'memory') {
		throw new OptionError('nats joins processes that use the same data: store them in a folder or in MongoDB');
	}
	if (store.kind === 'files' && settings.nats !== undefined) store = { ...store, shared: true };
	return { settings: settings as unknown as CheckedOptions['settings'], store, parts: given };
}

function requirePart(name: keyof Parts, value: unknown): void {
	const [form, accepts, badEntry] = PARTS[name];
	if (!accepts(value)) throw new OptionError(`${name} must be ${form}`);
	const bad = badEntry?.(value);
	if (bad !== undefined) throw new OptionError(`${name} must be ${form}: ${bad}`);
}

/** The rest of the error text, if the name is a flag of the command or another spelling of an option. */
function suggestion(name: string): string {
	const plain = (text: string) => text.replaceAll(/[-_]/g, '').toLowerCase();
	const similar = [...programSettings.keys(), ...Object.keys(PARTS)].find((known) => plain(known) === plain(name));
	if (similar !== undefined) return `; it is ${similar}`;
	return ['data', 'memory', 'mongourl'].includes(plain(name)) ? `; it is store: { ${camelCase(name)}: … }` : '';
}

/** The names of Roomkey's own collections in the database. */
const RESERVED: ReadonlySet<string> = new Set(Object.values(collectionNames));

/** Refuses a collection whose name is taken. */
function requireDistinct(collections: readonly { readonly name: string }[]): void {
	const names = new Set<string>();
	for (const { name } of collections) {
		if (RESERVED.has(name)) throw new OptionError(`collections must not have '${name}', which is Roomkey's own`);
		if (names.has(name)) throw new OptionError(`collections has '${name}' twice`);
		names.add(name);
	}
}
