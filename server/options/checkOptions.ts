/** Checks the options of `createServer`. */

import { isObject } from '../../shared/isObject.js';
import type { RateRule } from '../../shared/limit.js';
import { collectionNames } from '../../shared/store.js';
import type { StoreChoice } from '../store/open.js';
import { addContradictions } from './contradictions.js';
import { requireFreeNames } from './freeNames.js';
import { checked, Faults, type Option, OptionError, similarName } from './kinds.js';
import { natsSettings } from './nats.js';
import { type OptionName, type OptionValues, options } from './options.js';
import { PART_NAMES, requirePart, storeChoice } from './parts.js';
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
	const values: Record<string, unknown> = {};
	for (const name of programSettings.values()) values[name] = options[name].default;
	const faults = new Faults();
	const check = (name: string, value: unknown) => {
		const setting = isRuleList(name, value) ? undefined : programSettings.get(name);
		if (setting) {
			const option: Option<unknown> = options[setting];
			values[setting] = checked(option, option.convert ? option.convert(value) : value, name, value);
		} else if (isPart(name)) requirePart(name, value);
		else throw new OptionError(`Unknown option ${name}${suggestion(name)}`);
	};
	for (const [name, value] of Object.entries(given)) if (value !== undefined) faults.try(() => check(name, value));
	faults.try(() => requireFreeNames('collections', namesIn(given.collections), RESERVED));
	const settings = values as CheckedOptions['settings'];
	addContradictions(settings, given, faults);
	const { nats } = settings;
	if (nats !== undefined) faults.try(() => natsSettings(nats, settings));
	faults.throwIfAny();
	const { limits, ...parts } = given;
	const asked = given.demo ? { memory: true } : (given.store ?? { data: options.data.default });
	return {
		settings,
		store: storeWith(settings, storeChoice(asked) as StoreChoice),
		parts: { ...parts, ...(Array.isArray(limits) && { limits }) },
	};
}

const isPart = (name: string): name is keyof Parts => (PART_NAMES as readonly string[]).includes(name);

/** Adds to a place of data how the settings use it. */
function storeWith(settings: CheckedOptions['settings'], store: StoreChoice): StoreChoice {
	const makesNoIndex = settings['no-index'] || settings['read-only'] || settings.shadow;
	if (store.kind === 'mongodb' && makesNoIndex) return { ...store, indexes: 'report' };
	return store.kind === 'files' && settings.nats !== undefined ? { ...store, shared: true } : store;
}

/** The rest of the error text, if the name is a flag of the command or another spelling of an option. */
function suggestion(name: string): string {
	const option = similarName(name, [...programSettings.keys(), ...PART_NAMES]);
	if (option !== undefined) return `; it is ${option}`;
	const store = similarName(name, ['data', 'memory', 'mongoUrl']);
	return store === undefined ? '' : `; it is store: { ${store}: … }`;
}

/** Whether an option is a list of rules, and not limits by method, which have the same name. */
const isRuleList = (name: string, value: unknown) => name === 'limits' && Array.isArray(value);

/** The names in a list that may be anything. */
function namesIn(value: unknown): readonly string[] {
	if (!Array.isArray(value)) return [];
	return value.flatMap((one) => (isObject(one) && typeof one.name === 'string' ? one.name : []));
}

/** The names of Roomkey's own collections in the database. */
const RESERVED: ReadonlySet<string> = new Set(Object.values(collectionNames));
