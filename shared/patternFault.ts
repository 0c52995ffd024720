/** Finds mistakes in the patterns of a definition, which would otherwise show only at the first call. */
import { OptionalMatcher } from './matcher.js';
import { isStandardSchema } from './standardSchema.js';
import { isFields } from './values.js';

/**
 * Describes the first pattern that is a mistake. An undefined pattern usually comes from a misspelt name or a circular
 * import. As a pattern of Meteor, `undefined` is only useful in `Match.OneOf`. Within operators of `Match`, only an
 * undefined pattern of `Optional` or `Maybe` is found.
 */
export function patternFault(patterns: unknown): string | undefined {
	for (const [name, pattern] of Object.entries(patterns as object)) {
		const fault = faultAt(name, pattern);
		if (fault !== undefined) return fault;
	}
	return undefined;
}

function faultAt(path: string, pattern: unknown): string | undefined {
	if (pattern === undefined) return `the pattern of '${path}' is undefined`;
	if (pattern instanceof OptionalMatcher) {
		const { shape } = pattern.inner;
		const isNothing = shape.kind === 'type' && shape.name === 'undefined';
		return isNothing ? `the pattern inside Match.Optional or Match.Maybe of '${path}' is undefined` : undefined;
	}
	if (Array.isArray(pattern)) {
		if (pattern.length === 1) return faultAt(`${path}[0]`, pattern[0]);
		return `the pattern of '${path}' is an array, which must contain one pattern, that of each element`;
	}
	if (!isFields(pattern) || isStandardSchema(pattern)) return undefined;
	for (const [key, member] of Object.entries(pattern)) {
		const fault = faultAt(`${path}.${key}`, member);
		if (fault !== undefined) return fault;
	}
	return undefined;
}
