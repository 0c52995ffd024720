import { type CompletedFlag, type CompletionModel, groupsOf, quote, valueFlags } from './completionModel.js';

/** An entry of `_describe`: a word and its meaning. */
const entry = (word: string, meaning: string) => quote(`${word.replaceAll(':', '\\:')}:${meaning}`);

const flagEntries = (flags: readonly CompletedFlag[]) => flags.map(({ name, meaning }) => entry(`--${name}`, meaning));

/** Sets the shell variable `entries`, which `_describe` offers. */
const setEntries = (list: readonly string[]) => `entries=(${list.join(' ')})`;

/** A script for zsh: `source <(roomkey completion zsh)`, or a file `_roomkey` in a folder of `fpath`. */
export function zshCompletion(model: CompletionModel): string {
	const valueCases = valueFlags(model).map(({ name, value }) => {
		const choices = Array.isArray(value) ? `compadd -- ${value.join(' ')}; ` : '';
		const action = value === 'file' ? '_files; ' : choices;
		return `\t\t--${name}) ${action}return ;;`;
	});
	const commandCases = model.commands.map(({ words, flags, argument }) => {
		const offerFiles = argument === 'file' ? '; files=1' : '';
		const choices = Array.isArray(argument) ? argument.map((word) => entry(word, '')) : [];
		// The script compares the first two typed words. After a command of one word, the second word can be anything.
		const pattern = `${quote(words.join(' '))}${words.length === 1 ? '*' : ''}`;
		return `\t\t${pattern}) ${setEntries([...flagEntries(flags), ...choices])}${offerFiles} ;;`;
	});
	const groupCases = [...groupsOf(model)].map(([first, members]) => {
		const secondWords = members.map(({ words, meaning }) => entry(words[1] as string, meaning));
		return `\t\t${quote(first)}) ${setEntries(secondWords)} ;;`;
	});
	const firstEntries = model.firstWords.map(([word, meaning]) => entry(word, meaning));
	return [
		'#compdef roomkey',
		'# Completion of roomkey for zsh. Use it with: source <(roomkey completion zsh)',
		'_roomkey() {',
		'\tlocal files=0',
		'\tlocal -a entries',
		`\t${setEntries(flagEntries(model.serverFlags))}`,
		'\tcase $words[CURRENT-1] in',
		...valueCases,
		'\tesac',
		'\tcase "$words[2] $words[3]" in',
		...commandCases,
		'\tesac',
		`\tif ((CURRENT == 2)); then ${setEntries([...firstEntries, ...flagEntries(model.serverFlags)])}; files=0; fi`,
		'\tif ((CURRENT == 3)); then case $words[2] in',
		...groupCases,
		'\tesac; fi',
		"\t_describe 'roomkey' entries",
		'\t((files)) && _files',
		'\treturn 0',
		'}',
		'compdef _roomkey roomkey',
	].join('\n');
}
