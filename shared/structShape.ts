/**
 * The structure of a superstruct struct as data. It leaves out conditions, so it admits every value that the struct
 * accepts.
 */

import { Struct } from 'superstruct';
import type { Member, Shape } from './shape.js';
import { ANY, NULL } from './shape.js';

// biome-ignore lint/suspicious/noExplicitAny: a struct is invariant in its type, so no other type holds them all
type AnyStruct = Struct<any, any>;

const PRIMITIVE_TYPES: ReadonlySet<string> = new Set(['string', 'number', 'boolean']);

/** An integer of any size, unlike `Match.Integer`. */
const INTEGER: Shape = { kind: 'where', text: undefined, schema: { type: 'integer' } };

/** Whether a struct accepts a value. A condition of the application may throw. */
export function accepts(struct: AnyStruct, value: unknown): boolean {
	try {
		return struct.is(value);
	} catch {
		return false;
	}
}

function membersOf(schema: object): Member[] {
	return Object.entries(schema).map(([name, struct]: [string, AnyStruct]) => ({
		name,
		isOptional: accepts(struct, undefined),
		shape: structShape(struct),
	}));
}

function literals(values: readonly unknown[]): Shape {
	return { kind: 'oneOf', choices: values.map((value) => ({ kind: 'literal', value })) };
}

/** The shape of the accepted values, without null and undefined. */
function valueShape({ type, schema }: AnyStruct): Shape {
	if (PRIMITIVE_TYPES.has(type)) return { kind: 'type', name: type };
	if (type === 'integer') return INTEGER;
	if (type === 'date') return { kind: 'type', name: 'Date' };
	if (type === 'literal') return { kind: 'literal', value: schema };
	if (type === 'enums') return literals(Object.values(schema));
	if (type === 'array') {
		return { kind: 'array', element: schema instanceof Struct ? structShape(schema) : ANY };
	}
	// `type()` allows other members, and so does `object()` without a schema.
	if (type === 'object' || type === 'type') {
		const isOpen = type === 'type' || schema === null;
		return { kind: 'object', members: membersOf(schema ?? {}), others: isOpen ? ANY : null };
	}
	return type === 'any' || type === 'unknown' ? ANY : { kind: 'where', text: type };
}

/** The shape of the accepted values, except undefined. */
export function structShape(struct: AnyStruct): Shape {
	// A `Matcher` is a struct too, and knows its shape.
	const matcherShape = (struct as { shape?: Shape }).shape;
	if (matcherShape) return matcherShape;
	const shape = valueShape(struct);
	// `ANY`, and a condition without a schema, include null already. `INTEGER` is a condition with a schema.
	const excludesNull = shape === INTEGER || (shape.kind !== 'any' && shape.kind !== 'where');
	return excludesNull && accepts(struct, null) ? { kind: 'oneOf', choices: [shape, NULL] } : shape;
}
