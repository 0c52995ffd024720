import { type CompletedFlag, type CompletionModel, groupsOf, quote, valueFlags } from './completionModel.js';

const flagWords = (flags: readonly CompletedFlag[]) => flags.map(({ name }) => `--${name}`);

const quoteWords = (list: readonly string[]) => quote(list.join(' '));

/** A script for bash: `source <(roomkey completion bash)`. */
export function bashCompletion(model: CompletionModel): string {
	const valueCases = valueFlags(model).map(({ name, value }) => {
		const choices = Array.isArray(value) ? `-W ${quoteWords(value)}` : '';
		const generator = value === 'file' ? '-f' : choices;
		const action = generator ? `mapfile -t COMPREPLY < <(compgen ${generator} -- "$current"); ` : '';
		return `\t\t--${name}) ${action}return ;;`;
	});
	const commandCases = model.commands.map(({ words, flags, argument }) => {
		const files = argument === 'file' ? " files='-f'" : '';
		const offered = [...flagWords(flags), ...(Array.isArray(argument) ? argument : [])];
		// The script compares the first two typed words. After a command of one word, the second word can be anything.
		const pattern = `${quote(words.join(' '))}${words.length === 1 ? '*' : ''}`;
		return `\t\t${pattern}) words=${quoteWords(offered)}${files} ;;`;
	});
	const groupCases = [...groupsOf(model)].map(
		([first, members]) =>
			`\t\t${quote(first)}) words=${quoteWords(members.map((member) => member.words[1] as string))} ;;`,
	);
	const firstArguments = [...model.firstWords.map(([word]) => word), ...flagWords(model.serverFlags)];
	return [
		'# Completion of roomkey for bash. Use it with: source <(roomkey completion bash)',
		'_roomkey() {',
		`\tlocal current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} files=""`,
		`\tlocal words=${quoteWords(flagWords(model.serverFlags))}`,
		'\tCOMPREPLY=()',
		'\tcase $previous in',
		...valueCases,
		'\tesac',
		`\tcase "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in`,
		...commandCases,
		'\tesac',
		`\tif ((COMP_CWORD == 1)); then words=${quoteWords(firstArguments)}; files=""; fi`,
		`\tif ((COMP_CWORD == 2)); then case \${COMP_WORDS[1]} in`,
		...groupCases,
		'\tesac; fi',
		'\tmapfile -t COMPREPLY < <(compgen $files -W "$words" -- "$current")',
		'}',
		'complete -F _roomkey roomkey',
	].join('\n');
}
