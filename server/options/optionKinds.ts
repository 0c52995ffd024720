/** The kinds of settings: how their values are read from text, and which values are valid. */
import { OptionError } from './optionError.js';

/** An hour, in ms. */
export const HOUR = 3_600_000;

/** A gibibyte, in bytes. */
export const GIB = 1024 ** 3;

/** Whether a text is not blank. */
export const isPassword = (text: string): boolean => text.trim() !== '';

/** The definition of a setting. */
export interface Option<T> {
	/** Description, with the unit. */
	readonly meaning: string;
	/** Name of the flag, if that is not the name of the setting. */
	readonly flag?: string;
	/** Whether the flag may be repeated. Its values are joined by commas. */
	readonly isList?: boolean;
	/** Environment variable. Flags take precedence. */
	readonly env?: string;
	/** Name of the value in `--help`. Absent for a switch, which takes no value. */
	readonly placeholder?: string;
	/**
	 * Whether the value is a password or belongs to one, and is never shown. There is no flag, because all users of a
	 * machine can read command lines.
	 */
	readonly isSecret?: boolean;
	/** Whether the value is a URL or a list of URLs, which may contain passwords. Errors do not show its text. */
	readonly mayHavePassword?: boolean;
	readonly default: T;
	/** The valid values, if there are few. */
	readonly choices?: readonly string[];
	/** What a valid value is, for errors. */
	readonly form: string;
	/** Converts a text to a value, or to an invalid value such as undefined. */
	read(text: string): unknown;
	/** Converts a value from a program or the configuration file, such as the text `5/60s` to a limit. */
	convert?(value: unknown): unknown;
	/**
	 * Merges the values of the configuration file, the environment and the flags, in this order. Default: the last value.
	 */
	merge?(values: readonly T[]): T;
	/** Writes a value as text. Default: `String`. */
	format?(value: unknown): string;
	accepts(value: unknown): boolean;
	/** For an object of entries: the invalid entries, and what a valid entry is. */
	badEntries?(value: unknown): readonly { readonly name: string; readonly form: string; readonly given: string }[];
	/** The part of an invalid value that can be checked further. */
	usable?(original: unknown): T;
}

/** A value of a setting in a flag, the environment, the configuration file, or a program. */
export interface GivenValue {
	/** Name of the setting in this source. */
	readonly name: string;
	readonly value: unknown;
	/** The value before its conversion, for the error text. */
	readonly original?: unknown;
}

type Description<T> = Pick<Option<T>, 'meaning' | 'env' | 'default'>;

/**
 * Returns the value of a setting.
 * @param original the value before its conversion
 * @throws OptionError if the value is invalid. Its text contains `original`, unless that may be a password
 */
export function checked<T>(option: Option<T>, value: unknown, name: string, original = value): T {
	if (option.accepts(value)) return value as T;
	const badEntries = option.badEntries?.(value) ?? [];
	// `file.json: 'limits'` becomes `file.json: 'limits.login'`.
	const nameOf = (entry: string) => name.replace(/'?$/, (quote) => `.${entry}${quote}`);
	if (badEntries.length > 0)
		throw OptionError.of(badEntries.map((bad) => `${nameOf(bad.name)} must be ${bad.form}, not ${bad.given}`));
	if (original === '' && !option.isSecret) throw new OptionError(`${name} must not be empty`);
	const isHidden = option.isSecret || (option.mayHavePassword && typeof original === 'string');
	const shown = isHidden ? '' : `, not ${formatOriginal(option, original)}`;
	throw new OptionError(`${name} must be ${option.form}${shown}`);
}

function formatOriginal(option: Option<unknown>, value: unknown): string {
	// The text may be valid on the command line, but not in a program or the configuration file.
	const read = typeof value === 'string' ? option.read(value) : undefined;
	if (option.accepts(read)) return quotedText(value as string, read);
	if (typeof value === 'string') return `'${value}'`;
	if (Array.isArray(value)) return 'a list';
	if (typeof value === 'object' && value !== null) return 'an object';
	return typeof value === 'function' || typeof value === 'symbol' ? `a ${typeof value}` : String(value);
}

/** Describes a text that was given in place of a value, such as `"3420"`, and how to write that value. */
export function quotedText(text: string, value: unknown): string {
	const correct = JSON.stringify(value);
	return `the text ${JSON.stringify(text)}: ${correct === text ? 'leave out the quotes' : `write ${correct} instead`}`;
}

/** Text that is not empty. If `isValid` is given, the text must pass it. */
export function text<T extends string | undefined>(
	placeholder: string,
	{
		isValid = () => true,
		form = 'text',
		...description
	}: Description<T> & Pick<Option<T>, 'mayHavePassword'> & { isValid?: (text: string) => boolean; form?: string },
): Option<T | string> {
	return {
		...description,
		placeholder,
		form,
		read: (value) => value,
		accepts: (value) => typeof value === 'string' && value !== '' && isValid(value),
	};
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number, description: Description<number>): Option<number> {
	return {
		...description,
		placeholder: 'N',
		form: `a whole number from ${min} to ${max}`,
		read: (value) => (/^\d+$/.test(value) ? Number(value) : undefined),
		accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
	};
}

/** One of a few texts. */
export function oneOf<const T extends string>(
	placeholder: string,
	choices: readonly T[],
	description: Description<NoInfer<T>>,
): Option<T> {
	return {
		...description,
		placeholder,
		choices,
		form: `one of ${choices.join(', ')}`,
		read: (value) => value,
		accepts: (value) => choices.some((choice) => choice === value),
	};
}

const ON: readonly string[] = ['true', 'on', '1'];
const OFF: readonly string[] = ['false', 'off', '0'];

/** A switch, off by default. Its flag takes no value. */
export function onOff(meaning: string, env?: string): Option<boolean> {
	return {
		meaning,
		...(env && { env }),
		default: false,
		form: 'true or false',
		read(value) {
			if (ON.includes(value)) return true;
			return OFF.includes(value) ? false : undefined;
		},
		accepts: (value) => typeof value === 'boolean',
	};
}

/** Text with `isSecret`: a password, or what belongs to one. */
export function secret<T extends string | undefined>(
	isValid: (text: string) => boolean,
	form: string,
	description: Description<T>,
): Option<T | string> {
	return {
		...description,
		placeholder: 'TEXT',
		isSecret: true,
		form,
		read: (value) => value,
		accepts: (value) => typeof value === 'string' && isValid(value),
	};
}
