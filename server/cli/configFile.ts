/** Reads the file of `--config`: a JSON object with settings by their names. */
import { readFileSync } from 'node:fs';
import { isObject } from '../../shared/isObject.js';
import { type Faults, type Option, OptionError, similarName } from '../options/kinds.js';
import { options } from '../options/options.js';

/** The settings that a file may have. */
const NAMES = Object.keys(options).filter((name) => name !== 'config');

/**
 * Reads the values of a file. The caller checks them.
 * @param faults receives the unknown names
 * @throws OptionError if the file cannot be read, or is no JSON object
 */
export function readConfigFile(path: string, faults: Faults): ReadonlyMap<string, unknown> {
	const values = new Map<string, unknown>();
	for (const [name, value] of Object.entries(parse(path))) {
		if (NAMES.includes(name)) {
			values.set(name, convert(options[name as keyof typeof options], value));
			continue;
		}
		const similar = similarName(name, NAMES);
		faults.add(`${path}: unknown setting '${name}'${similar ? `; did you mean '${similar}'?` : ''}`);
	}
	return values;
}

function convert(option: Option<unknown>, value: unknown): unknown {
	// A setting that expects text also takes a number, such as a port for `metrics`.
	if (typeof value === 'number' && !option.accepts(value)) return option.read(String(value));
	return option.convert ? option.convert(value) : value;
}

function parse(path: string): Record<string, unknown> {
	let text: string;
	try {
		text = readFileSync(path, 'utf8');
	} catch (error) {
		throw new OptionError(`The file of --config cannot be read: ${(error as Error).message}`);
	}
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		// The message of the parser may quote a password.
		throw new OptionError(`${path} is no JSON`);
	}
	if (!isObject(value)) throw new OptionError(`${path} must be a JSON object of settings by their names`);
	return value;
}
