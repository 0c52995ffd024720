/**
 * The types of methods on the caller's side: a client that imports `ApiOf<typeof methods>`, as a type, knows their names,
 * arguments and results, and none of their code.
 */
import type { Method, Patterns, RestRoute } from './method.js';
import type { InferInput } from './pattern.js';

/** What the types of a method know of it. */
export interface Signature {
	readonly name: string;
	/** Parameters over DDP. */
	readonly params: readonly unknown[];
	/** Arguments by name, as over REST. */
	readonly args: object;
	readonly result: unknown;
	readonly rest: RestRoute['verb'] | RestRoute | undefined;
}

declare const signature: unique symbol;

/** A method that carries its types. It has them for the compiler only. */
export interface TypedMethod<S extends Signature = Signature> extends Method {
	readonly [signature]?: S;
}

/** The signatures of methods by their names. */
export type ApiOf<Methods> = {
	[S in SignatureOf<Methods extends readonly unknown[] ? Methods[number] : Methods[keyof Methods]> as S['name']]: S;
};

type SignatureOf<M> = M extends { readonly [signature]?: infer S } ? Extract<S, Signature> : never;

/** Any API. */
export type AnyApi = { readonly [name: string]: Signature };

type MayBeAbsent<P extends Patterns> = { [K in keyof P]: undefined extends InferInput<P[K]> ? K : never }[keyof P];

/** The arguments that a client sends, by name. */
export type InputOf<P extends Patterns> = { [K in Exclude<keyof P, MayBeAbsent<P>>]: InferInput<P[K]> } & {
	[K in MayBeAbsent<P>]?: InferInput<P[K]>;
} extends infer O
	? { [K in keyof O]: O[K] }
	: never;

/**
 * Parameters over DDP. TypeScript does not know the order of an object's keys, so for two arguments or more the definition
 * must name it in `params`; without it a parameter may be any of the arguments.
 */
export type ParamsOf<P extends Patterns, Order extends readonly string[]> = number extends Order['length']
	? [keyof P] extends [never]
		? []
		: IsUnion<keyof P> extends true
			? InferInput<P[keyof P]>[]
			: TrailingOptional<P, [Extract<keyof P, string>]>
	: TrailingOptional<P, Order>;

type IsUnion<T, Whole = T> = T extends unknown ? ([Whole] extends [T] ? false : true) : never;

/** In the order of their names; those at the end that admit undefined may be left out. */
type TrailingOptional<P extends Patterns, Order extends readonly string[]> = Order extends readonly [
	...infer First extends readonly string[],
	infer Last extends string,
]
	? undefined extends InferInput<P[Last]>
		? [...TrailingOptional<P, First>, InferInput<P[Last]>?]
		: InEach<P, Order>
	: [];

type InEach<P extends Patterns, Order extends readonly string[]> = {
	-readonly [I in keyof Order]: InferInput<P[Order[I] & string]>;
};

/** A value after JSON: what a client receives over REST. */
export type Json<T> = T extends string | number | boolean | null
	? T
	: T extends { toJSON(): infer J }
		? Json<J>
		: T extends undefined | symbol | ((...args: never[]) => unknown)
			? never
			: T extends readonly (infer E)[]
				? Json<E>[]
				: T extends object
					? { [K in keyof T]: Json<T[K]> }
					: unknown;

/** The body of an answer over REST: the members of a plain object beside `success`, any other value as `result`. */
// biome-ignore lint/suspicious/noConfusingVoidType: the result of a method without a result is void
export type RestAnswer<R> = [R] extends [void]
	? { success: true }
	: unknown extends R
		? { success: true; [member: string]: unknown }
		: R extends readonly unknown[] | string | number | boolean | null | Date
			? { success: true; result: Json<R> }
			: R extends undefined
				? { success: true }
				: { success: true } & { [K in keyof R]: Json<R[K]> };

/** Verb, path, arguments and answer of each method that REST offers. */
type RouteOf<S> = S extends Signature
	? S['rest'] extends RestRoute
		? {
				verb: S['rest']['verb'];
				path: S['rest']['path'];
				args: S['rest'] extends { body: 'object' } ? S['args'][keyof S['args']] : S['args'];
				answer: S['rest'] extends { empty: true } ? { success: true } : RestAnswer<S['result']>;
			}
		: S['rest'] extends string
			? { verb: S['rest']; path: S['name']; args: S['args']; answer: RestAnswer<S['result']> }
			: never
	: never;

/** The routes of an API for a verb, by their paths. */
export type RoutesOf<Api, Verb> = {
	[R in Extract<RouteOf<Api[keyof Api]>, { verb: Verb }> as R['path'] & string]: R;
};
