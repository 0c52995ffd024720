/** Checks the list of rules for rate limits. */
import { badEntryOf, type MemberRule } from '../../shared/definition.js';
import { isObject } from '../../shared/isObject.js';

const RULE_KEYS: ReadonlySet<string> = new Set(['id', 'matcher', 'calls', 'per', 'exact', 'callback', 'message']);
const MATCHER_KEYS: ReadonlySet<string> = new Set(['type', 'name', 'userId', 'clientAddress', 'connectionId']);

export const rateRules = {
	form: 'a list of rules',
	accepts: Array.isArray,
	badEntry: (value) => badEntryOf(value as readonly unknown[], ruleFault),
} as const satisfies MemberRule;

function ruleFault(rule: unknown): string | undefined {
	if (!isObject(rule)) return 'must be an object';
	const { matcher, calls, per, exact = false, callback, message, id } = rule;
	if (!isObject(matcher)) return 'must have a matcher: {} matches everything';
	const unknownKey =
		Object.keys(rule).find((key) => !RULE_KEYS.has(key)) ?? Object.keys(matcher).find((key) => !MATCHER_KEYS.has(key));
	if (unknownKey !== undefined) return `has the unknown member '${unknownKey}'`;
	// An undefined condition is likely a mistake, and it would match every value.
	const [emptyKey] = Object.entries(matcher).find(([, condition]) => condition === undefined) ?? [];
	if (emptyKey !== undefined)
		return `has a matcher whose ${emptyKey} is undefined: leave it out, or write null, to match any value`;
	if (typeof exact !== 'boolean') return 'must have true or false for exact';
	const isValidNumber = (value: unknown) => value === undefined || (Number.isInteger(value) && (value as number) >= 1);
	if (!isValidNumber(calls) || !isValidNumber(per)) return 'must have whole numbers from 1 for calls and per';
	if (callback !== undefined && typeof callback !== 'function') return 'must have a function as callback';
	if (message !== undefined && typeof message !== 'string' && typeof message !== 'function') {
		return 'must have a text or a function as message';
	}
	return id === undefined || typeof id === 'string' ? undefined : 'must have a text as id';
}
