/**
 * The JSON Schema of a Standard Schema, for the documentation. Validators offer it by the interface Standard JSON
 * Schema (https://standardschema.dev/json-schema). Valibot needs the adapter `toStandardJsonSchema` of
 * @valibot/to-json-schema.
 */
import type { JsonSchema, Shape } from './shape.js';

interface StandardProps {
	readonly vendor: string;
	readonly jsonSchema?: {
		/** What a client may send. */
		input?(options: { readonly target: 'draft-2020-12' }): Record<string, unknown>;
	};
}

/** Undefined if the validator offers none, or cannot express this schema. */
function jsonSchemaOf({ jsonSchema }: StandardProps): JsonSchema | undefined {
	try {
		const schema = jsonSchema?.input?.({ target: 'draft-2020-12' });
		if (typeof schema !== 'object' || schema === null) return undefined;
		// `$schema` belongs only at the top of a document.
		const { $schema, ...rest } = schema;
		// In another document a reference would lead to the wrong place.
		return JSON.stringify(rest).includes('"$ref"') ? undefined : rest;
	} catch {
		return undefined;
	}
}

/** The JSON Schema is only made when the shape is read. */
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
