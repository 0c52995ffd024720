/** Object patterns (`test/contract/check.md` section 5). */
import { type AnyMatcher, type Fault, faultOf, Matcher, OptionalMatcher } from './matcher.js';
import { prepend } from './path.js';
import { ANY, type Shape } from './shape.js';

/** What happens to unknown keys. A matcher checks their values. */
type OtherKeys = 'refuse' | 'ignore' | AnyMatcher;

const sourceOfObject = Function.prototype.toString.call(Object);

/** Whether an object is plain, also if it comes from another realm. */
function isPlain(value: object): boolean {
	if (Object.prototype.toString.call(value) !== '[object Object]') return false;
	const prototype = Object.getPrototypeOf(value);
	if (prototype === null || prototype === Object.prototype) return true;
	// `Object` of another realm has the same source text.
	const constructorOfValue = Object.hasOwn(prototype, 'constructor') && prototype.constructor;
	return (
		typeof constructorOfValue === 'function' && Function.prototype.toString.call(constructorOfValue) === sourceOfObject
	);
}

/** The fault of a value that is not a plain object. */
export function plainObjectFault(value: unknown): Fault | null {
	if (typeof value !== 'object') return faultOf(`Expected object, got ${typeof value}`);
	if (value === null) return faultOf('Expected object, got null');
	return isPlain(value) ? null : faultOf('Expected plain object');
}

function shapeOf(keys: ReadonlyMap<string, AnyMatcher>, others: OtherKeys): Shape {
	const members = Array.from(keys, ([name, matcher]) => ({
		name,
		isOptional: matcher.mayBeAbsent,
		shape: matcher instanceof OptionalMatcher ? matcher.inner.shape : matcher.shape,
	}));
	if (others === 'refuse') return { kind: 'object', members, others: null };
	return { kind: 'object', members, others: others === 'ignore' ? ANY : others.shape };
}

/**
 * Matches plain objects. Own keys are checked first, each with all nested values, then missing keys.
 * @param keys the matcher of each key. Missing keys are reported in this order
 */
export function objectMatcher(keys: ReadonlyMap<string, AnyMatcher>, others: OtherKeys): AnyMatcher {
	const matchersByKey = new Map<string, AnyMatcher>();
	for (const [key, matcher] of keys)
		matchersByKey.set(key, matcher instanceof OptionalMatcher ? matcher.inner : matcher);
	const required = [...keys.keys()].filter((key) => !keys.get(key)?.mayBeAbsent);

	function faultIn(key: string, value: unknown): Fault | null {
		const matcher = matchersByKey.get(key) ?? others;
		if (matcher === 'ignore') return null;
		// The key is not quoted (`test/contract/check.md` section 7).
		if (matcher === 'refuse') return { text: 'Unknown key', path: key };
		const found = matcher.fault(value);
		return found && { text: found.text, path: prepend(key, found.path) };
	}

	const isMissing = (members: object, key: string) => !Object.prototype.propertyIsEnumerable.call(members, key);

	function firstFault(value: unknown): Fault | null {
		const kindFault = plainObjectFault(value);
		if (kindFault) return kindFault;
		const members = value as Record<string, unknown>;
		for (const key of Object.keys(members)) {
			const found = faultIn(key, members[key]);
			if (found) return found;
		}
		for (const key of required) if (isMissing(members, key)) return faultOf(`Missing key '${key}'`);
		return null;
	}

	function allFaults(value: unknown, at: string): readonly Fault[] {
		const kindFault = plainObjectFault(value);
		// When Meteor collects all faults, it quotes a path as if it were one key, except the path of a missing key.
		if (kindFault) return [at === '' ? kindFault : { text: kindFault.text, path: prepend(at, '') }];
		const members = value as Record<string, unknown>;
		const found = Object.keys(members).flatMap((key) => {
			const matcher = matchersByKey.get(key) ?? others;
			if (matcher === 'ignore') return [];
			// Meteor states the key without its parents here.
			if (matcher === 'refuse') return [{ text: 'Unknown key', path: key }];
			return matcher.allFaults(members[key], at === '' ? key : `${at}.${key}`);
		});
		const missing = required.filter((key) => isMissing(members, key));
		return [...found, ...missing.map((key) => ({ text: `Missing key '${key}'`, path: at }))];
	}

	const matcher = new Matcher(firstFault, false, allFaults).describedAs(shapeOf(keys, others));
	return hasConversion(keys, others) ? matcher.convertedBy((value) => convertMembers(value, keys, others)) : matcher;
}

function hasConversion(keys: ReadonlyMap<string, AnyMatcher>, others: OtherKeys): boolean {
	return [...keys.values(), others].some((matcher) => typeof matcher === 'object' && matcher.convert !== undefined);
}

/** Returns a copy. The conversion of an absent member may yield a default. */
function convertMembers(
	value: unknown,
	keys: ReadonlyMap<string, AnyMatcher>,
	others: OtherKeys,
): Record<string, unknown> {
	const members = { ...(value as Record<string, unknown>) };
	for (const name of new Set([...Object.keys(members), ...keys.keys()])) {
		const matcher = keys.get(name) ?? others;
		if (typeof matcher !== 'object' || !matcher.convert) continue;
		const member = matcher.convert(members[name]);
		if (member !== undefined || Object.hasOwn(members, name)) members[name] = member;
	}
	return members;
}
