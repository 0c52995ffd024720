/** Reads the flags of `roomkey serve`. */
import { parseArgs } from 'node:util';
import type { Faults } from '../options/faults.js';
import type { Option } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import { removalOf, removedSettings } from '../options/removedSettings.js';
import { similarName } from '../options/similarName.js';

/** Flags that are no settings. */
const ACTIONS = ['help', 'version', 'print-config'] as const;

export interface GivenFlags {
	/** The typed values, by the name of the setting. The value of a switch is `true`. */
	readonly settings: ReadonlyMap<string, string>;
	readonly actions: ReadonlySet<(typeof ACTIONS)[number]>;
}

/** The name of a setting's flag. Most flags have the name of the setting. */
export const flagName = (name: string, { flag = name }: Pick<Option<unknown>, 'flag'>): string => flag;

/** The settings that have a flag, by the name of the flag. */
export const settingsByFlag: ReadonlyMap<string, { readonly name: string; readonly option: Option<unknown> }> = new Map(
	Object.entries<Option<unknown>>(options)
		.filter(([, { isSecret }]) => !isSecret)
		.map(([name, option]) => [flagName(name, option), { name, option }]),
);

/** Reads the flags. The last value of a repeated flag counts; the values of a list are joined by commas. */
export function readFlags(args: readonly string[], faults: Faults): GivenFlags {
	const settings = new Map<string, string>();
	const actions = new Set<(typeof ACTIONS)[number]>();
	const typesByFlag = [...settingsByFlag].map(([flag, { option }]) => [flag, { type: valueType(option) }] as const);
	// A removed flag is read with its value, which would otherwise be an unexpected argument.
	const removedTypes = Object.keys(removedSettings).map((flag) => [flag, { type: 'string' as const }] as const);
	const { tokens } = parseArgs({
		args: [...args],
		options: {
			...Object.fromEntries([...removedTypes, ...typesByFlag]),
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
		const removal = removalOf(flag);
		const setting = settingsByFlag.get(flag);
		if (action) {
			actions.add(action);
			if (value !== undefined) faults.add(`${rawName} takes no value`);
		} else if (!setting && removal !== undefined) faults.add(`${rawName} ${removal}`);
		else if (!setting)
			faults.add(`Unknown option '${rawName}'${flagSuggestion(flag, [...settingsByFlag.keys(), ...ACTIONS])}`);
		else if (!setting.option.placeholder) {
			if (value !== undefined) faults.add(`${rawName} takes no value`);
			settings.set(setting.name, 'true');
		} else if (value === undefined) faults.add(`${rawName} needs a value`);
		else if (!inlineValue && value.startsWith('-'))
			faults.add(`${rawName} needs a value; a value that begins with a dash is written ${rawName}=${value}`);
		else {
			const earlier = setting.option.isList ? settings.get(setting.name) : undefined;
			settings.set(setting.name, earlier === undefined ? value : `${earlier},${value}`);
		}
	}
	return { settings, actions };
}

/** The end of an error text: a question that names a similar flag. Empty if no flag is similar. */
export function flagSuggestion(flag: string, known: readonly string[]): string {
	const similar = similarName(flag, known);
	return similar === undefined ? '' : `; did you mean --${similar}?`;
}

/** A flag without a placeholder is a switch. */
const valueType = ({ placeholder }: Option<unknown>) => (placeholder ? ('string' as const) : ('boolean' as const));
