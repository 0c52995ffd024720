/** What a subcommand of `roomkey` is, and how its arguments are read. */
import { parseArgs } from 'node:util';
import { OptionError } from '../options/optionError.js';
import { flagSuggestion } from './flags.js';

/**
 * The input and output of a command. `line` prints a result on standard output, `note` a text for people on standard
 * error.
 */
export interface Io {
	readonly env: NodeJS.ProcessEnv;
	line(text: string): void;
	note(text: string): void;
	/** Replaces the last line of progress. Absent if standard error is not a terminal. */
	progress?(text: string): void;
	/** Whether standard input is a terminal. */
	readonly isInteractive: boolean;
	/**
	 * Asks for a secret without echo. If standard input is not a terminal, reads its next line instead.
	 * @throws CommandError if there is no line
	 */
	readSecret(prompt: string): Promise<string>;
	/** @returns whether the answer is yes */
	confirm(question: string): Promise<boolean>;
}

/** Thrown by a command that could not do its work. The message is shown to the operator. */
export class CommandError extends Error {
	override readonly name = 'CommandError';
}

export interface Flag {
	/** For `--help`. */
	readonly meaning: string;
	/** Name of the flag's value in `--help`. Absent for a switch, which takes no value. */
	readonly placeholder?: string;
	/** Environment variable that is used if the flag is not given. An empty variable counts as unset. */
	readonly env?: string;
	/** Whether the flag can be given several times. */
	readonly isList?: boolean;
}

export type Flags = Readonly<Record<string, Flag>>;

export interface Command {
	/** One or two words, such as `user add`. */
	readonly name: string;
	/**
	 * Names of the arguments, as in `--help`. An argument in brackets can be left out. The last one can be repeated if
	 * its name contains `...`.
	 */
	readonly parameters: readonly string[];
	/** The text after the command's name in `--help`. Default: the parameters. */
	readonly usage?: string;
	/** For `--help`. */
	readonly meaning: string;
	readonly flags: Flags;
	/** @returns the exit code; undefined counts as 0 */
	// biome-ignore lint/suspicious/noConfusingVoidType: most commands have no exit code of their own
	run(input: Input, io: Io): Promise<number | void>;
}

/** The arguments and flags of a command. */
export class Input {
	constructor(
		readonly command: string,
		/** The arguments after the name of the command, without flags. */
		readonly args: readonly string[],
		private readonly flags: Flags,
		private readonly values: Readonly<Record<string, unknown>>,
		private readonly env: NodeJS.ProcessEnv,
	) {}

	argument(index: number): string {
		return this.args[index] as string;
	}

	flag(name: string): string | undefined {
		return this.values[name] as string | undefined;
	}

	/** The value of a flag, or else of its environment variable. */
	flagOrVariable(name: string): string | undefined {
		const { env: variable } = this.flags[name] as Flag;
		const variableValue = variable === undefined ? undefined : this.env[variable];
		return this.flag(name) ?? (variableValue || undefined);
	}

	isOn(name: string): boolean {
		return this.values[name] === true;
	}

	list(name: string): readonly string[] {
		return (this.values[name] as string[] | undefined) ?? [];
	}

	/** @throws OptionError if the value is not a whole number of at most nine digits */
	wholeNumber(name: string): number | undefined {
		const text = this.flag(name);
		if (text === undefined) return undefined;
		if (!/^\d{1,9}$/.test(text)) throw new OptionError(`--${name} must be a whole number, not '${text}'`);
		return Number(text);
	}
}

/**
 * @returns undefined if the arguments ask for help
 * @throws OptionError for an unknown flag, a flag without its value, an empty argument, too few or too many arguments
 */
export function readInput(command: Command, args: readonly string[], env: NodeJS.ProcessEnv): Input | undefined {
	const { name, parameters, flags } = command;
	const options = Object.entries(flags).map(
		([flag, { placeholder, isList = false }]) =>
			[flag, { type: placeholder ? 'string' : 'boolean', multiple: isList }] as const,
	);
	const { values, positionals } = parse(args, Object.fromEntries(options));
	if (values.help) return undefined;
	const missing = parameters.slice(positionals.length).find((parameter) => !parameter.startsWith('['));
	if (missing) throw new OptionError(`${name} needs ${missing}`);
	const canRepeat = parameters.at(-1)?.includes('...') ?? false;
	const surplus = canRepeat ? undefined : positionals[parameters.length];
	if (surplus !== undefined) throw new OptionError(`${name} does not take '${surplus}'`);
	const empty = positionals.indexOf('');
	if (empty >= 0) throw new OptionError(`${nameOf(parameters[empty] ?? parameters.at(-1))} must not be empty`);
	return new Input(name, positionals, flags, values, env);
}

const nameOf = (parameter = '') => parameter.replace(/[[\].]/g, '');

type ParseOptions = Record<string, { type: 'string' | 'boolean'; multiple?: boolean; short?: string }>;

function parse(args: readonly string[], flags: ParseOptions) {
	try {
		return parseArgs({
			args: [...args],
			options: { ...flags, help: { type: 'boolean', short: 'h' } } as ParseOptions,
			allowPositionals: true,
		});
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		// For an unknown flag, Node also explains how to pass an argument that begins with a dash. That helps only with
		// negative numbers.
		const isUnknownFlag = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && !/^Unknown option '-\d/.test(message);
		const [text = message] = isUnknownFlag ? message.split('. To specify') : [];
		const hasPasswordFlag = args.some((arg) => /^--?pass/.test(arg));
		if (hasPasswordFlag) throw new OptionError(`${text}. A password is asked for, or is read from standard input`);
		const [, unknown] = /^Unknown option '--([\w-]+)'/.exec(text) ?? [];
		throw new OptionError(`${text}${unknown ? flagSuggestion(unknown, [...Object.keys(flags), 'help']) : ''}`);
	}
}

/** The command line of a command, as `--help` shows it. */
export function usageOf({ name, parameters, usage = parameters.join(' ') }: Command): string {
	return `roomkey ${name} ${usage}`.trim();
}

export function commandHelp(command: Command): string {
	const { meaning, flags } = command;
	const rows = [...Object.entries(flags).map(flagRow), ['--help', 'print this and end'] as const];
	const width = Math.max(...rows.map(([flag]) => flag.length));
	return [
		`Usage: ${usageOf(command)}${rows.length > 1 ? ' [options]' : ''}`,
		'',
		`${meaning[0]?.toUpperCase()}${meaning.slice(1)}.`,
		'',
		'Options:',
		...rows.map(([flag, text]) => `  ${flag.padEnd(width)}  ${text}`),
	].join('\n');
}

function flagRow([name, { placeholder, meaning, env, isList }]: [string, Flag]): readonly [string, string] {
	const notes = [isList && 'can be repeated', env && `env ${env}`].filter(Boolean).join(', ');
	return [placeholder ? `--${name} ${placeholder}` : `--${name}`, `${meaning}${notes && ` (${notes})`}`];
}
