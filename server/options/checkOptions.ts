/** Checks the options of `createServer`. */

import { badEntryOf } from '../../shared/definition.js';
import { isObject } from '../../shared/isObject.js';
import type { RateRule } from '../../shared/limit.js';
import { STRATEGIES } from '../../shared/publication.js';
import { collectionNames } from '../../shared/store.js';
import type { StoreChoice } from '../store/open.js';
import { refuseContradictions } from './contradictions.js';
import { checked, Faults, type Option, OptionError, similarName } from './kinds.js';
import { type OptionName, type OptionValues, options } from './options.js';
import {
	COMMAND_SETTINGS,
	type CommandSetting,
	type Parts,
	type ProgramSettings,
	type ServerOptions,
} from './serverOptions.js';

/** The parts, without limits of methods, which are a setting. */
export type CheckedParts = Omit<Parts, 'limits'> & { readonly limits?: readonly RateRule[] };

/** Checked options. */
export interface CheckedOptions {
	/** The settings, by their names in `options.ts`. */
	readonly settings: Omit<OptionValues, CommandSetting>;
	readonly store: StoreChoice;
	readonly parts: CheckedParts;
}

const isList = (value: unknown) => Array.isArray(value);
const isFlag = (value: unknown) => typeof value === 'boolean';
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Makes the check of a list of definitions: objects that have these keys, and not those of another kind. */
function definitions(maker: string, keys: readonly string[], excluded?: string): Part {
	const isOne = (one: unknown) =>
		isObject(one) && keys.every((key) => key in one) && !(excluded !== undefined && excluded in one);
	return [
		`a list of what ${maker}() returns`,
		isList,
		(value) => badEntryOf(value as unknown[], (one) => (isOne(one) ? undefined : `is ${entryText(one)}`)),
	];
}

/** How an error names a wrong entry. */
function entryText(entry: unknown): string {
	if (entry === undefined || entry === null) return `${entry}: is it imported by the right name?`;
	return isObject(entry) ? 'another object' : `a ${typeof entry}`;
}

/** The form of an option in errors, whether a value has it, and what names the first bad entry of a list or an object. */
type Part = readonly [
	form: string,
	accepts: (value: unknown) => boolean,
	badEntry?: (value: unknown) => string | undefined,
];

/** For each option that is not a setting. */
const PARTS: { readonly [K in keyof Required<Parts>]: Part } = {
	collections: definitions('collection', ['name', 'key', 'indexes']),
	methods: definitions('method', ['name', 'args', 'run', 'changesUser']),
	publications: definitions('publication', ['name', 'args', 'run', 'timeout'], 'changesUser'),
	streams: definitions('stream', ['name', 'mayRead']),
	limits: ['a list of rules', isList, badRule],
	limitMessage: ['a text or a function', (value) => typeof value === 'string' || typeof value === 'function'],
	onConnection: [
		'a list of functions',
		isList,
		(value) => badEntryOf(value as unknown[], (one) => (isFunction(one) ? undefined : `is ${entryText(one)}`)),
	],
	strategies: [
		'an object of strategies by collection',
		isObject,
		(value) => badValue(value, isStrategy, `one of ${STRATEGIES.join(', ')}`),
	],
	accounts: ['true or false', isFlag],
	keys: ['true or false', isFlag],
	loginHandlers: definitions('loginHandler', ['name', 'run'], 'args'),
	permissions: [
		'an object of lists of roles by permission',
		isObject,
		(value) => badValue(value, isListOfText, 'a list of texts'),
	],
	store: ['{ memory: true }, { data: folder } or { mongoUrl: address }', (value) => storeChoice(value) !== undefined],
	log: [
		'an object with debug, info, warn and error',
		(value) => isObject(value) && LEVELS.every((level) => isFunction((value as Record<string, unknown>)[level])),
	],
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
	return badEntryOf(value as readonly unknown[], ruleFault);
}

function ruleFault(rule: unknown): string | undefined {
	if (!isObject(rule)) return 'must be an object';
	const { matcher, calls, per, exact = false, callback, message, id } = rule as Record<string, unknown>;
	if (!isObject(matcher)) return 'must have a matcher: {} matches everything';
	const unknown =
		Object.keys(rule as object).find((key) => !RULE_KEYS.has(key)) ??
		Object.keys(matcher as object).find((key) => !MATCHER_KEYS.has(key));
	if (unknown !== undefined) return `has the unknown member '${unknown}'`;
	// Ignoring it would make the rule match every value.
	const absent = Object.entries(matcher as object).find(([, condition]) => condition === undefined);
	if (absent) return `has a matcher whose ${absent[0]} is undefined: leave it out, or null, to match any`;
	if (typeof exact !== 'boolean') return 'must have true or false for exact';
	for (const number of [calls, per]) {
		if (number === undefined || (Number.isInteger(number) && (number as number) >= 1)) continue;
		return 'must have whole numbers of calls and of ms';
	}
	if (callback !== undefined && !isFunction(callback)) return 'must have a function as callback';
	if (message !== undefined && typeof message !== 'string' && !isFunction(message)) {
		return 'must have a text or a function as message';
	}
	return id === undefined || typeof id === 'string' ? undefined : 'must have a text as id';
}

function storeChoice(value: unknown, noIndex = false): StoreChoice | undefined {
	const { memory, data, mongoUrl } = (isObject(value) ? value : {}) as Record<string, unknown>;
	if (Object.keys((value as object) ?? {}).length !== 1) return undefined;
	if (memory === true) return { kind: 'memory' };
	if (typeof data === 'string' && data !== '') return { kind: 'files', folder: data };
	if (typeof mongoUrl !== 'string' || mongoUrl === '') return undefined;
	return { kind: 'mongodb', url: mongoUrl, ...(noIndex && { indexes: 'report' as const }) };
}

const camelCase = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The settings that `createServer` accepts: the name in `options.ts` by the name of the option. */
const programSettings = new Map(
	Object.keys(options)
		.filter((name) => !COMMAND_SETTINGS.includes(name as CommandSetting))
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
	const faults = new Faults();
	const check = (name: string, value: unknown) => {
		const setting = isRuleList(name, value) ? undefined : programSettings.get(name);
		if (setting) {
			const option: Option<unknown> = options[setting];
			settings[setting] = checked(option, option.convert ? option.convert(value) : value, name, value);
		} else if (Object.hasOwn(PARTS, name)) requirePart(name as keyof Parts, value);
		else throw new OptionError(`Unknown option ${name}${suggestion(name)}`);
	};
	for (const [name, value] of Object.entries(given)) if (value !== undefined) faults.try(() => check(name, value));
	faults.try(() => requireDistinct(listOfNamed(given.collections)));
	refuseContradictions(settings as CheckedOptions['settings'], given, faults);
	faults.throwIfAny();
	const { limits, ...parts } = given;
	const asked = given.demo ? { memory: true } : (given.store ?? { data: options.data.default });
	const store = storeChoice(asked, given.noIndex) as StoreChoice;
	return {
		settings: settings as unknown as CheckedOptions['settings'],
		store: store.kind === 'files' && settings.nats !== undefined ? { ...store, shared: true } : store,
		parts: { ...parts, ...(Array.isArray(limits) && { limits }) },
	};
}

function requirePart(name: keyof Parts, value: unknown): void {
	const [form, accepts, badEntry] = PARTS[name];
	if (!accepts(value)) throw new OptionError(`${name} must be ${form}`);
	const bad = badEntry?.(value);
	if (bad !== undefined) throw new OptionError(`${name} must be ${form}: ${bad}`);
}

/** The rest of the error text, if the name is a flag of the command or another spelling of an option. */
function suggestion(name: string): string {
	const option = similarName(name, [...programSettings.keys(), ...Object.keys(PARTS)]);
	if (option !== undefined) return `; it is ${option}`;
	const store = similarName(name, ['data', 'memory', 'mongoUrl']);
	return store === undefined ? '' : `; it is store: { ${store}: … }`;
}

/** Whether an option is a list of rules, and not limits by method, which have the same name. */
const isRuleList = (name: string, value: unknown) => name === 'limits' && isList(value);

/** The named entries of a list that may be anything. */
function listOfNamed(value: unknown): readonly { readonly name: string }[] {
	return Array.isArray(value) ? value.filter((one) => isObject(one) && typeof one.name === 'string') : [];
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
