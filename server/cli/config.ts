/**
 * Reads and checks flags and environment variables. Flags take precedence over environment variables, and these over
 * defaults.
 */
import { parseArgs } from 'node:util';
import { checked, type Option, OptionError } from '../options/kinds.js';
import { type OptionName, type OptionValues, options } from '../options/options.js';
import type { StoreChoice } from '../store/open.js';

export type Config = Omit<OptionValues, 'data' | 'memory' | 'mongo-url'> & { readonly store: StoreChoice };

/** The result of reading the command line: a server to start, or a text to print. */
export type Request = { kind: 'help' } | { kind: 'version' } | { kind: 'serve'; config: Config };

/** Options for the location of the data; at most one may be given. */
const STORES = ['data', 'memory', 'mongo-url', 'demo'] as const satisfies readonly OptionName[];

/** The flags of a command line, by name. */
type Given = Partial<Record<string, string | boolean>>;

function parseFlags(args: readonly string[]): Given {
	const known = Object.entries<Option<unknown>>(options)
		.filter(([, { envOnly }]) => !envOnly)
		.map(([name, { placeholder }]) => [name, { type: placeholder ? 'string' : 'boolean' }] as const);
	try {
		const { values } = parseArgs({
			args: [...args],
			options: { ...Object.fromEntries(known), help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } },
		});
		return values;
	} catch (error) {
		throw new OptionError((error as Error).message);
	}
}

/** The value of an option: from its flag, else from its variable, else the default. */
function readOption<T>(name: string, option: Option<T>, flag: string | boolean | undefined, env: NodeJS.ProcessEnv): T {
	const parse = (text: string, source: string) => checked(option, option.read(text), source, text);
	if (flag !== undefined) return parse(String(flag), `--${name}`);
	// An empty variable counts as unset.
	const text = option.env && env[option.env];
	return text ? parse(text, option.env as string) : option.default;
}

/** Where the data is stored. @throws OptionError if two locations are given */
function storeChoice(given: Given, values: OptionValues, env: NodeJS.ProcessEnv): StoreChoice {
	const flags = STORES.filter((name) => given[name] !== undefined);
	if (flags.length > 1) {
		throw new OptionError(`choose one of ${flags.map((name) => `--${name}`).join(' and ')}: the data is in one place`);
	}
	const url = values['mongo-url'];
	if (flags[0] === 'memory' || flags[0] === 'demo') return { kind: 'memory' };
	if (flags[0] === 'data' || url === undefined) return { kind: 'files', folder: values.data };
	if (flags[0] === undefined && env.ROOMKEY_DATA) {
		throw new OptionError('choose one of MONGO_URL and ROOMKEY_DATA: the data is in one place');
	}
	return { kind: 'mongodb', url };
}

/**
 * Reads the command line.
 * @param args the arguments after node and the script
 * @throws OptionError for unknown flags, invalid values, and two locations of the data
 */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): Request {
	const given = parseFlags(args);
	if (given.help) return { kind: 'help' };
	if (given.version) return { kind: 'version' };
	const values = Object.fromEntries(
		Object.entries<Option<unknown>>(options).map(([name, option]) => [
			name,
			readOption(name, option, given[name], env),
		]),
	) as OptionValues;
	const { data: _data, memory: _memory, 'mongo-url': _url, ...rest } = values;
	return { kind: 'serve', config: { ...rest, store: storeChoice(given, values, env) } };
}
