/** Reports a failed start or command, to people or as a line of the JSON log. */
import { createLog } from '../ops/createLog.js';
import { Faults } from '../options/faults.js';
import { OptionError } from '../options/optionError.js';
import { readConfig } from './config.js';
import { commandsOf, findCommand } from './run.js';

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
 * The subcommand that a command line names, with a space at the end. If only its first word fits, this word. Otherwise
 * empty.
 */
function subcommandOf(args: readonly string[]): string {
	const found = findCommand(args);
	if (typeof found !== 'string') return `${found.command.name} `;
	const [first = ''] = args;
	return commandsOf(first).length > 0 ? `${first} ` : '';
}

/** Whether a server with the log format `json` was to start. Wrong settings are ignored. */
function logsJson(args: readonly string[], env: NodeJS.ProcessEnv): boolean {
	const [first = ''] = args;
	if (first !== '' && first !== 'serve' && !first.startsWith('-')) return false;
	const request = readConfig(first === 'serve' ? args.slice(1) : args, env, new Faults());
	return 'config' in request && request.config['log-format'] === 'json';
}
