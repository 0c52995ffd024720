/** Runs a subcommand, or starts the server. */
import { Faults } from '../options/faults.js';
import { OptionError } from '../options/optionError.js';
import { packageVersion } from '../version.js';
import { type Command, commandHelp, type Io, readInput } from './command.js';
import { commands } from './commands.js';
import { readConfig } from './config.js';
import { helpText } from './help.js';

/**
 * @param args without node and the script
 * @returns the exit code
 * @throws OptionError for a wrong command line; CommandError and StoreError for a failed command
 */
export async function run(args: readonly string[], io: Io): Promise<number> {
	const [first = ''] = args;
	if (first === '' || first === 'serve' || first.startsWith('-')) {
		await serveOrHelp(first === 'serve' ? args.slice(1) : args, io);
		return 0;
	}
	const found = findCommand(args);
	const isError = typeof found === 'string';
	if (isError) {
		const help = commandsOf(first).map(commandHelp).join('\n\n');
		const asksForHelp = args.some((arg) => arg === '--help' || arg === '-h');
		if (!asksForHelp || help === '') throw new OptionError(found);
		io.line(`${found}\n\n${help}`);
		return 0;
	}
	const input = readInput(found.command, found.rest, io.env);
	if (!input) {
		io.line(commandHelp(found.command));
		return 0;
	}
	return (await found.command.run(input, io)) ?? 0;
}

async function serveOrHelp(args: readonly string[], io: Io): Promise<void> {
	const faults = new Faults();
	const request = readConfig(args, io.env, faults);
	if (request.kind === 'help') io.line(helpText());
	else if (request.kind === 'version') io.line(packageVersion());
	else {
		const { checkConfig } = await import('./configOptions.js');
		const checkedStart = await checkConfig(request, faults);
		if (request.kind === 'serve') {
			const { serve } = await import('./serve.js');
			await serve(request.config, checkedStart, io);
		} else {
			const { configTable } = await import('./printConfig.js');
			io.line(configTable(request.settings));
		}
	}
}

/** @returns the command and its arguments, or else the text of an error */
export function findCommand(args: readonly string[]): { command: Command; rest: readonly string[] } | string {
	const [first = '', second = ''] = args;
	for (const command of commands) {
		const names = command.name.split(' ');
		if (names.every((name, i) => name === args[i])) return { command, rest: args.slice(names.length) };
	}
	const group = commandsOf(first);
	if (group.length === 0) return `there is no command '${first}'`;
	const names = group.map(({ name }) => name).join(', ');
	return second === '' || second.startsWith('-')
		? `say which command: ${names}`
		: `there is no command '${first} ${second}', but ${names}`;
}

/** The commands of two words that begin with this word. */
export function commandsOf(first: string): readonly Command[] {
	return commands.filter(({ name }) => name.startsWith(`${first} `));
}
