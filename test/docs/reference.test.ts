/** docs/methods.md shows everything in the definitions of methods, and their types. */
import { expect } from 'chai';
import { array, enums, literal, nullable, number, object, optional, string, type, union } from 'superstruct';
import { reference } from '../../docs/reference.js';
import * as catalogue from '../../methods/index.js';
import { SchemaMaker } from '../../server/describe/schema.js';
import { typeText } from '../../server/describe/typeText.js';
import { knownErrors } from '../../shared/errors.js';
import { Match, Nothing } from '../../shared/match.js';
import type { AnyMatcher } from '../../shared/matcher.js';
import { method } from '../../shared/method.js';
import { compile } from '../../shared/pattern.js';

const textOf = ({ shape }: AnyMatcher) => typeText(new SchemaMaker('ejson').schemaOf(shape));

describe('the reference of methods', () => {
	const codes = new Set(knownErrors().map(({ error }) => error));

	for (const { name, returns, errors, args } of catalogue.methods) {
		it(`finds the answer, known errors and argument types of ${name}`, () => {
			expect(returns, 'returns').not.to.equal(undefined);
			expect(errors, 'errors').not.to.equal(undefined);
			expect(errors?.filter((error) => !codes.has(error))).to.deep.equal([]);
			// `<checked value>` stands for a `Match.Where` without a description.
			const types = args.map(([, matcher]) => textOf(matcher));
			expect(types.filter((text) => text.includes('<checked value>'))).to.deep.equal([]);
		});
	}

	it('shows a method with everything a definition can say', () => {
		const full = method({
			name: 'test.full',
			summary: 'Does everything',
			args: { rid: String, count: Match.Optional(Number) },
			rest: { verb: 'GET', path: 'test.full/:rid' },
			anonymous: true,
			timeout: 60_000,
			secondFactor: true,
			limit: { calls: 1200, per: 60_000 },
			once: true,
			audit: true,
			returns: { done: Boolean },
			errors: ['error-invalid-room', 403],
			run: () => ({ done: true }),
		});
		const bare = method({
			name: 'bare',
			summary: 'Does little',
			args: {},
			returns: Nothing,
			errors: [],
			run: () => {},
		});
		const text = reference({ methods: [full, bare], publications: [], streams: [] });
		expect(text).to.include(
			[
				'### `test.full`',
				'',
				'Does everything.',
				'',
				'- DDP: `test.full(rid, count?)`',
				'- REST: `GET /api/v1/test.full/:rid`',
				'- anyone may call it · 1,200 calls per minute · once · may ask for a second factor · audited · time limit 60 seconds',
				'- Arguments:',
				'  - `rid`: `string`',
				'  - `count?`: `number`',
				'- Answer: `{done: boolean}`',
				'- Errors: `error-invalid-room`, `403`',
				'',
			].join('\n'),
		);
		expect(text).to.include(
			['### `bare`', '', 'Does little.', '', '- DDP: `bare()`', '- for logged-in callers · no limit of its own'].join(
				'\n',
			),
		);
		expect(text).to.include('- Answer: none\n');
	});

	class Point {}
	for (const [pattern, text] of [
		[String, 'string'],
		[Number, 'number'],
		[Boolean, 'boolean'],
		[Object, 'object'],
		[Date, 'Date'],
		[Point, 'Point'],
		['on', '"on"'],
		[null, 'null'],
		[Match.Any, 'any'],
		[Match.Integer, 'integer'],
		[[String], 'string[]'],
		[[Match.OneOf(String, Number)], '(string | number)[]'],
		[{ a: String, b: Match.Optional(Number), c: Match.Maybe(Number) }, '{a: string, b?: number, c?: number}'],
		[{ 'a-b': String }, '{"a-b": string}'],
		[Match.ObjectIncluding({ a: String }), '{a: string, …}'],
		[Match.ObjectWithValues([String]), '{[key]: string[]}'],
		[Match.OneOf('on', Match.OneOf('off', Number)), '"on" | "off" | number'],
		[Match.Optional(String), 'string'],
		[Match.Maybe(String), 'string | null'],
		[Match.Where(() => true), '<checked value>'],
		[Match.Where(() => true, 'an even number'), '<an even number>'],
		[{ a: { b: [{ c: Match.Where(() => true, 'good text') }] } }, '{a: {b: {c: <good text>}[]}}'],
		[object({ a: string(), b: optional(nullable(number())) }), '{a: string, b?: number | null}'],
		[type({ kind: enums(['a', 'b']), list: array(literal(1)) }), '{kind: "a" | "b", list: 1[], …}'],
		[union([string(), number()]), '<union>'],
	] as const) {
		it(`shows a pattern as ${text}`, () => {
			expect(textOf(compile(pattern))).to.equal(text);
		});
	}
});
