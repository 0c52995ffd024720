/** `--print-config`: the settings in force, and where each value comes from. */
import { storeLocation } from '../ops/startLog.js';
import type { Option } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import type { Setting } from './config.js';
import { formatTable } from './table.js';

/** Removes users and passwords from a list of URLs. The URLs of NATS need no `nats://`. */
export const withoutUsers = (urls: string): string => urls.replace(/(^|\/\/|,)[^/,]*@/g, '$1');

function formatValue({ name, value }: Setting): string {
	const option: Option<unknown> = options[name];
	if (value === undefined) return '';
	if (option.isSecret && value !== option.default) return 'set, not shown';
	if (name === 'mongo-url') return storeLocation({ kind: 'mongodb', url: String(value) });
	if (option.mayHavePassword) return withoutUsers(String(value));
	return option.format ? option.format(value) : String(value);
}

export function configTable(settings: readonly Setting[]): string {
	return formatTable(
		['setting', 'value', 'from'],
		settings.map((setting) => [setting.name, formatValue(setting), setting.from]),
	);
}
