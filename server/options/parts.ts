/** Checks the parts of a server: the options of `createServer` that are not settings. */
import { badEntryOf, type MemberRule, type MemberRules, rules } from '../../shared/definition.js';
import { isObject } from '../../shared/isObject.js';
import { STRATEGIES } from '../../shared/publication.js';
import type { StoreChoice } from '../store/open.js';
import { OptionError } from './optionError.js';
import { quotedText } from './optionKinds.js';
import { rateRules } from './rateRules.js';
import type { Parts } from './serverOptions.js';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

function listOf(form: string, isValid: (entry: unknown) => boolean): MemberRule {
	const entryFault = (entry: unknown) => (isValid(entry) ? undefined : `is ${entryText(entry)}`);
	return { form, accepts: Array.isArray, badEntry: (value) => badEntryOf(value as unknown[], entryFault) };
}

/**
 * Accepts a list of definitions.
 * @param maker the function that makes them
 * @param excluded a key that only definitions of another kind have
 */
function definitions(maker: string, keys: readonly string[], excluded?: string): MemberRule {
	return listOf(`a list of what ${maker}() returns`, (entry) => {
		if (!isObject(entry) || (excluded !== undefined && excluded in entry)) return false;
		return keys.every((key) => key in entry);
	});
}

function entryText(entry: unknown): string {
	if (entry === undefined || entry === null) return `${entry}: is it imported by the right name?`;
	return isObject(entry) ? 'another object' : `a ${typeof entry}`;
}

function valuesOf(form: string, isValid: (value: unknown) => boolean, valueForm: string): MemberRule {
	return {
		form,
		accepts: isObject,
		badEntry(value) {
			const [badKey] = Object.entries(value as object).find(([, member]) => !isValid(member)) ?? [];
			return badKey === undefined ? undefined : `that of '${badKey}' must be ${valueForm}`;
		},
	};
}

const RULES: MemberRules<keyof Parts> = {
	collections: definitions('collection', ['name', 'key', 'indexes']),
	methods: definitions('method', ['name', 'args', 'run', 'changesUser']),
	publications: definitions('publication', ['name', 'args', 'run', 'timeout'], 'changesUser'),
	streams: definitions('stream', ['name', 'mayRead']),
	limits: rateRules,
	limitMessage: {
		form: 'a text or a function',
		accepts: (value) => typeof value === 'string' || typeof value === 'function',
	},
	onConnection: listOf('a list of functions', (entry) => typeof entry === 'function'),
	strategies: valuesOf(
		'an object of strategies by collection',
		(value) => (STRATEGIES as readonly unknown[]).includes(value),
		`one of ${STRATEGIES.join(', ')}`,
	),
	accounts: rules.flag,
	keys: rules.flag,
	loginHandlers: definitions('loginHandler', ['name', 'run'], 'args'),
	permissions: valuesOf(
		'an object of lists of roles by permission',
		(value) => Array.isArray(value) && value.every((role) => typeof role === 'string'),
		'a list of texts',
	),
	store: {
		form: '{ memory: true }, { data: folder } or { mongoUrl: address }',
		accepts: (value) => storeChoice(value) !== undefined,
	},
	log: {
		form: 'an object with debug, info, warn and error',
		accepts: (value) => isObject(value) && LEVELS.every((level) => typeof value[level] === 'function'),
	},
	server: {
		form: 'a server of node:http',
		accepts: (value) => isObject(value) && typeof value.on === 'function',
	},
	listen: rules.flag,
};

export const PART_NAMES = Object.keys(RULES) as readonly (keyof Parts)[];

/** @throws OptionError if the value of a part is wrong */
export function requirePart(name: keyof Parts, value: unknown): void {
	const { form, accepts, badEntry } = RULES[name];
	if (!accepts(value)) {
		// A text in place of true or false: the error shows how to write it.
		const isQuoted = (value === 'true' || value === 'false') && accepts(value === 'true');
		throw new OptionError(`${name} must be ${form}${isQuoted ? `, not ${quotedText(value, value === 'true')}` : ''}`);
	}
	const fault = badEntry?.(value);
	if (fault !== undefined) throw new OptionError(`${name} must be ${form}: ${fault}`);
}

/** Converts the option `store`; undefined if it is wrong. */
export function storeChoice(value: unknown): StoreChoice | undefined {
	if (!isObject(value) || Object.keys(value).length !== 1) return undefined;
	const { memory, data, mongoUrl } = value;
	if (memory === true) return { kind: 'memory' };
	if (typeof data === 'string' && data !== '') return { kind: 'files', folder: data };
	return typeof mongoUrl === 'string' && mongoUrl !== '' ? { kind: 'mongodb', url: mongoUrl } : undefined;
}
