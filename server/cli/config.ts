/**
 * Reads and checks the settings of the server. The order of precedence: flags, environment, configuration file,
 * defaults.
 */
import { Faults } from '../options/faults.js';
import type { GivenValue, Option } from '../options/optionKinds.js';
import { type OptionName, type OptionValues, options } from '../options/options.js';
import type { CommandSetting } from '../options/serverOptions.js';
import type { StoreChoice } from '../store/open.js';
import { readConfigFile } from './configFile.js';
import { flagName, type GivenFlags, readFlags } from './flags.js';
import { findUnknownVariables } from './unknownVariables.js';

/** The values of the settings. `store` replaces those that name the location of the data. */
export type Config = Omit<OptionValues, CommandSetting> & { readonly store: StoreChoice };

export interface Setting {
	readonly name: OptionName;
	readonly value: unknown;
	/** `default`, or the names of the flag, variable or file entry that the value comes from. */
	readonly from: string;
}

export interface ServerRequest {
	readonly kind: 'serve' | 'print-config';
	readonly config: Config;
	readonly settings: readonly Setting[];
}

/** What the command line asks for. */
export type Request = { readonly kind: 'help' } | { readonly kind: 'version' } | ServerRequest;

/** Options for the location of the data. Each source may give at most one of them. */
const STORES = ['data', 'memory', 'mongo-url', 'demo'] as const satisfies readonly OptionName[];

type StoreName = (typeof STORES)[number];

/** A source of settings: the flags, the environment or the configuration file. */
interface Source {
	/** What the source calls a setting, for errors. */
	nameOf(name: string): string;
	/** The value of a setting, not checked yet. */
	given(name: string, option: Option<unknown>): Omit<GivenValue, 'name'> | undefined;
}

function flagSource({ settings }: GivenFlags): Source {
	return {
		nameOf: (name) => `--${flagName(name, options[name as OptionName])}`,
		given(name, option) {
			const text = settings.get(name);
			return text === undefined ? undefined : { value: option.read(text), original: text };
		},
	};
}

function envSource(env: NodeJS.ProcessEnv): Source {
	return {
		nameOf: (name) => (options[name as OptionName] as Option<unknown>).env ?? name,
		given(_, option) {
			// An empty variable counts as unset.
			const text = option.env && env[option.env];
			return text ? { value: option.read(text), original: text } : undefined;
		},
	};
}

function fileSource(path: string, values: ReadonlyMap<string, unknown>): Source {
	return {
		nameOf: (name) => `${path}: '${name}'`,
		given(name) {
			return values.has(name) ? { value: values.get(name) } : undefined;
		},
	};
}

/** The values of one setting, the strongest source first. */
type SourcedValues = readonly { readonly source: Source; readonly value: unknown }[];

function settingOf(name: OptionName, values: SourcedValues): Setting {
	const option: Option<unknown> = options[name];
	const [strongest] = values;
	if (!strongest) return { name, value: option.default, from: 'default' };
	if (!option.merge) return { name, value: strongest.value, from: strongest.source.nameOf(name) };
	// `merge` expects the strongest source last.
	const value = option.merge(values.map(({ value }) => value).reverse());
	return { name, value, from: values.map(({ source }) => source.nameOf(name)).join(', ') };
}

/** Where the data is stored. The strongest source that names a location decides. */
function storeChoice(
	sources: readonly Source[],
	valuesBySetting: ReadonlyMap<string, SourcedValues>,
	values: OptionValues,
	faults: Faults,
): StoreChoice {
	for (const source of sources) {
		// A switch that is false names no location.
		const isGiven = (name: StoreName) =>
			valuesBySetting.get(name)?.some((entry) => entry.source === source && entry.value !== false);
		const given = STORES.filter(isGiven);
		if (given.length > 1) {
			const names = given.map((name) => source.nameOf(name)).join(' and ');
			faults.add(`choose one of ${names}: the data has one location`);
		}
		const [name] = given;
		if (name === 'memory' || name === 'demo') return { kind: 'memory' };
		if (name === 'data') return { kind: 'files', folder: values.data };
		if (name === 'mongo-url') return { kind: 'mongodb', url: values['mongo-url'] as string };
	}
	return { kind: 'files', folder: values.data };
}

/**
 * @param args the arguments after node and the script
 * @param collected receives the faults, which are then not thrown. The result lacks invalid values and invalid entries
 * of objects
 * @throws OptionError that names all faults
 */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv, collected?: Faults): Request {
	const faults = collected ?? new Faults();
	const flags = readFlags(args, faults);
	for (const kind of ['help', 'version'] as const) if (flags.actions.has(kind)) return { kind };

	findUnknownVariables(env, faults);
	const sources = [flagSource(flags), envSource(env)];
	const configValues = valuesOf('config', sources, faults);
	const configPath = configValues[0]?.value as string | undefined;
	if (configPath !== undefined) {
		const values = faults.try(() => readConfigFile(configPath, faults));
		if (values) sources.push(fileSource(configPath, values));
	}
	const names = Object.keys(options) as OptionName[];
	const valuesBySetting = new Map(
		// The file cannot set its own path, so `config` was read above.
		names.map((name) => [name, name === 'config' ? configValues : valuesOf(name, sources, faults)]),
	);
	const settings = [...valuesBySetting].map(([name, values]) => settingOf(name, values));
	const values = Object.fromEntries(settings.map(({ name, value }) => [name, value])) as unknown as OptionValues;
	const store = storeChoice(sources, valuesBySetting, values, faults);
	if (!collected) faults.throwIfAny();
	const { config: _config, data: _data, memory: _memory, 'mongo-url': _url, ...rest } = values;
	const kind = flags.actions.has('print-config') ? 'print-config' : 'serve';
	return { kind, config: { ...rest, store }, settings };
}

/** The values of a setting, the strongest source first. Wrong values become faults. */
function valuesOf(name: OptionName, sources: readonly Source[], faults: Faults): SourcedValues {
	const option: Option<unknown> = options[name];
	return sources.flatMap((source) => {
		const given = source.given(name, option);
		const value = given && faults.checkSetting(name, option, { name: source.nameOf(name), ...given });
		return value === undefined ? [] : [{ source, value }];
	});
}
