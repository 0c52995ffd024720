/** Reads the flags of the server, and collects everything that is wrong with them. */
import { parseArgs } from 'node:util';
import type { Faults, Option } from '../options/kinds.js';
import { options } from '../options/options.js';

/** Flags that are no settings. */
const ACTIONS = ['help', 'version', 'print-config'] as const;

export interface GivenFlags {
	/** The texts of the settings that were given, by the name of the setting. A switch has the text `true`. */
	readonly settings: ReadonlyMap<string, string>;
	readonly actions: ReadonlySet<(typeof ACTIONS)[number]>;
}

/** The name of the flag of a setting. */
export const flagName = (name: string, { flag = name }: Pick<Option<unknown>, 'flag'>): string => flag;

/** The settings that have a flag, by the name of the flag. */
export const settingsByFlag: ReadonlyMap<string, { readonly name: string; readonly option: Option<unknown> }> = new Map(
	Object.entries<Option<unknown>>(options)
		.filter(([, { envOnly }]) => !envOnly)
		.map(([name, option]) => [flagName(name, option), { name, option }]),
);

/** Reads the flags. The last value of a repeated flag counts, except for a list, which joins all by commas. */
export function readFlags(args: readonly string[], faults: Faults): GivenFlags {
	const settings = new Map<string, string>();
	const actions = new Set<(typeof ACTIONS)[number]>();
	const known = [...settingsByFlag].map(([flag, { option }]) => [flag, { type: typeOf(option) }] as const);
	const { tokens } = parseArgs({
		args: [...args],
		options: {
			...Object.fromEntries(known),
			...Object.fromEntries(ACTIONS.map((name) => [name, { type: 'boolean' as const }])),
			help: { type: 'boolean', short: 'h' },
		},
		strict: false,
		tokens: true,
	});
	for (const token of tokens) {
		if (token.kind === 'positional') faults.add(`Unexpected argument '${token.value}'`);
		if (token.kind !== 'option') continue;
		const { name: flag, rawName, value, inlineValue } = token;
		const action = ACTIONS.find((name) => name === flag);
		const setting = settingsByFlag.get(flag);
		if (action) {
			actions.add(action);
			if (value !== undefined) faults.add(`${rawName} takes no value`);
		} else if (!setting) faults.add(`Unknown option '${rawName}'`);
		else if (!setting.option.placeholder) {
			if (value !== undefined) faults.add(`${rawName} takes no value`);
			settings.set(setting.name, 'true');
		} else if (value === undefined) faults.add(`${rawName} needs a value`);
		else if (!inlineValue && value.startsWith('-'))
			faults.add(`${rawName} needs a value; one that begins with a dash is written ${rawName}=${value}`);
		else {
			const earlier = setting.option.isList ? settings.get(setting.name) : undefined;
			settings.set(setting.name, earlier === undefined ? value : `${earlier},${value}`);
		}
	}
	return { settings, actions };
}

const typeOf = ({ placeholder }: Option<unknown>) => (placeholder ? ('string' as const) : ('boolean' as const));
