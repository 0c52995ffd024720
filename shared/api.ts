/** Types for clients, which need not import the code of the methods. */
import type { RestRoute } from './method.js';
import type { Signature, signature } from './signature.js';

/**
 * Maps the name of each method to its signature. `Methods` is a list of methods, or an object whose values are methods.
 */
export type ApiOf<Methods> = {
	[S in SignatureOf<Methods extends readonly unknown[] ? Methods[number] : Methods[keyof Methods]> as S['name']]: S;
};

type SignatureOf<M> = M extends { readonly [signature]?: infer S } ? Extract<S, Signature> : never;

/** The most general API, as a constraint. */
export type AnyApi = { readonly [name: string]: Signature };

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

/**
 * The body of a successful answer over REST. If the result is a plain object, its members stand beside `success`. Any
 * other result is the member `result`. A method without a result has only `success`.
 */
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

/** Verb, path, arguments and answer of a method; `never` if REST does not offer it. */
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
