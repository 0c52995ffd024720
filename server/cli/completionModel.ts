/** What can be typed after `roomkey`, independently of the shell. */
import type { Command } from './command.js';
import { settingsByFlag } from './flags.js';

export interface CompletedFlag {
	readonly name: string;
	readonly meaning: string;
	/** The kind of value, or the possible values. Absent for a switch. */
	readonly value?: 'file' | 'text' | readonly string[];
}

/** `words`: the one or two words of the command's name. */
export interface CompletedCommand {
	readonly words: readonly string[];
	readonly meaning: string;
	readonly flags: readonly CompletedFlag[];
	/** What completes the first argument: paths, or one of these words. */
	readonly argument?: 'file' | readonly string[];
}

export interface CompletionModel {
	/** The words that can follow `roomkey`: `serve`, and the first word of each command. */
	readonly firstWords: readonly (readonly [word: string, meaning: string])[];
	readonly commands: readonly CompletedCommand[];
	readonly serverFlags: readonly CompletedFlag[];
}

const HELP: CompletedFlag = { name: 'help', meaning: 'print the usage and end' };

const PATH_PLACEHOLDERS: ReadonlySet<string> = new Set(['DIR', 'FILE', 'FOLDER']);

function completedFlag(
	name: string,
	meaning: string,
	placeholder?: string,
	choices?: readonly string[],
): CompletedFlag {
	if (!placeholder) return { name, meaning };
	return { name, meaning, value: choices ?? (PATH_PLACEHOLDERS.has(placeholder) ? 'file' : 'text') };
}

function argumentOf([parameter = '']: readonly string[]): Pick<CompletedCommand, 'argument'> {
	if (parameter === 'SHELL') return { argument: ['bash', 'zsh', 'fish'] };
	return PATH_PLACEHOLDERS.has(parameter) ? { argument: 'file' } : {};
}

export function completionModel(commands: readonly Command[]): CompletionModel {
	const settingFlags = [...settingsByFlag].map(([flag, { option }]) =>
		completedFlag(flag, option.meaning, option.placeholder, option.choices),
	);
	const completed = commands.map(({ name, parameters, meaning, flags }): CompletedCommand => {
		const ownFlags = Object.entries(flags).map(([flag, { meaning, placeholder }]) =>
			completedFlag(flag, meaning, placeholder),
		);
		return { words: name.split(' '), meaning, flags: [...ownFlags, HELP], ...argumentOf(parameters) };
	});
	/** By first word: the meaning of its command, or the second words of its commands. */
	const firstWords = new Map<string, string>([['serve', 'starts the server']]);
	for (const { words, meaning } of completed) {
		const [first = '', ...rest] = words;
		const siblings = completed.filter(({ words }) => words[0] === first).map(({ words }) => words[1]);
		firstWords.set(first, rest.length === 0 ? meaning : siblings.join(', '));
	}
	return {
		firstWords: [...firstWords],
		commands: completed,
		serverFlags: [
			...settingFlags,
			{ name: 'print-config', meaning: 'print the settings in force and end' },
			HELP,
			{ name: 'version', meaning: 'print the version and end' },
		],
	};
}

/** All flags that take a value, each once. The kind of value is the same in all commands. */
export function valueFlags({ commands, serverFlags }: CompletionModel): CompletedFlag[] {
	const byName = new Map<string, CompletedFlag>();
	const commandFlags = commands.flatMap(({ flags }) => flags);
	for (const flag of [...serverFlags, ...commandFlags]) if (flag.value) byName.set(flag.name, flag);
	return [...byName.values()];
}

/** The commands with a name of two words, by the first word. */
export function groupsOf({ commands }: CompletionModel): Map<string, CompletedCommand[]> {
	const groups = new Map<string, CompletedCommand[]>();
	for (const command of commands) {
		const [first = '', second] = command.words;
		if (second !== undefined) groups.set(first, [...(groups.get(first) ?? []), command]);
	}
	return groups;
}

/** Quotes a text for a shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
