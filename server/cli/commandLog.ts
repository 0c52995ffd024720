/** The log of a command that works on a store directly. */
import { userInfo } from 'node:os';
import type { Log } from '../../shared/log.js';
import { createLog } from '../ops/createLog.js';
import { Faults } from '../options/faults.js';
import { OptionError } from '../options/optionError.js';
import { checked, type Option } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import type { Input, Io } from './command.js';
import { readConfigFile } from './configFile.js';

/**
 * Makes a log on standard error, with the level and format that a server with this environment and configuration file
 * would have.
 * @throws OptionError if the level or the format is wrong
 */
export function commandLog(input: Input, io: Io): Log {
	const file = readableValues(input.flagOrVariable('config'));
	const setting = <T>(name: 'log-level' | 'log-format', option: Option<T>): T => {
		const text = option.env && io.env[option.env];
		if (text) return checked(option, option.read(text), option.env as string, text);
		return file.has(name)
			? checked(option, file.get(name), `${input.flagOrVariable('config')}: '${name}'`)
			: option.default;
	};
	const level = setting('log-level', options['log-level']);
	const format = setting('log-format', options['log-format']);
	const log = createLog(level, format, (line) => io.note(line.trimEnd()));
	return log.child({ command: input.command, operator: operatorName() });
}

/** The values of the configuration file. Empty if the file cannot be read, or has no JSON object. */
function readableValues(path: string | undefined): ReadonlyMap<string, unknown> {
	if (path === undefined) return new Map();
	try {
		return readConfigFile(path, new Faults());
	} catch (error) {
		if (!(error instanceof OptionError)) throw error;
		return new Map();
	}
}

/** The name of the operating system's user, or else the number. */
function operatorName(): string {
	try {
		return userInfo().username;
	} catch {
		return String(process.getuid?.());
	}
}
