/**
 * The JSON Schema of a Standard Schema, for the documentation: from validators with the interface Standard JSON Schema
 * (https://standardschema.dev/json-schema), such as zod, or with an adapter that adds it, such as `toStandardJsonSchema`
 * of @valibot/to-json-schema.
 */
import type { JsonSchema, Shape } from './shape.js';

/** The part of a validator's `~standard` that is needed here. */
interface Described {
	readonly vendor: string;
	readonly jsonSchema?: {
		/** What a client may send. */
		input?(options: { readonly target: 'draft-2020-12' }): Record<string, unknown>;
	};
}

/** Undefined if the validator gives none, or cannot state this schema. */
function jsonSchemaOf({ jsonSchema }: Described): JsonSchema | undefined {
	try {
		const schema = jsonSchema?.input?.({ target: 'draft-2020-12' });
		if (typeof schema !== 'object' || schema === null) return undefined;
		// In a document of its own, the schema says which draft it is of.
		const { $schema, ...rest } = schema;
		// References in it would lead to places in the document around it.
		return JSON.stringify(rest).includes('"$ref"') ? undefined : rest;
	} catch {
		return undefined;
	}
}

/** The shape of the values that a schema accepts. The schema is only made when the shape is read. */
export function standardShape({ '~standard': standard }: { readonly '~standard': Described }): Shape {
	let made: { readonly schema: JsonSchema | undefined } | undefined;
	const schema = () => {
		made ??= { schema: jsonSchemaOf(standard) };
		return made.schema;
	};
	return {
		kind: 'where',
		get text() {
			return schema() ? undefined : `value of a ${standard.vendor} schema`;
		},
		get schema() {
			return schema();
		},
	};
}
