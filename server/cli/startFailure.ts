/** Reports a failed start or command to people. A failed start can be a line of the JSON log instead. */
import { createLog } from '../ops/createLog.js';
import { Faults } from '../options/faults.js';
import { OptionError } from '../options/optionError.js';
import { readConfig } from './config.js';
import { commandsOf, findCommand } from './run.js';

/** Prints the error of a failed start or command on standard error. */
export function reportFailure(error: Error, args: readonly string[], env: NodeJS.ProcessEnv): void {
	if (logsJson(args, env)) {
		const faults = error instanceof OptionError && error.faults.length > 1 && { faults: error.faults };
		createLog('fatal', 'json').fatal({ ...faults }, error.message);
		return;
	}
	console.error(`roomkey: ${error.message}`);
	if (error instanceof OptionError) console.error(`Try roomkey ${subcommandOf(args)}--help`);
}

/**
 * The subcommand of a command line, with a space after it. If the command line has only the first word of some subcommands,
 * this word. Otherwise empty.
 */
function subcommandOf(args: readonly string[]): string {
	const found = findCommand(args);
	if (typeof found !== 'string') return `${found.command.name} `;
	const [first = ''] = args;
	return commandsOf(first).length > 0 ? `${first} ` : '';
}

/**
 * Whether the command line starts a server with the log format `json`. With `auto`, a failed start is reported to people.
 * Settings that are wrong are ignored.
 */
function logsJson(args: readonly string[], env: NodeJS.ProcessEnv): boolean {
	const [first = ''] = args;
	if (first !== '' && first !== 'serve' && !first.startsWith('-')) return false;
	const request = readConfig(first === 'serve' ? args.slice(1) : args, env, new Faults());
	return 'config' in request && request.config['log-format'] === 'json';
}
