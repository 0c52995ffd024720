/** Types of filters and updates, with the operators of MongoDB that every store understands. */

/** Values that are compared as a whole. */
type Scalar = string | number | boolean | Date | null | undefined;

type Element<V> = V extends readonly (infer E)[] ? E : V;

/** The objects in a field: its value, or the elements of an array. */
type Nested<V> = Exclude<Element<NonNullable<V>>, Scalar>;

/** Paths within `V`; any path if `V` is unknown or has arbitrary keys. `V extends unknown` distributes over a union. */
type PathWithin<V, Depth extends 1[]> = [V] extends [never]
	? never
	: unknown extends V
		? string
		: V extends unknown
			? string extends keyof V
				? string
				: Path<V, Depth>
			: never;

/**
 * Paths to the fields of a document and of its parts: `services.resume.loginTokens.hashedToken`. `Depth` has one
 * element for each level above. Without its limit the paths of a recursive type would never end.
 */
export type Path<T, Depth extends 1[] = []> = Depth['length'] extends 6
	? never
	: {
			[K in keyof T & string]: unknown extends T[K]
				? K | `${K}.${string}`
				: K | `${K}.${PathWithin<Nested<T[K]>, [...Depth, 1]>}`;
		}[keyof T & string];

/** The type of the value at a path. */
export type At<T, P extends string> = P extends keyof T
	? T[P]
	: P extends `${infer K}.${infer Rest}`
		? K extends keyof T
			? unknown extends T[K]
				? unknown
				: Nested<T[K]> extends infer V
					? V extends unknown
						? At<V, Rest>
						: never
					: never
			: string extends keyof T
				? unknown
				: never
		: string extends keyof T
			? unknown
			: never;

/** What a value can be compared with. For an array also its element type. */
type Comparable<V> = unknown extends V ? Scalar : Extract<V | Element<V>, Scalar> | null;

type Operators<V> = {
	$eq?: Comparable<V>;
	$ne?: Comparable<V>;
	$in?: readonly Comparable<V>[];
	$nin?: readonly Comparable<V>[];
	$gt?: Comparable<V>;
	$gte?: Comparable<V>;
	$lt?: Comparable<V>;
	$lte?: Comparable<V>;
	$exists?: boolean;
	$size?: number;
	$elemMatch?: Filter<Nested<V>>;
	$not?: Operators<V> | RegExp;
};

type Condition<V> = Comparable<V> | Operators<V> | (string extends V | Element<V> ? RegExp : never);

/** Selects documents. */
export type Filter<T> = {
	[P in Path<T>]?: Condition<At<T, P>>;
} & {
	$and?: readonly Filter<T>[];
	$or?: readonly Filter<T>[];
	$nor?: readonly Filter<T>[];
};

/** What `$push` and `$addToSet` add. */
type ToAdd<V> = Element<NonNullable<V>> | { $each: readonly Element<NonNullable<V>>[]; $slice?: number };

/** What `$pull` removes. */
type ToPull<V> = Comparable<V> | { $in: readonly Comparable<V>[] } | Filter<Nested<V>>;

/** The changes to a document. */
export type UpdateFilter<T> = {
	$set?: { [P in Path<T>]?: At<T, P> };
	$unset?: { [P in Path<T>]?: 1 | true | '' };
	$inc?: { [P in Path<T>]?: number };
	$push?: { [P in Path<T>]?: ToAdd<At<T, P>> };
	$addToSet?: { [P in Path<T>]?: ToAdd<At<T, P>> };
	$pull?: { [P in Path<T>]?: ToPull<At<T, P>> };
};
