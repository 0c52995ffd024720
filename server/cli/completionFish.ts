import { type CompletedFlag, type CompletionModel, groupsOf, quoted } from './completionModel.js';

/** The condition that these words have been typed. */
const after = (words: readonly string[]) =>
	`-n ${quoted(words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and '))}`;

const offer = (condition: string, word: string, meaning: string) =>
	`complete -c roomkey ${condition} -a ${quoted(word)} -d ${quoted(meaning)}`;

function flagLine(condition: string, { name, meaning, value }: CompletedFlag): string {
	const values = value === 'file' ? '-r -F' : Array.isArray(value) ? `-x -a ${quoted(value.join(' '))}` : value && '-x';
	return ['complete -c roomkey', condition, `-l ${name}`, values, `-d ${quoted(meaning)}`].filter(Boolean).join(' ');
}

/** A script for fish: `roomkey completion fish | source`. */
export function fishCompletion(model: CompletionModel): string {
	const names = model.first.map(([word]) => word).filter((word) => word !== 'serve');
	const noCommand = `-n ${quoted(`not __fish_seen_subcommand_from ${names.join(' ')}`)}`;
	const start = `-n ${quoted('__fish_use_subcommand')}`;
	return [
		'# Completion of roomkey for fish. Use it with: roomkey completion fish | source',
		'complete -c roomkey -f',
		...model.first.map(([word, meaning]) => offer(start, word, meaning)),
		...model.server.map((flag) => flagLine(noCommand, flag)),
		...[...groupsOf(model)].flatMap(([first, members]) => {
			const seconds = members.map(({ words }) => words[1]).join(' ');
			const condition = `-n ${quoted(`__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${seconds}`)}`;
			return members.map(({ words, meaning }) => offer(condition, words[1] as string, meaning));
		}),
		...model.commands.flatMap(({ words, flags, argument }) => [
			...flags.map((flag) => flagLine(after(words), flag)),
			...(argument === 'file' ? [`complete -c roomkey ${after(words)} -F`] : []),
			...(Array.isArray(argument) ? [`complete -c roomkey ${after(words)} -a ${quoted(argument.join(' '))}`] : []),
		]),
	].join('\n');
}
