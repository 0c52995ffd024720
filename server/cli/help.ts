/** The text of `--help`, and the table of settings in docs/operating.md. */
import type { Option } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import { usageOf } from './command.js';
import { commands } from './commands.js';
import { flagName } from './flags.js';

/** The flag and its placeholder. Empty for a secret, which has no flag. */
function flagOf(name: string, option: Option<unknown>): string {
	const { placeholder, isSecret } = option;
	if (isSecret) return '';
	const flag = `--${flagName(name, option)}`;
	return placeholder ? `${flag} ${placeholder}` : flag;
}

interface Row {
	readonly flag: string;
	readonly env: string;
	readonly default: string;
	readonly meaning: string;
}

function defaultOf({ placeholder, default: value, format = String }: Option<unknown>): string {
	return placeholder && value !== undefined ? format(value) : '';
}

function settingRows(): Row[] {
	return Object.entries<Option<unknown>>(options).map(([name, option]) => ({
		flag: flagOf(name, option),
		env: option.env ?? '',
		default: defaultOf(option),
		meaning: option.meaning,
	}));
}

function commandLines(): string[] {
	const width = Math.max(...commands.map((command) => usageOf(command).length));
	return commands.map((command) => `  ${usageOf(command).padEnd(width)}  ${command.meaning}`);
}

export function helpText(): string {
	const rows = settingRows();
	const width = Math.max(...rows.map(({ flag }) => flag.length));
	const lines = rows.map(({ flag, env, default: defaultValue, meaning }) => {
		const notes = [defaultValue && `default ${defaultValue}`, flag && env && `env ${env}`].filter(Boolean).join(', ');
		return `  ${(flag || env).padEnd(width)}  ${meaning}${notes && ` (${notes})`}`;
	});
	return [
		'Usage: roomkey [serve] [options]',
		'       roomkey COMMAND [options]',
		'',
		'A DDP method server for the end-to-end encryption keys of rooms: WebSocket at /websocket, REST at /api/v1. At most',
		'one of --data, --memory, --mongo-url and --demo says where the data is stored.',
		'',
		'Commands; each has a --help of its own:',
		...commandLines(),
		'',
		'Options of the server, and variables of settings without a flag:',
		...lines,
		`  ${'--print-config'.padEnd(width)}  print the settings in force and where each comes from, and end`,
		`  ${'--help'.padEnd(width)}  print this and end`,
		`  ${'--version'.padEnd(width)}  print the version and end`,
	].join('\n');
}

const code = (text: string) => text && `\`${text}\``;

export function settingsTable(): string {
	return [
		'| Flag | Environment | Default | Meaning |',
		'|---|---|---|---|',
		...settingRows().map((row) => `| ${code(row.flag)} | ${code(row.env)} | ${code(row.default)} | ${row.meaning} |`),
	].join('\n');
}
