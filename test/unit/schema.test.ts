/** A pattern and its JSON Schema accept the same values. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import fc from 'fast-check';
import {
	array,
	boolean,
	enums,
	integer,
	literal,
	nullable,
	number,
	object,
	optional,
	string,
	type,
	union,
} from 'superstruct';
import { z } from 'zod';
import { SchemaMaker } from '../../server/describe/schema.js';
import { decode } from '../../shared/ejson.js';
import { Match, named, shownAs, WholeNumber } from '../../shared/match.js';
import { compile } from '../../shared/pattern.js';
import type { Shape } from '../../shared/shape.js';
import { standardShape } from '../../shared/standardShape.js';

/** Returns a function that tells whether the schema of a shape accepts an EJSON value. */
function validatorOf(shape: Shape): (value: unknown) => boolean {
	const maker = new SchemaMaker('ejson');
	const schema = maker.schemaOf(shape);
	const ajv = new Ajv2020({ strict: false });
	return ajv.compile({ ...schema, components: { schemas: maker.components } }) as (value: unknown) => boolean;
}

/** Values that resemble those that patterns accept. */
const values = fc.letrec((tie) => ({
	leaf: fc.oneof(
		fc.constantFrom(null, true, false, '', 'a', 'b', 0, 1, -1, 1.5, 2 ** 31, -(2 ** 31), 2 ** 40),
		fc.constant({ $date: 0 }),
		fc.string(),
	),
	value: fc.oneof(
		{ depthSize: 'small' },
		tie('leaf'),
		fc.array(tie('value'), { maxLength: 3 }),
		fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
	),
})).value;

const Inner = { a: String, b: Match.Optional(Number) };

const patterns: Record<string, unknown> = {
	string: String,
	number: Number,
	boolean: Boolean,
	integer: Match.Integer,
	'whole number': WholeNumber,
	date: Date,
	null: null,
	literal: 'a',
	'one of values': Match.OneOf('a', 'b', 1),
	'one of types': Match.OneOf(String, Number, null),
	'list of texts': [String],
	'list of objects': [Inner],
	object: Inner,
	'any object': Object,
	'object and others': Match.ObjectIncluding({ a: String }),
	'object of values': Match.ObjectWithValues([Number]),
	'nested objects': { a: Match.Maybe({ b: [Match.OneOf(String, Date)] }), c: Match.Optional(Boolean) },
	named: named('Inner', Inner),
	'list of named': [named('Inner', Inner)],
	'shown as an equal pattern': shownAs(Match.OneOf(String, Number), Match.OneOf(Number, String)),
	'struct object': object({ a: string(), b: optional(number()), c: optional(nullable(boolean())) }),
	'struct with a union': type({ a: union([string(), number()]) }),
	'struct list': array(object({ a: enums(['a', 'b']), b: literal(1) })),
	'struct integer': object({ a: integer() }),
};

/**
 * Patterns whose schema accepts more than the pattern. The schema of a superstruct union accepts every value. That of
 * `Object` accepts a date, whose EJSON is an object.
 */
const wider = new Set(['struct with a union', 'any object']);

describe('the JSON Schema of a pattern', () => {
	for (const [name, pattern] of Object.entries(patterns)) {
		it(`accepts what the pattern accepts: ${name}`, () => {
			const matcher = compile(pattern);
			const isValid = validatorOf(matcher.shape);
			fc.assert(
				fc.property(values, (value) => {
					const accepts = matcher.fault(decode(structuredClone(value))) === null;
					if (accepts) expect(isValid(value)).to.equal(true);
					else if (!wider.has(name)) expect(isValid(value)).to.equal(false);
				}),
				{ numRuns: 1000 },
			);
		});
	}

	it('distinguishes two patterns with the same name', () => {
		const maker = new SchemaMaker('json');
		const both = compile({
			a: named('Same', { x: String }),
			b: named('Same', { x: Number }),
		});
		const { properties } = maker.schemaOf(both.shape) as { properties: Record<string, unknown> };
		expect(properties.a).to.deep.equal({ $ref: '#/components/schemas/Same' });
		expect(properties.b).to.have.nested.property('properties.x.type', 'number');
	});

	it('is made by the library of a Standard Schema', () => {
		const schema = new SchemaMaker('json').schemaOf(
			standardShape(z.object({ a: z.string().min(2), b: z.number().optional() })),
		);
		expect(schema).to.deep.equal({
			type: 'object',
			properties: { a: { type: 'string', minLength: 2 }, b: { type: 'number' } },
			required: ['a'],
		});
	});

	it('is only a description if the library makes none, or for a recursive schema', () => {
		const tree = z.object({
			get children() {
				return z.array(tree);
			},
		});
		expect(new SchemaMaker('json').schemaOf(standardShape(tree))).to.deep.equal({
			description: 'value of a zod schema',
		});
		const bare = { '~standard': { version: 1, vendor: 'bare' } };
		expect(new SchemaMaker('json').schemaOf(standardShape(bare))).to.deep.equal({
			description: 'value of a bare schema',
		});
	});
});
