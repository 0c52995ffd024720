/** Compiled patterns: superstruct structs with Meteor's messages (`test/contract/check.md` 12.2, way A). */
import { Struct } from 'superstruct';
import { isSame } from './ejson.js';
import { prepend } from './path.js';
import { ANY, type Shape } from './shape.js';

/** What is wrong with a value. `path` is `''` for the value itself. */
export interface Fault {
	readonly text: string;
	readonly path: string;
}

/** Finds the first fault. */
export type FaultFinder = (value: unknown) => Fault | null;

/** Finds all faults. @param at the path of the value, such as `list[0].id`; `''` for the outermost value */
export type FaultCollector = (value: unknown, at: string) => readonly Fault[];

/** A path that is already formatted, and must not be quoted again. It is passed as one key in superstruct's `path`. */
export class FormattedPath {
	constructor(private readonly text: string) {}
	toString(): string {
		return this.text;
	}
}

/** The `type` of superstruct's failures from a `Matcher`. */
export const MATCH_TYPE = 'match';

/**
 * A compiled pattern. A pattern calls `fault` of the patterns in it. Superstruct's validation, which is four times
 * slower, only runs for a matcher inside a superstruct struct.
 */
export class Matcher<T = unknown> extends Struct<T, null> {
	/**
	 * @param mayBeAbsent whether an object may lack a key with this pattern
	 * @param collect finds all faults. Default: only the first is reported
	 */
	constructor(
		readonly fault: FaultFinder,
		readonly mayBeAbsent = false,
		private readonly collect?: FaultCollector,
	) {
		super({
			type: MATCH_TYPE,
			schema: null,
			validator(value, { path }) {
				const found = fault(value);
				if (!found) return true;
				// Superstruct's message would quote the value, which may be a secret.
				return { message: found.text, path: found.path === '' ? path : [...path, new FormattedPath(found.path)] };
			},
		});
	}

	#shape: Shape = ANY;

	/** A description of the pattern, as data. */
	get shape(): Shape {
		return this.#shape;
	}

	describedAs(shape: Shape): this {
		this.#shape = shape;
		return this;
	}

	#convert: ((value: unknown) => unknown) | undefined;

	/**
	 * Converts a matching value, for example by the default of a schema. Only the arguments of methods and publications
	 * are converted.
	 */
	get convert(): ((value: unknown) => unknown) | undefined {
		return this.#convert;
	}

	convertedBy(convert: ((value: unknown) => unknown) | undefined): this {
		this.#convert = convert;
		return this;
	}

	/** All faults of a value (`test/contract/check.md` section 9). */
	allFaults(value: unknown, at = ''): readonly Fault[] {
		if (this.collect) return this.collect(value, at);
		const found = this.fault(value);
		if (!found) return [];
		return [at === '' ? found : { text: found.text, path: prepend(at, found.path) }];
	}

	/** `check` and `Match.test` do not convert, so they refuse a value that a schema would change. */
	leavesUnchanged(value: unknown): boolean {
		if (this.#convert === undefined) return true;
		const converted = this.#convert(value);
		try {
			return isSame(converted, value);
		} catch {
			// The schema made a value that has no EJSON text, such as a BigInt.
			return false;
		}
	}

	override is(value: unknown): value is T {
		return this.fault(value) === null && this.leavesUnchanged(value);
	}
}

// biome-ignore lint/suspicious/noExplicitAny: a struct is invariant in its type, so no other type holds them all
export type AnyMatcher = Matcher<any>;

/**
 * `Match.Optional` and `Match.Maybe`. A key with this pattern may be absent. Otherwise its value must match `inner`
 * (`test/contract/check.md` section 5).
 */
export class OptionalMatcher<T, Absent extends undefined | null> extends Matcher<T | Absent> {
	constructor(
		readonly inner: Matcher<T>,
		fault: FaultFinder,
	) {
		super(fault, true);
	}
}

/** Meteor's text for a value that none of several patterns accepts. */
export const NO_CHOICE = 'Failed Match.OneOf, Match.Maybe or Match.Optional validation';

/** Meteor's text for a value that fails a condition. */
export const NO_CONDITION = 'Failed Match.Where validation';

/** A fault of the value itself. */
export function faultOf(text: string): Fault {
	return { text, path: '' };
}
