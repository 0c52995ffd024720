/**
 * JSON Schema in the manner of TypeScript, on one line; conditions in words stand in angle brackets. The page at
 * `/api-docs` loads this module too, so it imports nothing.
 */
interface Schema {
	readonly [keyword: string]: unknown;
}

const NAMES: Readonly<Record<string, string>> = { 'date-time': 'Date' };

function memberText(name: string, isOptional: boolean, schema: Schema): string {
	const key = /^[\w$]+$/.test(name) ? name : JSON.stringify(name);
	return `${key}${isOptional ? '?' : ''}: ${typeText(schema)}`;
}

function objectText({ properties, required, additionalProperties: others }: Schema): string {
	const members = Object.entries((properties ?? {}) as Record<string, Schema>);
	if (members.length === 0 && (others === undefined || others === true)) return 'object';
	const needed = new Set((required ?? []) as string[]);
	const texts = members.map(([name, schema]) => memberText(name, !needed.has(name), schema));
	if (others === undefined || others === true) texts.push('…');
	else if (others) texts.push(`[key]: ${typeText(others as Schema)}`);
	return `{${texts.join(', ')}}`;
}

const union = (texts: readonly string[]) => [...new Set(texts)].join(' | ');

function arrayText(items: Schema): string {
	const text = typeText(items);
	const isUnion = Array.isArray(items.anyOf) || Array.isArray(items.enum) || Array.isArray(items.type);
	return isUnion ? `(${text})[]` : `${text}[]`;
}

/** A schema as text. */
export function typeText(schema: Schema): string {
	const { $ref, title, description, type, format, anyOf } = schema;
	if (typeof $ref === 'string') return $ref.slice($ref.lastIndexOf('/') + 1);
	if ('const' in schema) return JSON.stringify(schema.const);
	if (Array.isArray(schema.enum)) return union(schema.enum.map((value) => JSON.stringify(value)));
	if (typeof title === 'string') return title;
	if (typeof description === 'string') return `<${description}>`;
	if (Array.isArray(anyOf)) return union(anyOf.map((choice: Schema) => typeText(choice)));
	if (Array.isArray(type)) return union(type as string[]);
	if (typeof format === 'string' && format in NAMES) return NAMES[format] as string;
	if (type === 'array') return arrayText((schema.items ?? {}) as Schema);
	if (type === 'object') return objectText(schema);
	return typeof type === 'string' ? type : 'any';
}
