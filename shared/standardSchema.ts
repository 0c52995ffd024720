/**
 * Standard Schema (https://standardschema.dev): the interface of zod, valibot and other validators. Their schemas can
 * be patterns, and convert arguments, for example by a default.
 */
import { type AnyMatcher, faultOf, Matcher, NO_CHOICE, OptionalMatcher } from './matcher.js';
import { faultOfIssues, type Issue } from './standardIssues.js';
import { standardShape } from './standardShape.js';

type Result<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/** A schema of any validator. `Input` is what a client sends, `Output` what a method receives. */
export interface StandardSchema<Input = unknown, Output = Input> {
	readonly '~standard': {
		readonly version: 1;
		/** Name of the validator, such as `zod`. */
		readonly vendor: string;
		readonly validate: (value: unknown) => Result<Output> | Promise<Result<Output>>;
		readonly types?: { readonly input: Input; readonly output: Output } | undefined;
	};
}

// biome-ignore lint/suspicious/noExplicitAny: a schema is invariant in its types, so no other type holds them all
export type AnyStandardSchema = StandardSchema<any, any>;

/** A schema is an object or, in some validators, a function. */
export function isStandardSchema(pattern: unknown): pattern is AnyStandardSchema {
	if ((typeof pattern !== 'object' && typeof pattern !== 'function') || pattern === null) return false;
	const standard = (pattern as Partial<AnyStandardSchema>)['~standard'];
	return (
		typeof standard === 'object' &&
		standard !== null &&
		standard.version === 1 &&
		typeof standard.validate === 'function'
	);
}

class AsynchronousSchemaError extends Error {
	constructor(vendor: string) {
		super(
			`An asynchronous ${vendor} schema cannot be a pattern, because arguments are checked synchronously. Make asynchronous checks in the method.`,
		);
	}
}

/** @throws Error for an asynchronous schema. If this only becomes known when a value is checked, the check throws */
export function standardMatcher(schema: AnyStandardSchema): AnyMatcher {
	const { vendor } = schema['~standard'];
	if (isAsynchronous(schema)) throw new AsynchronousSchemaError(vendor);

	function validate(value: unknown): Result<unknown> {
		const result = schema['~standard'].validate(value);
		if (!(result instanceof Promise)) return result;
		// The result is not used, so a rejection must not be reported as unhandled.
		result.catch(() => {});
		throw new AsynchronousSchemaError(vendor);
	}

	const shape = standardShape(schema);
	const convert = (value: unknown) => {
		const result = validate(value);
		return result.issues ? value : result.value;
	};
	const matcher = new Matcher((value) => {
		const { issues } = validate(value);
		return issues ? faultOfIssues(value, issues) : null;
	});
	matcher.describedAs(shape).convertedBy(convert);
	if (!admitsUndefined(validate)) return matcher;
	// As with `Match.Optional`, a member of an object and an argument are checked by `matcher`, so their error is that of the
	// schema. Any other value, such as an element of an array, is checked by the function here. Its error is `NO_CHOICE`.
	const optional = new OptionalMatcher(matcher, (value) => (validate(value).issues ? faultOf(NO_CHOICE) : null));
	return optional.describedAs(shape).convertedBy(convert);
}

/** Whether a schema admits undefined. A check that the application has written in the schema may throw. */
function admitsUndefined(validate: (value: unknown) => Result<unknown>): boolean {
	try {
		return !validate(undefined).issues;
	} catch (error) {
		if (error instanceof AsynchronousSchemaError) throw error;
		return false;
	}
}

/** Maximum number of searched parts of a schema. */
const MAX_PARTS = 10_000;

/**
 * Whether a schema shows that it is asynchronous: by `async` (valibot), the type `promise` (zod), or an async function.
 */
function isAsynchronous(schema: object): boolean {
	const visited = new Set<unknown>();
	const toVisit: unknown[] = [schema];
	while (toVisit.length > 0 && visited.size < MAX_PARTS) {
		const part = toVisit.pop();
		if (visited.has(part)) continue;
		visited.add(part);
		if (typeof part === 'function' && part.constructor.name === 'AsyncFunction') return true;
		if (typeof part !== 'object' || part === null) continue;
		if ((part as { async?: unknown }).async === true) return true;
		const definition = (part as { _zod?: { def?: { type?: unknown } } })._zod?.def;
		if (definition?.type === 'promise') return true;
		toVisit.push(...partsOf(definition ?? part));
	}
	return false;
}

/** The methods of class instances say nothing about the schema, so instances are skipped. */
function partsOf(part: object): unknown[] {
	const prototype = Object.getPrototypeOf(part);
	if (prototype !== null && prototype !== Object.prototype && prototype !== Array.prototype) return [];
	return Object.entries(part).flatMap(([name, member]) => (name.startsWith('~') ? [] : [member]));
}
