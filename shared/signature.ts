/** The types of a method that its callers see, for the compiler. */
import type { InferInput, Pattern } from './pattern.js';

type Patterns = Readonly<Record<string, Pattern>>;

export interface Signature {
	readonly name: string;
	/** Parameters over DDP. */
	readonly params: readonly unknown[];
	/** Arguments by name, as over REST. */
	readonly args: object;
	readonly result: unknown;
	/** A verb, a route, or undefined. */
	readonly rest: unknown;
}

/** Only in types: at run time there is no such key. */
export declare const signature: unique symbol;

type MayBeAbsent<P extends Patterns> = { [K in keyof P]: undefined extends InferInput<P[K]> ? K : never }[keyof P];

/** The arguments that a client sends, by name. */
export type InputOf<P extends Patterns> = { [K in Exclude<keyof P, MayBeAbsent<P>>]: InferInput<P[K]> } & {
	[K in MayBeAbsent<P>]?: InferInput<P[K]>;
} extends infer O
	? { [K in keyof O]: O[K] }
	: never;

/**
 * Parameters over DDP. TypeScript does not know the order of keys. Without `params` in the definition, each of several
 * parameters may be any argument.
 */
export type ParamsOf<P extends Patterns, Order extends readonly string[]> = number extends Order['length']
	? [keyof P] extends [never]
		? []
		: IsUnion<keyof P> extends true
			? InferInput<P[keyof P]>[]
			: TrailingOptional<P, [Extract<keyof P, string>]>
	: TrailingOptional<P, Order>;

/** Here: whether there are two arguments or more. */
type IsUnion<T, Whole = T> = T extends unknown ? ([Whole] extends [T] ? false : true) : never;

/** The last parameters may be left out if they admit undefined. */
type TrailingOptional<P extends Patterns, Order extends readonly string[]> = Order extends readonly [
	...infer First extends readonly string[],
	infer Last extends string,
]
	? undefined extends InferInput<P[Last]>
		? [...TrailingOptional<P, First>, InferInput<P[Last]>?]
		: TypesInOrder<P, Order>
	: [];

type TypesInOrder<P extends Patterns, Order extends readonly string[]> = {
	-readonly [I in keyof Order]: InferInput<P[Order[I] & string]>;
};
