/**
 * Formats JSON Schema like TypeScript types. The page at `/api-docs` loads this module too, so this module imports
 * nothing.
 */
interface Schema {
	readonly [keyword: string]: unknown;
}

const NAMES: Readonly<Record<string, string>> = { 'date-time': 'Date' };

/** The indentation of the current line; undefined: everything is on one line. */
type Indent = string | undefined;

const deeper = (indent: Indent): Indent => (indent === undefined ? undefined : `${indent}  `);

function memberText(name: string, isOptional: boolean, schema: Schema, indent: Indent): string {
	const key = /^[\w$]+$/.test(name) ? name : JSON.stringify(name);
	return `${key}${isOptional ? '?' : ''}: ${textOf(schema, indent)}`;
}

function objectText({ properties, required, additionalProperties: others }: Schema, indent: Indent): string {
	const members = Object.entries((properties ?? {}) as Record<string, Schema>);
	const allowsAnyOthers = others === undefined || others === true;
	if (members.length === 0 && allowsAnyOthers) return 'object';
	const requiredNames = new Set((required ?? []) as string[]);
	const inner = deeper(indent);
	const texts = members.map(([name, schema]) => memberText(name, !requiredNames.has(name), schema, inner));
	if (allowsAnyOthers) texts.push('…');
	else if (others) texts.push(`[key]: ${textOf(others as Schema, inner)}`);
	if (indent === undefined) return `{${texts.join(', ')}}`;
	return `{\n${texts.map((text) => `${inner}${text}\n`).join('')}${indent}}`;
}

const union = (texts: readonly string[]) => [...new Set(texts)].join(' | ');

function arrayText(items: Schema, indent: Indent): string {
	const text = textOf(items, indent);
	const isUnion = Array.isArray(items.anyOf) || Array.isArray(items.enum) || Array.isArray(items.type);
	return isUnion ? `(${text})[]` : `${text}[]`;
}

/** The first keyword that is present decides. */
function textOf(schema: Schema, indent: Indent): string {
	const { $ref, title, description, type, format, anyOf } = schema;
	if (typeof $ref === 'string') return $ref.slice($ref.lastIndexOf('/') + 1);
	if ('const' in schema) return JSON.stringify(schema.const);
	if (Array.isArray(schema.enum)) return union(schema.enum.map((value) => JSON.stringify(value)));
	if (typeof title === 'string') return title;
	if (typeof description === 'string') return `<${description}>`;
	if (Array.isArray(anyOf)) return union(anyOf.map((choice: Schema) => textOf(choice, indent)));
	if (Array.isArray(type)) return union(type as string[]);
	if (typeof format === 'string' && format in NAMES) return NAMES[format] as string;
	if (type === 'array') return arrayText((schema.items ?? {}) as Schema, indent);
	if (type === 'object') return objectText(schema, indent);
	return typeof type === 'string' ? type : 'any';
}

/** A schema as text on one line. */
export function typeText(schema: Schema): string {
	return textOf(schema, undefined);
}

/** A schema as text. An object with members takes several lines. */
export function typeLines(schema: Schema): string {
	return textOf(schema, '');
}
