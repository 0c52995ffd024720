/** Describes the arguments of a method that are in the path or in the query. */
import { type Method, pathParameters, type RestRoute, VERBS_WITH_BODY } from '../../shared/method.js';
import type { ExampleMaker } from './examples.js';
import { argumentMembers, type JsonSchema, type SchemaMaker } from './schema.js';

/** How a client writes a value in a URL: text, a list of texts (`name=a&name=b`), or JSON text. */
type Form = 'text' | 'list' | 'json';

/** The forms of the values that a schema accepts. Null has none: a client leaves the parameter out. */
function formsOf(schema: JsonSchema, components: SchemaMaker['components']): Form[] {
	const { $ref, anyOf, type, items } = schema;
	const innerForms = (inner: unknown) => formsOf((inner ?? {}) as JsonSchema, components);
	if (typeof $ref === 'string') return innerForms(components[$ref.slice($ref.lastIndexOf('/') + 1)]);
	if (Array.isArray(anyOf)) return anyOf.flatMap(innerForms);
	const typeNames = [type ?? 'string'].flat().filter((typeName) => typeName !== 'null');
	return typeNames.map((typeName) => {
		if (typeName === 'array') return innerForms(items).every((form) => form === 'text') ? 'list' : 'json';
		return typeName === 'object' ? 'json' : 'text';
	});
}

/**
 * Whether clients must write a parameter as JSON text: the schema accepts objects, or lists of objects, and no plain
 * text.
 */
function isJsonText(schema: JsonSchema, components: SchemaMaker['components']): boolean {
	const forms = formsOf(schema, components);
	return forms.includes('json') && !forms.includes('text');
}

/**
 * The parameters of an operation for the arguments of its method. A parameter that is JSON text needs
 * `content`. With `schema`, OpenAPI would write each member of an object as a parameter of its own.
 */
export function argumentParameters(
	{ args }: Method,
	{ path, verb }: RestRoute,
	maker: SchemaMaker,
	examples: ExampleMaker,
): object[] {
	const inPath = new Set(pathParameters(path));
	return argumentMembers(args).flatMap(({ name, isOptional, shape }): object[] => {
		if (!inPath.has(name) && VERBS_WITH_BODY.has(verb)) return [];
		const schema = maker.schemaOf(shape);
		const example = examples.exampleOf(schema, name);
		const base = { name, in: inPath.has(name) ? 'path' : 'query', required: !isOptional };
		if (isJsonText(schema, maker.components))
			return [{ ...base, content: { 'application/json': { schema, example } } }];
		return [{ ...base, schema, ...(typeof example !== 'object' && { example }) }];
	});
}
