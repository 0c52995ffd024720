/**
 * The JSON Schema of a Standard Schema, for the documentation: from validators with the interface Standard JSON Schema
 * (https://standardschema.dev/json-schema), such as zod, or with an adapter that adds it, such as
 * `toStandardJsonSchema` of @valibot/to-json-schema.
 */
import type { JsonSchema, Shape } from './shape.js';

/** The part of a validator's `~standard` that is needed here. */
interface StandardProps {
	readonly vendor: string;
	readonly jsonSchema?: {
		/** What a client may send. */
		input?(options: { readonly target: 'draft-2020-12' }): Record<string, unknown>;
	};
}

/** The JSON Schema; undefined if the validator offers none, or cannot express this schema in it. */
function jsonSchemaOf({ jsonSchema }: StandardProps): JsonSchema | undefined {
	try {
		const schema = jsonSchema?.input?.({ target: 'draft-2020-12' });
		if (typeof schema !== 'object' || schema === null) return undefined;
		// `$schema` names the draft. It belongs only at the top of a whole document.
		const { $schema, ...rest } = schema;
		// A reference would be resolved in the document that includes the schema, and so lead to the wrong place.
		return JSON.stringify(rest).includes('"$ref"') ? undefined : rest;
	} catch {
		return undefined;
	}
}

/** The shape of the values that a schema accepts. The JSON Schema is only made when the shape is read. */
export function standardShape({ '~standard': standard }: { readonly '~standard': StandardProps }): Shape {
	let cached: { readonly schema: JsonSchema | undefined } | undefined;
	const schema = () => {
		cached ??= { schema: jsonSchemaOf(standard) };
		return cached.schema;
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
