/** Checks the options of `createServer`. */

import { isObject } from '../../shared/isObject.js';
import type { RateRule } from '../../shared/limit.js';
import { collectionNames } from '../../shared/store.js';
import type { StoreChoice } from '../store/open.js';
import { addContradictions } from './contradictions.js';
import { Faults } from './faults.js';
import { requireFreeNames } from './freeNames.js';
import { natsSettings } from './nats.js';
import { OptionError } from './optionError.js';
import type { Option } from './optionKinds.js';
import { type OptionName, type OptionValues, options } from './options.js';
import { PART_NAMES, requirePart, storeChoice } from './parts.js';
import {
	COMMAND_SETTINGS,
	type CommandSetting,
	type Parts,
	type ProgramSettings,
	type ServerOptions,
} from './serverOptions.js';
import { similarName } from './similarName.js';

/**
 * Checked options that are not settings, such as `methods`. An object of limits by method is in the settings instead.
 */
export type CheckedParts = Omit<Parts, 'limits'> & { readonly limits?: readonly RateRule[] };

export interface CheckedOptions {
	/** The settings, by their names in `options.ts`. */
	readonly settings: Omit<OptionValues, CommandSetting>;
	readonly store: StoreChoice;
	readonly parts: CheckedParts;
}

const camelCase = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The names of settings in `options.ts` by their names in `createServer`. */
const programSettings = new Map(
	Object.keys(options)
		.filter((name) => !COMMAND_SETTINGS.includes(name as CommandSetting))
		.map((name) => [camelCase(name), name as OptionName]),
);

/** Renames settings for `createServer`: `max-body` becomes `maxBody`. */
export function asProgramSettings(settings: CheckedOptions['settings']): ProgramSettings {
	return Object.fromEntries(Object.entries(settings).map(([name, value]) => [camelCase(name), value]));
}

/** Checks the options of a server, and adds the defaults. @throws OptionError that names all faults */
export function checkServerOptions(serverOptions: ServerOptions): CheckedOptions {
	const faults = new Faults();
	const checkedOptions = readServerOptions(serverOptions, faults);
	faults.throwIfAny();
	return checkedOptions;
}

/**
 * Reads the options of a server. An invalid option is replaced by its usable part (`Option.usable`) or its default.
 * @param faults receives unknown options, invalid values, and contradictions
 */
export function readServerOptions(serverOptions: ServerOptions, faults: Faults): CheckedOptions {
	if (!isObject(serverOptions as unknown)) {
		faults.add('The options of createServer must be an object');
		return readServerOptions({}, faults);
	}
	const values: Record<string, unknown> = {};
	for (const name of programSettings.values()) values[name] = options[name].default;
	const parts: Record<string, unknown> = {};
	const read = (name: string, value: unknown) => {
		const setting = isRuleList(name, value) ? undefined : programSettings.get(name);
		if (setting) {
			const option: Option<unknown> = options[setting];
			const converted = option.convert ? option.convert(value) : value;
			const usable = faults.checkSetting(setting, option, { name, value: converted, original: value });
			if (usable !== undefined) values[setting] = usable;
		} else if (isPart(name)) {
			requirePart(name, value);
			parts[name] = value;
		} else throw new OptionError(`Unknown option ${name}${suggestion(name)}`);
	};
	for (const [name, value] of Object.entries(serverOptions)) {
		if (value !== undefined) faults.try(() => read(name, value));
	}
	for (const name of [...programSettings.keys(), ...PART_NAMES]) {
		const isInherited = name in serverOptions && !Object.hasOwn(serverOptions, name);
		if (isInherited) faults.add(`${name} must be a member of the options themselves, not of their class or prototype`);
	}
	faults.try(() => requireFreeNames('collections', namesIn(parts.collections), RESERVED_NAMES));
	const settings = values as CheckedOptions['settings'];
	addContradictions(settings, serverOptions, faults);
	const { nats } = settings;
	if (nats !== undefined) faults.try(() => natsSettings(nats, settings));
	const store = settings.demo ? { memory: true } : (parts.store ?? { data: options.data.default });
	return { settings, store: storeWith(settings, storeChoice(store) as StoreChoice), parts };
}

const isPart = (name: string): name is keyof Parts => (PART_NAMES as readonly string[]).includes(name);

function storeWith(settings: CheckedOptions['settings'], store: StoreChoice): StoreChoice {
	const onlyReportsIndexes = settings['no-index'] || settings['read-only'] || settings.shadow;
	if (store.kind === 'mongodb' && onlyReportsIndexes) return { ...store, indexes: 'report' };
	return store.kind === 'files' && settings.nats !== undefined ? { ...store, shared: true } : store;
}

function suggestion(name: string): string {
	const stores = ['data', 'memory', 'mongoUrl'];
	const similar = similarName(name, [...programSettings.keys(), ...PART_NAMES, ...stores]);
	if (similar === undefined) return '';
	return `; did you mean ${stores.includes(similar) ? `store: { ${similar}: … }` : similar}?`;
}

/** The option `limits` is either a list of rules or an object of limits by method. */
const isRuleList = (name: string, value: unknown) => name === 'limits' && Array.isArray(value);

/** `requirePart` has checked that each definition has a name, but not that it is a text. */
function namesIn(value: unknown): readonly string[] {
	if (!Array.isArray(value)) return [];
	return value.map((entry) => isObject(entry) && entry.name).filter((name) => typeof name === 'string');
}

const RESERVED_NAMES: ReadonlySet<string> = new Set(Object.values(collectionNames));
