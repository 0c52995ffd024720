import { type CompletedFlag, type CompletionModel, groupsOf, quoted, valueFlags } from './completionModel.js';

const flagWords = (flags: readonly CompletedFlag[]) => flags.map(({ name }) => `--${name}`);

/** The words that are offered, as one quoted text. */
const words = (list: readonly string[]) => quoted(list.join(' '));

/** A script for bash: `source <(roomkey completion bash)`. */
export function bashCompletion(model: CompletionModel): string {
	const values = valueFlags(model).map(({ name, value }) => {
		const reply = value === 'file' ? '-f' : Array.isArray(value) ? `-W ${words(value)}` : '';
		const action = reply ? `mapfile -t COMPREPLY < <(compgen ${reply} -- "$current"); ` : '';
		return `\t\t--${name}) ${action}return ;;`;
	});
	const commands = model.commands.map(({ words: names, flags, argument }) => {
		const files = argument === 'file' ? " files='-f'" : '';
		const own = [...flagWords(flags), ...(Array.isArray(argument) ? argument : [])];
		return `\t\t${quoted(names.join(' '))}${names.length === 1 ? '*' : ''}) words=${words(own)}${files} ;;`;
	});
	const groups = [...groupsOf(model)].map(
		([first, members]) => `\t\t${quoted(first)}) words=${words(members.map((one) => one.words[1] as string))} ;;`,
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
