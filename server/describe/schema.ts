/** Patterns as JSON Schema (draft 2020-12), for OpenAPI, AsyncAPI and the reference in `docs/`. */
import type { AnyMatcher } from '../../shared/matcher.js';
import type { JsonSchema, Member, Shape } from '../../shared/shape.js';

export type { JsonSchema } from '../../shared/shape.js';

/** How values are encoded: as EJSON over DDP, as JSON over REST. */
export type Encoding = 'ejson' | 'json';

const NEVER: JsonSchema = { not: {} };

/** The classes that can be encoded: in EJSON dates and bytes, in JSON only dates, as text. */
const CLASSES: Record<Encoding, ReadonlyMap<string, JsonSchema>> = {
	ejson: new Map<string, JsonSchema>([
		['Date', { type: 'object', properties: { $date: { type: 'number' } }, required: ['$date'] }],
		['Uint8Array', { type: 'object', properties: { $binary: { type: 'string' } }, required: ['$binary'] }],
	]),
	json: new Map<string, JsonSchema>([['Date', { type: 'string', format: 'date-time' }]]),
};

const TYPES: ReadonlyMap<string, JsonSchema> = new Map<string, JsonSchema>([
	['string', { type: 'string' }],
	['number', { type: 'number' }],
	['boolean', { type: 'boolean' }],
	['integer', { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }],
	['undefined', NEVER],
	['function', NEVER],
]);

export const isNothing = (shape: Shape): boolean => shape.kind === 'type' && shape.name === 'undefined';

/** Whether a shape accepts undefined. */
export const mayBeNothing = (shape: Shape): boolean =>
	isNothing(shape) || (shape.kind === 'oneOf' && shape.choices.some(mayBeNothing));

/** The choices of a shape, including nested ones. Leaves out undefined, which only says that a value may be absent. */
export function choicesOf(shape: Shape): Shape[] {
	if (shape.kind === 'oneOf') return shape.choices.flatMap(choicesOf);
	return isNothing(shape) ? [] : [shape];
}

/**
 * A schema that accepts what one of the schemas accepts. Constants become one `enum`; schemas that state only a type
 * become one list of types.
 */
function anyOf(schemas: readonly JsonSchema[]): JsonSchema {
	const different = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
	if (different.length === 0) return NEVER;
	if (different.length === 1) return different[0] as JsonSchema;
	if (different.every((schema) => 'const' in schema)) return { enum: different.map((schema) => schema.const) };
	const types = different.map((schema) => (schema.const === null ? 'null' : schema.type));
	const areSimple = different.every((schema, i) => Object.keys(schema).length === 1 && typeof types[i] === 'string');
	return areSimple ? { type: types } : { anyOf: different };
}

/** Makes the schemas of one document, and collects those of named shapes as its components. */
export class SchemaMaker {
	/** The named schemas that were used, for the components of the document. */
	readonly components: Record<string, JsonSchema> = {};
	readonly #named = new Map<string, Shape>();

	constructor(readonly encoding: Encoding) {}

	/** The schema of a shape. */
	of(shape: Shape): JsonSchema {
		switch (shape.kind) {
			case 'any':
				return {};
			case 'type':
				return this.#type(shape.name);
			case 'literal':
				return shape.value === undefined ? NEVER : { const: shape.value };
			case 'where':
				return shape.text === undefined && shape.schema
					? shape.schema
					: { ...shape.schema, description: shape.text ?? 'checked value' };
			case 'array':
				return { type: 'array', items: this.of(shape.element) };
			case 'object':
				return this.object(shape.members, shape.others);
			case 'oneOf':
				return anyOf(choicesOf(shape).map((choice) => this.of(choice)));
			case 'named':
				return this.#ref(shape.name, shape.shape);
		}
	}

	/** @param others the other members that are allowed; null: none */
	object(members: readonly Member[], others: Shape | null): JsonSchema {
		const required = members.filter(({ isOptional }) => !isOptional).map(({ name }) => name);
		return {
			type: 'object',
			...(members.length > 0 && {
				properties: Object.fromEntries(members.map(({ name, shape }) => [name, this.of(shape)])),
			}),
			...(required.length > 0 && { required }),
			...(others?.kind !== 'any' && { additionalProperties: others === null ? false : this.of(others) }),
		};
	}

	/** In EJSON the schema of a class is a component with the name of the class. */
	#type(name: string): JsonSchema {
		const known = TYPES.get(name);
		if (known) return known;
		const schema = CLASSES[this.encoding].get(name);
		if (!schema) return { title: name };
		if (this.encoding === 'json') return schema;
		this.components[name] = schema;
		return { $ref: `#/components/schemas/${name}` };
	}

	/**
	 * The first shape of a name becomes a component. A different shape of the same name is written in place, so that no
	 * reference leads to the wrong shape.
	 */
	#ref(name: string, shape: Shape): JsonSchema {
		const known = this.#named.get(name);
		if (known === undefined) {
			this.#named.set(name, shape);
			this.components[name] = this.of(shape);
		} else if (known !== shape) return this.of(shape);
		return { $ref: `#/components/schemas/${name}` };
	}
}

/** The members of an object whose names are those of arguments. */
export function argumentMembers(args: readonly (readonly [name: string, matcher: AnyMatcher])[]): Member[] {
	return args.map(([name, { shape, mayBeAbsent }]) => ({
		name,
		isOptional: mayBeAbsent || shape.kind === 'any',
		shape,
	}));
}
