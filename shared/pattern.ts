/** Compiles patterns (`test/contract/check.md` section 3), and infers the types of matching values. */
import { Struct } from 'superstruct';
import { formatValue, typeName } from './formatValue.js';
import { type AnyMatcher, type Fault, faultOf, Matcher, type OptionalMatcher } from './matcher.js';
import { objectMatcher } from './objects.js';
import { prepend } from './path.js';
import { type AnyStandardSchema, isStandardSchema, type StandardSchema, standardMatcher } from './standardSchema.js';
import { structMatcher } from './structAdapter.js';

// biome-ignore lint/suspicious/noExplicitAny: a struct is invariant in its type, so no other type holds them all
type AnyStruct = Struct<any, any>;
type Class = abstract new (...args: never[]) => unknown;
type Literal = string | number | boolean | undefined | null;

/** Any pattern. Objects and arrays must not be changed after their first use as a pattern. */
export type Pattern =
	| Literal
	| AnyStruct
	| AnyStandardSchema
	| Class
	| readonly Pattern[]
	| { readonly [key: string]: Pattern };

/** If a schema converts: `input` is what a client sends, `output` what a method receives. */
type Side = 'input' | 'output';

/** The type of matching values, converted by schemas. */
export type Infer<P> = InferSide<P, 'output'>;

/** The type of matching values, not yet converted by schemas. */
export type InferInput<P> = InferSide<P, 'input'>;

type InferSide<P, S extends Side> =
	P extends Struct<infer T, infer _>
		? T
		: P extends StandardSchema<infer Input, infer Output>
			? S extends 'input'
				? Input
				: Output
			: P extends StringConstructor
				? string
				: P extends NumberConstructor
					? number
					: P extends BooleanConstructor
						? boolean
						: P extends FunctionConstructor
							? (...args: never[]) => unknown
							: P extends ObjectConstructor
								? Record<string, unknown>
								: P extends abstract new (
											...args: never[]
										) => infer Instance
									? Instance
									: P extends Literal
										? P
										: P extends readonly [infer Element]
											? InferSide<Element, S>[]
											: P extends readonly unknown[]
												? never
												: InferObject<P, S>;

type OptionalKey<P, S extends Side> = {
	[K in keyof P]: P[K] extends OptionalMatcher<infer _, infer __>
		? K
		: P[K] extends Matcher<infer _>
			? never
			: P[K] extends AnyStruct | AnyStandardSchema
				? undefined extends InferSide<P[K], S>
					? K
					: never
				: never;
}[keyof P];

type PresentMember<P, S extends Side> = P extends OptionalMatcher<infer T, infer _> ? T : InferSide<P, S>;

type InferObject<P, S extends Side> = {
	-readonly [K in keyof Pick<P, Exclude<keyof P, OptionalKey<P, S>>>]: InferSide<P[K], S>;
} & { -readonly [K in keyof Pick<P, OptionalKey<P, S>>]?: PresentMember<P[K], S> } extends infer O
	? { [K in keyof O]: O[K] }
	: never;

const compiled = new WeakMap<object, AnyMatcher>();
/** Detects a pattern that contains itself. */
const compiling = new Set<object>();

/**
 * Compiles a pattern. Results are cached by identity, except for literals.
 * @throws Error for a pattern that contains itself, and for an asynchronous schema
 */
export function compile<const P>(pattern: P): Matcher<Infer<P>>;
export function compile(pattern: unknown): AnyMatcher {
	if (pattern instanceof Matcher) return pattern;
	if (typeof pattern !== 'function' && (typeof pattern !== 'object' || pattern === null))
		return literalMatcher(pattern);
	let matcher = compiled.get(pattern);
	if (matcher) return matcher;
	if (compiling.has(pattern)) throw new Error('A pattern must not contain itself');
	compiling.add(pattern);
	try {
		matcher = buildMatcher(pattern);
	} finally {
		compiling.delete(pattern);
	}
	compiled.set(pattern, matcher);
	return matcher;
}

export function compileKeys(pattern: object): Map<string, AnyMatcher> {
	return new Map(Object.entries(pattern).map(([key, value]) => [key, compile(value)]));
}

function buildMatcher(pattern: object): AnyMatcher {
	if (pattern instanceof Struct) return structMatcher(pattern);
	if (isStandardSchema(pattern)) return standardMatcher(pattern);
	if (pattern === String) return typeMatcher('string');
	if (pattern === Number) return typeMatcher('number');
	if (pattern === Boolean) return typeMatcher('boolean');
	if (pattern === Function) return typeMatcher('function');
	if (pattern === Object) return objectMatcher(new Map(), 'ignore');
	if (Array.isArray(pattern)) return arrayMatcher(pattern);
	if (typeof pattern === 'function') return instanceMatcher(pattern as Class);
	return objectMatcher(compileKeys(pattern), 'refuse');
}

function typeMatcher(type: 'string' | 'number' | 'boolean' | 'function' | 'undefined'): Matcher {
	// The fault does not contain the value, which may be a password.
	const fault = (value: unknown) =>
		typeof value === type ? null : faultOf(`Expected ${type}, got ${typeName(value)}`);
	return new Matcher(fault).describedAs({ kind: 'type', name: type });
}

/** A symbol or a bigint is no pattern: its matcher refuses every value. */
function literalMatcher(literal: unknown): Matcher {
	switch (typeof literal) {
		case 'undefined':
			return typeMatcher('undefined');
		case 'symbol':
		case 'bigint':
			return new Matcher(() => faultOf('Bad pattern: unknown pattern type'));
		default:
			return new Matcher((value) =>
				value === literal ? null : faultOf(`Expected ${literal}, got ${formatValue(value)}`),
			).describedAs({ kind: 'literal', value: literal });
	}
}

function instanceMatcher(expectedClass: Class): Matcher {
	const { name } = expectedClass;
	const text = name ? `Expected ${name}` : 'Expected particular constructor';
	return new Matcher((value) => (value instanceof expectedClass ? null : faultOf(text))).describedAs({
		kind: 'type',
		name,
	});
}

function isArguments(value: unknown): value is ArrayLike<unknown> {
	return Object.prototype.toString.call(value) === '[object Arguments]';
}

function arrayMatcher(pattern: readonly unknown[]): Matcher {
	if (pattern.length !== 1) {
		const fault = faultOf(`Bad pattern: arrays must have one type element ${formatValue(pattern)}`);
		return new Matcher(() => fault);
	}
	const element = compile(pattern[0]);
	const notArrayFault = (value: unknown) =>
		Array.isArray(value) || isArguments(value) ? null : faultOf(`Expected array, got ${formatValue(value)}`);

	function firstFault(value: unknown): Fault | null {
		const kindFault = notArrayFault(value);
		if (kindFault) return kindFault;
		const elements = value as ArrayLike<unknown>;
		for (let i = 0; i < elements.length; i++) {
			const found = element.fault(elements[i]);
			if (found) return { text: found.text, path: prepend(i, found.path) };
		}
		return null;
	}

	function allFaults(value: unknown, at: string): readonly Fault[] {
		const kindFault = notArrayFault(value);
		if (kindFault) return [at === '' ? kindFault : { text: kindFault.text, path: prepend(at, '') }];
		return Array.from(value as ArrayLike<unknown>).flatMap((member, i) => element.allFaults(member, `${at}[${i}]`));
	}

	const matcher = new Matcher(firstFault, false, allFaults).describedAs({ kind: 'array', element: element.shape });
	const { convert } = element;
	return convert ? matcher.convertedBy((value) => Array.from(value as ArrayLike<unknown>, convert)) : matcher;
}
