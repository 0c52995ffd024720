/** The operators of the pattern language (`test/contract/check.md`): `Match.Optional(String)` and the like. */
import { MatchError } from './errors.js';
import { formatValue } from './formatValue.js';
import { type AnyMatcher, faultOf, Matcher, NO_CHOICE, NO_CONDITION, OptionalMatcher } from './matcher.js';
import { objectMatcher } from './objects.js';
import { compile, compileKeys, type Infer, type Pattern } from './pattern.js';
import { type JsonSchema, NOTHING, NULL, type Shape } from './shape.js';

function anyOf(choices: readonly AnyMatcher[]) {
	return (value: unknown) => {
		for (const choice of choices) if (choice.fault(value) === null) return null;
		return faultOf(NO_CHOICE);
	};
}

function conversionOf(choices: readonly AnyMatcher[]): AnyMatcher['convert'] {
	if (choices.every(({ convert }) => convert === undefined)) return undefined;
	return (value) => {
		const choice = choices.find((candidate) => candidate.fault(value) === null);
		return choice?.convert ? choice.convert(value) : value;
	};
}

function choiceShape(...choices: readonly Shape[]): Shape {
	return { kind: 'oneOf', choices };
}

// Function declarations can be called with `new`, as in Meteor (`test/contract/check.md` section 2).

/** Matches any of the patterns; the first match decides. @throws Error without a pattern */
function OneOf<const P extends readonly Pattern[]>(...choices: P): Matcher<Infer<P[number]>> {
	if (choices.length === 0) throw new Error('Must provide at least one choice to Match.OneOf');
	const matchers = choices.map((choice) => compile(choice));
	const matcher = new Matcher<Infer<P[number]>>(anyOf(matchers)).convertedBy(conversionOf(matchers));
	return matcher.describedAs(choiceShape(...matchers.map(({ shape }) => shape)));
}

/** In an object: a key that may be absent. Elsewhere: a matching value, or undefined. */
function Optional<const P extends Pattern>(pattern: P): OptionalMatcher<Infer<P>, undefined> {
	const inner = compile(pattern);
	const choices = [compile(undefined), inner];
	const matcher = new OptionalMatcher<Infer<P>, undefined>(inner, anyOf(choices));
	return matcher.convertedBy(conversionOf(choices)).describedAs(choiceShape(inner.shape, NOTHING));
}

/** In an object: the same as `Optional`. Elsewhere: a matching value, undefined, or null. */
function Maybe<const P extends Pattern>(pattern: P): OptionalMatcher<Infer<P>, undefined | null> {
	const inner = compile(pattern);
	const choices = [compile(undefined), compile(null), inner];
	const matcher = new OptionalMatcher<Infer<P>, undefined | null>(inner, anyOf(choices));
	return matcher.convertedBy(conversionOf(choices)).describedAs(choiceShape(inner.shape, NULL, NOTHING));
}

/**
 * Values for which a function returns a truthy value. If the function calls `check`, the match error of `check` is
 * the fault of the value (`test/contract/check.md` section 6). Other errors are passed on.
 * @param text the condition in words, for the documentation and the match error
 * @param schema the condition as JSON Schema. It must accept every value that the condition accepts
 */
function Where<T>(condition: (value: unknown) => value is T, text?: string, schema?: JsonSchema): Matcher<T>;
// biome-ignore lint/suspicious/noExplicitAny: a condition may well assume more of its value than unknown
function Where(condition: (value: any) => unknown, text?: string, schema?: JsonSchema): Matcher<unknown>;
function Where(condition: (value: unknown) => unknown, text?: string, schema?: JsonSchema): Matcher {
	const faultText = text === undefined ? NO_CONDITION : `Expected ${text}`;
	return new Matcher((value) => {
		try {
			return condition(value) ? null : faultOf(faultText);
		} catch (error) {
			if (error instanceof MatchError) return { text: error.message, path: error.path };
			throw error;
		}
	}).describedAs({ kind: 'where', text, schema });
}

/** A plain object with at least these keys. Without a pattern it refuses every value, as in Meteor. */
function ObjectIncluding<const P extends { readonly [key: string]: Pattern }>(
	pattern?: P,
): Matcher<Infer<P> & Record<string, unknown>> {
	if (typeof pattern !== 'object') return new Matcher(() => faultOf('Bad pattern: unknown pattern type'));
	return objectMatcher(compileKeys(pattern), 'ignore') as Matcher<Infer<P> & Record<string, unknown>>;
}

/** A plain object of any keys, whose values all match. */
function ObjectWithValues<const P extends Pattern>(pattern: P): Matcher<Record<string, Infer<P>>> {
	return objectMatcher(new Map(), compile(pattern));
}

/**
 * Whether a value matches, and no schema would convert it. Errors of a condition, except match errors, are passed on.
 */
function test<const P extends Pattern>(value: unknown, pattern: P): value is Infer<P> {
	return compile(pattern).is(value);
}

export const Match = {
	/** Every value. */
	Any: new Matcher<unknown>(() => null),
	/** Whole numbers of 32 bits: -2147483648 to 2147483647. */
	Integer: new Matcher<number>((value) => {
		const isInteger = typeof value === 'number' && (value | 0) === value;
		return isInteger ? null : faultOf(`Expected Integer, got ${formatValue(value)}`);
	}).describedAs({ kind: 'type', name: 'integer' }),
	OneOf,
	Optional,
	Maybe,
	Where,
	ObjectIncluding,
	ObjectWithValues,
	test,
	Error: MatchError,
} as const;

/** Whole numbers from 0 to 2147483648, such as counts and offsets. */
export const WholeNumber = Match.Where(
	(value): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2 ** 31,
	'a whole number',
	{ type: 'integer', minimum: 0, maximum: 2 ** 31 },
);

/** The result of a method that returns nothing. */
export const Nothing = compile(undefined);

/** Any string except the empty one. */
export const NonEmptyString = Match.Where(
	(value): value is string => typeof value === 'string' && value !== '',
	'text that is not empty',
	{ type: 'string', minLength: 1 },
);

function redescribed<T>(inner: Matcher<T>, shape: Shape): Matcher<T> {
	const matcher = new Matcher<T>(inner.fault, inner.mayBeAbsent, (value, at) => inner.allFaults(value, at));
	return matcher.convertedBy(inner.convert).describedAs(shape);
}

/** The same pattern with a name for the documentation. */
export function named<const P extends Pattern>(name: string, pattern: P): Matcher<Infer<P>> {
	const inner = compile(pattern);
	return redescribed(inner, { kind: 'named', name, shape: inner.shape });
}

/** Checks like `pattern`, and is documented as `shown`. For methods that check more themselves. */
export function shownAs<const P extends Pattern>(pattern: P, shown: Pattern): Matcher<Infer<P>> {
	return redescribed(compile(pattern), compile(shown).shape);
}
