/** A JSON Schema (draft 2020-12). */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** The structure of a pattern as data, for generating documentation. */
export type Shape =
	| { readonly kind: 'any' }
	/** A primitive type or a class. */
	| { readonly kind: 'type'; readonly name: string }
	| { readonly kind: 'literal'; readonly value: unknown }
	| { readonly kind: 'array'; readonly element: Shape }
	/** `others`: the values of members that are not named; null: no others are allowed. */
	| { readonly kind: 'object'; readonly members: readonly Member[]; readonly others: Shape | null }
	| { readonly kind: 'oneOf'; readonly choices: readonly Shape[] }
	/** A condition in words. The schema accepts every value that the condition accepts. */
	| { readonly kind: 'where'; readonly text: string | undefined; readonly schema?: JsonSchema | undefined }
	/** OpenAPI and AsyncAPI refer to the shape by its name. */
	| { readonly kind: 'named'; readonly name: string; readonly shape: Shape };

/** A member that a pattern names. */
export interface Member {
	readonly name: string;
	readonly isOptional: boolean;
	readonly shape: Shape;
}

export const ANY: Shape = { kind: 'any' };
export const NULL: Shape = { kind: 'literal', value: null };
export const NOTHING: Shape = { kind: 'type', name: 'undefined' };
