/** Reads the file of `--config`: a JSON object with settings by their names. */
import { readFileSync } from 'node:fs';
import { isObject } from '../../shared/isObject.js';
import { explainUnreadable, isDenied } from '../dataFolder/access.js';
import type { Faults } from '../options/faults.js';
import { OptionError } from '../options/optionError.js';
import type { Option } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import { removalOf } from '../options/removedSettings.js';
import { similarName } from '../options/similarName.js';
import { withoutByteOrderMark } from './lines.js';

const NAMES = Object.keys(options).filter((name) => name !== 'config');

/**
 * Reads the values of a file. The caller checks them.
 * @param faults receives unknown names
 * @throws OptionError if the file cannot be read, or is no JSON object
 */
export function readConfigFile(path: string, faults: Faults): ReadonlyMap<string, unknown> {
	const values = new Map<string, unknown>();
	for (const [name, value] of Object.entries(parse(path))) {
		if (NAMES.includes(name)) {
			const option: Option<unknown> = options[name as keyof typeof options];
			values.set(name, option.convert ? option.convert(value) : value);
			continue;
		}
		const removal = removalOf(name);
		const similar = similarName(name, NAMES);
		if (removal !== undefined) faults.add(`${path}: '${name}' ${removal}`);
		else faults.add(`${path}: unknown setting '${name}'${similar ? `; did you mean '${similar}'?` : ''}`);
	}
	return values;
}

function parse(path: string): Record<string, unknown> {
	let text: string;
	try {
		text = withoutByteOrderMark(readFileSync(path, 'utf8'));
	} catch (error) {
		// Passwords need not be in this file, so the error may propose to let all users read it.
		const isSecret = false;
		const reason = isDenied(error) ? `${path}: ${explainUnreadable(path, isSecret)}` : (error as Error).message;
		throw new OptionError(`The file of --config cannot be read: ${reason}`);
	}
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		const fault = jsonFault(text, (error as Error).message);
		throw new OptionError(`${path} is no JSON: ${fault}. Comments and trailing commas are not accepted`);
	}
	if (!isObject(value)) throw new OptionError(`${path} must be a JSON object of settings by their names`);
	return value;
}

/** The fault and its line, without the quoted part of the text, which may contain a password. */
function jsonFault(text: string, message: string): string {
	const [, token] = /^Unexpected token '(.)'/su.exec(message) ?? [];
	const [, position] = /at position (\d+)/.exec(message) ?? [];
	const [, dots, quoted = ''] = /, (\.\.\.)?"(.*?)"(?:\.\.\.)? is not valid JSON$/s.exec(message) ?? [];
	// A message without a position quotes the text around the token: `..."0123456789x"...`. After leading dots, the token
	// follows ten characters. Without them, the quoted part begins the text.
	const positionByQuote = text.indexOf(quoted) + (dots ? 10 : Math.max(0, quoted.indexOf(token ?? '')));
	const isAtEnd = message.includes('end of JSON');
	const faultPosition = isAtEnd ? text.length : Number(position ?? positionByQuote);
	const line = text.slice(0, faultPosition).split('\n').length;
	const fault = token === undefined ? message.replace(/ (in JSON )?at position.*$/s, '') : `unexpected '${token}'`;
	return `${fault} in line ${line}`;
}
