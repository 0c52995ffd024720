/** Converts patterns to JSON Schema (draft 2020-12). A shape describes which values a pattern accepts. */
import type { AnyMatcher } from '../../shared/matcher.js';
import type { JsonSchema, Member, Shape } from '../../shared/shape.js';

export type { JsonSchema } from '../../shared/shape.js';

/** How values are encoded: as EJSON over DDP, as JSON over REST. */
export type Encoding = 'ejson' | 'json';

const NEVER: JsonSchema = { not: {} };

/** The classes whose objects can be encoded. */
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

/** Whether a shape accepts only undefined. */
export const isUndefined = (shape: Shape): boolean => shape.kind === 'type' && shape.name === 'undefined';

/** Whether a shape accepts undefined. */
export function acceptsUndefined(shape: Shape): boolean {
	if (shape.kind === 'named') return acceptsUndefined(shape.shape);
	return isUndefined(shape) || (shape.kind === 'oneOf' && shape.choices.some(acceptsUndefined));
}

/** The choices of a shape, including nested ones, without undefined. */
export function choicesOf(shape: Shape): Shape[] {
	if (shape.kind === 'oneOf') return shape.choices.flatMap(choicesOf);
	return isUndefined(shape) ? [] : [shape];
}

function anyOf(schemas: readonly JsonSchema[]): JsonSchema {
	const distinct = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
	if (distinct.length === 0) return NEVER;
	if (distinct.length === 1) return distinct[0] as JsonSchema;
	if (distinct.every((schema) => 'const' in schema)) return { enum: distinct.map((schema) => schema.const) };
	const types = distinct.map((schema) => (schema.const === null ? 'null' : schema.type));
	const areOnlyTypes = distinct.every((schema, i) => Object.keys(schema).length === 1 && typeof types[i] === 'string');
	return areOnlyTypes ? { type: types } : { anyOf: distinct };
}

/** Makes the schemas of one document, and collects the named ones as its components. */
export class SchemaMaker {
	readonly components: Record<string, JsonSchema> = {};
	readonly #named = new Map<string, Shape>();

	constructor(readonly encoding: Encoding) {}

	schemaOf(shape: Shape): JsonSchema {
		switch (shape.kind) {
			case 'any':
				return {};
			case 'type':
				return this.#type(shape.name);
			case 'literal':
				return shape.value === undefined ? NEVER : { const: shape.value };
			case 'where':
				if (shape.text === undefined && shape.schema) return shape.schema;
				return { ...shape.schema, description: shape.text ?? 'checked value' };
			case 'array':
				return { type: 'array', items: this.schemaOf(shape.element) };
			case 'object':
				return this.object(shape.members, shape.others);
			case 'oneOf':
				return anyOf(choicesOf(shape).map((choice) => this.schemaOf(choice)));
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
				properties: Object.fromEntries(members.map(({ name, shape }) => [name, this.schemaOf(shape)])),
			}),
			...(required.length > 0 && { required }),
			...(others?.kind !== 'any' && { additionalProperties: others === null ? false : this.schemaOf(others) }),
		};
	}

	/** In EJSON a class becomes a component with its name. */
	#type(name: string): JsonSchema {
		const type = TYPES.get(name);
		if (type) return type;
		const schema = CLASSES[this.encoding].get(name);
		if (!schema) return { title: name };
		if (this.encoding === 'json') return schema;
		this.components[name] = schema;
		return { $ref: `#/components/schemas/${name}` };
	}

	/**
	 * The first shape with a name becomes a component. For a different shape with this name, returns its schema instead of
	 * a reference.
	 */
	#ref(name: string, shape: Shape): JsonSchema {
		const known = this.#named.get(name);
		if (known === undefined) {
			this.#named.set(name, shape);
			this.components[name] = this.schemaOf(shape);
		} else if (known !== shape) return this.schemaOf(shape);
		return { $ref: `#/components/schemas/${name}` };
	}
}

/** Arguments in the form of the members of an object. */
export function argumentMembers(args: readonly (readonly [name: string, matcher: AnyMatcher])[]): Member[] {
	return args.map(([name, { shape, mayBeAbsent }]) => ({
		name,
		isOptional: mayBeAbsent || shape.kind === 'any',
		shape,
	}));
}
