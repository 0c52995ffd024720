import { type CompletedFlag, type CompletionModel, groupsOf, quote, valueFlags } from './completionModel.js';

const flagWords = (flags: readonly CompletedFlag[]) => flags.map(({ name }) => `--${name}`);

/** The words that are offered, as one quoted text. */
const words = (list: readonly string[]) => quote(list.join(' '));

/** A script for bash: `source <(roomkey completion bash)`. */
export function bashCompletion(model: CompletionModel): string {
	const values = valueFlags(model).map(({ name, value }) => {
		const choices = Array.isArray(value) ? `-W ${words(value)}` : '';
		const offered = value === 'file' ? '-f' : choices;
		const action = offered ? `mapfile -t COMPREPLY < <(compgen ${offered} -- "$current"); ` : '';
		return `\t\t--${name}) ${action}return ;;`;
	});
	const commands = model.commands.map(({ words: names, flags, argument }) => {
		const files = argument === 'file' ? " files='-f'" : '';
		const own = [...flagWords(flags), ...(Array.isArray(argument) ? argument : [])];
		return `\t\t${quote(names.join(' '))}${names.length === 1 ? '*' : ''}) words=${words(own)}${files} ;;`;
	});
	const groups = [...groupsOf(model)].map(
		([first, members]) => `\t\t${quote(first)}) words=${words(members.map((member) => member.words[1] as string))} ;;`,
	);
	return [
		'# Completion of roomkey for bash. Use it with: source <(roomkey completion bash)',
		'_roomkey() {',
		`\tlocal current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} files=""`,
		`\tlocal words=${words(flagWords(model.server))}`,
		'\tCOMPREPLY=()',
		'\tcase $previous in',
		...values,
		'\tesac',
		`\tcase "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in`,
		...commands,
		'\tesac',
		`\tif ((COMP_CWORD == 1)); then words=${words([...model.first.map(([word]) => word), ...flagWords(model.server)])}; files=""; fi`,
		`\tif ((COMP_CWORD == 2)); then case \${COMP_WORDS[1]} in`,
		...groups,
		'\tesac; fi',
		'\tmapfile -t COMPREPLY < <(compgen $files -W "$words" -- "$current")',
		'}',
		'complete -F _roomkey roomkey',
	].join('\n');
}
