/** Checks definitions at run time. */
import { isObject } from './isObject.js';
import { isLimit } from './limit.js';
import { patternFault } from './patternFault.js';
import { isTimerMs, MAX_TIMER_MS } from './timers.js';

/** A definition has a wrong member. */
export class DefinitionError extends Error {
	override readonly name = 'DefinitionError';
}

/** A rule for one member of a definition. */
export interface MemberRule {
	/** Describes accepted values, for the message: `must be a text`. */
	readonly form: string;
	readonly required?: boolean;
	accepts(value: unknown): boolean;
	/** Describes the first bad entry of an accepted list or object; undefined if there is none. */
	badEntry?(value: unknown): string | undefined;
}

/** A rule for each member that a definition may have. */
export type MemberRules<Member extends string = string> = Readonly<Record<Member, MemberRule>>;

/** Rules that several kinds of definitions use. */
export const rules: MemberRules<'text' | 'name' | 'flag' | 'function' | 'patterns' | 'timeout' | 'limit' | 'any'> = {
	text: { form: 'a text', accepts: (value) => typeof value === 'string' },
	name: { form: 'a text that is not empty', accepts: (value) => typeof value === 'string' && value !== '' },
	flag: { form: 'true or false', accepts: (value) => typeof value === 'boolean' },
	function: { form: 'a function', accepts: (value) => typeof value === 'function' },
	patterns: { form: 'an object with a pattern for each name', accepts: isObject, badEntry: patternFault },
	timeout: { form: `a whole number of ms from 1 to ${MAX_TIMER_MS}`, accepts: isTimerMs },
	limit: {
		form: `{ calls, per }: whole numbers of calls and of ms, from 1, per at most ${MAX_TIMER_MS}`,
		accepts: isLimit,
	},
	any: { form: 'any value', accepts: () => true },
};

/**
 * Describes the first bad entry of a list, with its position; undefined if all are good.
 * @param fault describes what is wrong with an entry; undefined for a good entry
 */
export function badEntryOf(
	list: readonly unknown[],
	fault: (entry: unknown) => string | undefined,
): string | undefined {
	// `Array.from` turns the holes of a sparse array into undefined.
	for (const [i, entry] of Array.from(list).entries()) {
		const text = fault(entry);
		if (text !== undefined) return `entry ${i} ${text}`;
	}
	return undefined;
}

/** Makes a rule for a member that must be present. */
export function required(rule: MemberRule): MemberRule {
	return { ...rule, required: true };
}

/**
 * Checks the members of a definition.
 * @param kind for errors, such as `method`
 * @param name for errors; default: the member `name`
 * @throws DefinitionError that names the definition and the first wrong, missing or unknown member
 */
export function checkDefinition(kind: string, definition: unknown, members: MemberRules, name?: string): void {
	if (!isObject(definition)) throw new DefinitionError(`A ${kind} must be defined by an object`);
	const label = nameOf(kind, name ?? definition.name);
	for (const key of Object.keys(definition)) {
		if (Object.hasOwn(members, key)) continue;
		throw new DefinitionError(
			`${label} has no member '${key.slice(0, 100)}'; its members are ${Object.keys(members).join(', ')}`,
		);
	}
	for (const [key, rule] of Object.entries(members)) {
		const value = definition[key];
		if (value === undefined && !rule.required) continue;
		if (value === undefined || !rule.accepts(value)) {
			throw new DefinitionError(`${key} of ${label} must be ${rule.form}`);
		}
		const entryFault = rule.badEntry?.(value);
		if (entryFault !== undefined) throw new DefinitionError(`${key} of ${label}: ${entryFault}`);
	}
}

/** The error for the use of a collection that the server does not have. */
export function notDeclared(name: string): DefinitionError {
	return new DefinitionError(`Collection '${name}' is not declared: add it to collections of createServer`);
}

function nameOf(kind: string, name: unknown): string {
	return typeof name === 'string' && name !== '' ? `${kind} '${name}'` : `a ${kind} without a name`;
}
