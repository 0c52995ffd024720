import { type CompletedFlag, type CompletionModel, groupsOf, quote } from './completionModel.js';

/**
 * Tests of the words before the word being typed.
 * `__roomkey_typed WORDS`: the words after `roomkey` begin with WORDS.
 * `__roomkey_count N`: there are N words, with `roomkey`.
 * `__roomkey_serve COMMANDS`: the first word after `roomkey` is none of COMMANDS.
 */
const FUNCTIONS = `function __roomkey_typed
	set -l words (commandline -opc)[2..]
	set -l last (count $argv)
	test "$words[1..$last]" = "$argv"
end
function __roomkey_count
	test (count (commandline -opc)) -eq $argv[1]
end
function __roomkey_serve
	not contains -- (commandline -opc)[2] $argv
end`;

const when = (condition: string) => `complete -c roomkey -n ${quote(condition)}`;

const offer = (condition: string, word: string, meaning: string) =>
	`${when(condition)} -a ${quote(word)} -d ${quote(meaning)}`;

function flagLine(condition: string, { name, meaning, value }: CompletedFlag): string {
	return [when(condition), `-l ${name}`, valueOptions(value), `-d ${quote(meaning)}`].filter(Boolean).join(' ');
}

/** The options of `complete` for a flag's value: `-r` requires a value, `-F` offers files, `-x` is `-r` without files. */
function valueOptions(value: CompletedFlag['value']): string {
	if (value === undefined) return '';
	if (value === 'file') return '-r -F';
	return value === 'text' ? '-x' : `-x -a ${quote(value.join(' '))}`;
}

/** A script for fish: `roomkey completion fish | source`. */
export function fishCompletion(model: CompletionModel): string {
	const otherCommands = model.firstWords.map(([word]) => word).filter((word) => word !== 'serve');
	return [
		'# Completion of roomkey for fish. Use it with: roomkey completion fish | source',
		FUNCTIONS,
		'complete -c roomkey -f',
		...model.firstWords.map(([word, meaning]) => offer('__roomkey_count 1', word, meaning)),
		...model.serverFlags.map((flag) => flagLine(`__roomkey_serve ${otherCommands.join(' ')}`, flag)),
		...[...groupsOf(model)].flatMap(([first, members]) =>
			members.map(({ words, meaning }) =>
				offer(`__roomkey_count 2; and __roomkey_typed ${first}`, words[1] as string, meaning),
			),
		),
		...model.commands.flatMap(({ words, flags, argument }) => {
			const typed = `__roomkey_typed ${words.join(' ')}`;
			return [
				...flags.map((flag) => flagLine(typed, flag)),
				...(argument === 'file' ? [`${when(typed)} -F`] : []),
				...(Array.isArray(argument) ? [`${when(typed)} -a ${quote(argument.join(' '))}`] : []),
			];
		}),
	].join('\n');
}
