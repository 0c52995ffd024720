/** Patterns of texts with a limited length. */
import { checkDefinition, DefinitionError, type MemberRule, required, rules } from './definition.js';
import { Match } from './match.js';
import type { Matcher } from './matcher.js';

/** No control characters, and no unpaired surrogates, which databases treat differently. */
const ONE_LINE = /^[^\p{Cc}\p{Cs}]*$/u;

export interface TextLimits {
	/** In characters. Default 0. */
	readonly min?: number;
	/** In characters. */
	readonly max: number;
	/** Refuses control characters, such as line breaks, and unpaired surrogates. Default false. */
	readonly oneLine?: boolean;
}

const length: MemberRule = {
	form: 'a whole number of characters, 0 or more',
	accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};

/** Counts code points. */
function hasLength(text: string, min: number, max: number): boolean {
	// A code point has one or two UTF-16 units, which `length` counts. Long texts are refused without counting.
	if (text.length > 2 * max) return false;
	let count = 0;
	for (const _ of text) count++;
	return count >= min && count <= max;
}

/**
 * Makes the pattern of a text with a limited number of Unicode code points, as in JSON Schema.
 * @throws DefinitionError for wrong limits
 */
export function Text(limits: TextLimits): Matcher<string> {
	checkDefinition('pattern', limits, { min: length, max: required(length), oneLine: rules.flag }, 'Text');
	const { min = 0, max, oneLine = false } = limits;
	if (min > max) throw new DefinitionError(`min of pattern 'Text' must not be greater than max`);
	const shownMax = max.toLocaleString('en-US');
	const range = min === 0 ? `at most ${shownMax}` : `${min.toLocaleString('en-US')} to ${shownMax}`;
	return Match.Where(
		(value): value is string =>
			typeof value === 'string' && hasLength(value, min, max) && (!oneLine || ONE_LINE.test(value)),
		`text of ${range} characters${oneLine ? ' on one line' : ''}`,
		{
			type: 'string',
			...(min > 0 && { minLength: min }),
			maxLength: max,
			...(oneLine && { pattern: ONE_LINE.source }),
		},
	);
}
