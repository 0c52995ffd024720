/** A method has the same answers with patterns of Match, superstruct, zod and valibot. */
import { expect } from 'chai';
import * as s from 'superstruct';
import * as v from 'valibot';
import { z } from 'zod';
import { check } from '../../shared/check.js';
import { MatchError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { checkArgs, method, type Patterns } from '../../shared/method.js';
import { compile, type Infer, type InferInput, type Pattern } from '../../shared/pattern.js';
import type { StandardSchema } from '../../shared/standardSchema.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only if its type argument is true. */
function holds<_ extends true>(): void {}

const withArgs = (args: Patterns) =>
	method({ name: 'add', summary: 'for a test', anonymous: true, args, run: (given) => given });

/** The arguments as the method receives them, or the text, path and code of the error. */
function outcome(args: Patterns, params: readonly unknown[]): unknown {
	try {
		return checkArgs(withArgs(args), params);
	} catch (error) {
		if (!(error instanceof MatchError)) throw error;
		return { text: error.message, path: error.path, code: error.sanitizedError.error };
	}
}

/**
 * The same arguments in four libraries. `compile` makes a superstruct struct of a pattern of Match. It is used where the
 * error of superstruct's own struct has another text.
 */
const patternsOf: Readonly<Record<string, Patterns>> = {
	Match: {
		title: String,
		task: {
			text: String,
			done: Boolean,
			priority: Match.Integer,
			tags: [String],
			kind: 'task',
			state: Match.OneOf('open', 'closed'),
			owner: Match.OneOf(String, Number),
			short: Match.Where((text) => typeof text === 'string' && text.length <= 3),
			due: Match.Optional(Date),
			where: Match.Optional({ 'place name': String }),
		},
		note: Match.Optional(String),
	},
	superstruct: {
		title: s.string(),
		task: s.object({
			text: s.string(),
			done: s.boolean(),
			priority: s.integer(),
			tags: s.array(s.string()),
			kind: compile('task'),
			state: s.enums(['open', 'closed']),
			owner: s.union([s.string(), s.number()]),
			short: s.size(s.string(), 0, 3),
			due: s.optional(compile(Date)),
			where: s.optional(s.object({ 'place name': s.string() })),
		}),
		note: s.optional(s.string()),
	},
	zod: {
		title: z.string(),
		task: z.strictObject({
			text: z.string(),
			done: z.boolean(),
			priority: z.int(),
			tags: z.array(z.string()),
			kind: z.literal('task'),
			state: z.enum(['open', 'closed']),
			owner: z.union([z.string(), z.number()]),
			short: z.string().max(3),
			due: z.date().optional(),
			where: z.strictObject({ 'place name': z.string() }).optional(),
		}),
		note: z.string().optional(),
	},
	valibot: {
		title: v.string(),
		task: v.strictObject({
			text: v.string(),
			done: v.boolean(),
			priority: v.pipe(v.number(), v.integer()),
			tags: v.array(v.string()),
			kind: v.literal('task'),
			state: v.picklist(['open', 'closed']),
			owner: v.union([v.string(), v.number()]),
			short: v.pipe(v.string(), v.maxLength(3)),
			due: v.optional(v.date()),
			where: v.optional(v.strictObject({ 'place name': v.string() })),
		}),
		note: v.optional(v.string()),
	},
};

const task = {
	text: 'Write',
	done: false,
	priority: 1,
	tags: ['a', 'b'],
	kind: 'task',
	state: 'open',
	owner: 5,
	short: 'abc',
};

const { text: _text, ...taskWithoutText } = task;
const { done: _done, ...taskWithoutDone } = task;
const { text: _, ...taskWithoutBoth } = taskWithoutDone;

describe('one method with the patterns of four libraries', () => {
	const params: Readonly<Record<string, readonly unknown[]>> = {
		'valid arguments': ['x', task, 'note'],
		'no optional arguments': ['x', task],
		'null for an argument that is optional': ['x', task, null],
		'optional members': ['x', { ...task, due: new Date(5), where: { 'place name': 'here' } }],
		'a surplus argument': ['x', task, 'note', 'more'],
		'no argument': [],
		'a number for a text': [5, task],
		'null for a text': [null, task],
		'an object for a text': [{ a: 1 }, task],
		'a number for an optional text': ['x', task, 5],
		'a text for an object': ['x', 'secret'],
		'null for an object': ['x', null],
		'an object that is missing': ['x'],
		'a list for an object': ['x', []],
		'a wrong member': ['x', { ...task, text: 5 }],
		'a missing member': ['x', taskWithoutText],
		'an unknown member': ['x', { ...task, more: 1 }],
		'an unknown and a missing member': ['x', { ...taskWithoutText, more: 1 }],
		'an unknown member before a wrong one': ['x', { more: 1, ...task, text: 5 }],
		'an unknown member after a wrong one': ['x', { ...task, text: 5, more: 1 }],
		'two wrong members': ['x', { ...task, tags: 'x', text: 5 }],
		'two missing members': ['x', taskWithoutBoth],
		'a missing member and a wrong one': ['x', { ...taskWithoutDone, state: 'lost' }],
		'a text for a boolean': ['x', { ...task, done: 'no' }],
		'a fraction for a whole number': ['x', { ...task, priority: 1.5 }],
		'a text for a list': ['x', { ...task, tags: 'a' }],
		'an object for a list': ['x', { ...task, tags: {} }],
		'a wrong element': ['x', { ...task, tags: ['a', 5] }],
		'an element of null': ['x', { ...task, tags: [null] }],
		'another literal': ['x', { ...task, kind: 'other' }],
		'a number for a literal': ['x', { ...task, kind: 5 }],
		'none of several literals': ['x', { ...task, state: 'lost' }],
		'none of several types': ['x', { ...task, owner: true }],
		'a failed condition': ['x', { ...task, short: 'abcd' }],
		'a number for an optional date': ['x', { ...task, due: 5 }],
		'a wrong member of an optional object': ['x', { ...task, where: { 'place name': 5 } }],
		'a missing member of an optional object': ['x', { ...task, where: {} }],
		'an unknown member of an optional object': ['x', { ...task, where: { 'place name': 'x', 'b c': 1 } }],
	};

	for (const [what, given] of Object.entries(params)) {
		it(`answers in the same way to ${what}`, () => {
			const { Match: expected, ...others } = patternsOf as Record<string, Patterns> & { Match: Patterns };
			for (const [library, args] of Object.entries(others)) {
				expect(outcome(args, given), library).to.deep.equal(outcome(expected, given));
			}
		});
	}

	it('gives Meteor’s texts and paths', () => {
		expect(outcome(patternsOf.zod as Patterns, ['x', { ...task, tags: ['a', 5] }])).to.deep.equal({
			text: 'Match error: Expected string, got number in field tags[1]',
			path: 'tags[1]',
			code: 400,
		});
	});

	it('names a literal as it is, whatever characters it contains', () => {
		for (const literal of ['a"b', '"', 'a\\b', 'a\nb', 'é']) {
			const expected = outcome({ kind: literal }, ['x']);
			expect(expected).to.include({ code: 400, text: `Match error: Expected ${literal}, got "x"` });
			for (const schema of [z.literal(literal), v.literal(literal)]) {
				expect(outcome({ kind: schema }, ['x']), schema['~standard'].vendor).to.deep.equal(expected);
			}
		}
	});

	it("never shows a value, even where the validator's own text would quote it", () => {
		for (const [library, args] of Object.entries(patternsOf)) {
			for (const given of [
				['x', { ...task, text: { password: 'secret' } }],
				[{ password: 'secret' }, task],
			]) {
				expect(JSON.stringify(outcome(args, given)), library).not.to.include('secret');
			}
		}
	});
});

describe('Standard Schema', () => {
	it('has one type for what clients send, and another for what methods receive', () => {
		const args = {
			a: z.string(),
			b: z.number().optional(),
			c: z.string().default('x'),
			d: z.string().transform(Number),
			e: v.optional(v.array(v.string())),
			f: v.object({ g: v.optional(v.number(), 5) }),
		} as const;
		holds<
			Equal<
				Infer<typeof args>,
				{ a: string; c: string; d: number; f: { g: number }; b?: number | undefined; e?: string[] | undefined }
			>
		>();
		holds<
			Equal<
				InferInput<typeof args>,
				{
					a: string;
					d: string;
					f: { g?: number | undefined };
					b?: number | undefined;
					c?: string | undefined;
					e?: string[] | undefined;
				}
			>
		>();
		const defined = method({
			name: 'typed',
			summary: 'for a test',
			args,
			run(given) {
				holds<Equal<typeof given.a, string>>();
				holds<Equal<typeof given.b, number | undefined>>();
				holds<Equal<typeof given.c, string>>();
				holds<Equal<typeof given.d, number>>();
				return given.f.g;
			},
		});
		expect(checkArgs(defined, ['a', undefined, null, '5', null, {}])).to.deep.equal({
			a: 'a',
			b: undefined,
			c: 'x',
			d: 5,
			e: undefined,
			f: { g: 5 },
		});
	});

	it('gives a method the converted value, also within other patterns', () => {
		const trimmed = z.string().trim();
		const withDefault = z.number().default(7);
		for (const [pattern, given, received] of [
			[trimmed, ' a ', 'a'],
			[[trimmed], [' a', 'b '], ['a', 'b']],
			[{ name: trimmed, n: withDefault }, { name: ' a' }, { name: 'a', n: 7 }],
			[Match.Optional(trimmed), ' a', 'a'],
			[Match.Maybe(trimmed), null, null],
			[Match.OneOf(Number, trimmed), ' a', 'a'],
			[Match.OneOf(Number, trimmed), 5, 5],
			[Match.ObjectIncluding({ name: trimmed }), { name: ' a', more: 1 }, { name: 'a', more: 1 }],
			[Match.ObjectWithValues(trimmed), { a: ' a', b: 'b ' }, { a: 'a', b: 'b' }],
			[{ inner: { name: Match.Optional(trimmed) } }, { inner: { name: ' a' } }, { inner: { name: 'a' } }],
			[{ inner: { name: Match.Optional(trimmed) } }, { inner: {} }, { inner: {} }],
			[z.object({ a: z.string() }), { a: 'x', isAdmin: true }, { a: 'x' }],
		] as [Pattern, unknown, unknown][]) {
			expect(checkArgs(withArgs({ value: pattern }), [given]).value).to.deep.equal(received);
		}
	});

	it('does not change the value that was sent', () => {
		const sent = { name: ' a ', list: [' b '] };
		checkArgs(withArgs({ value: z.object({ name: z.string().trim(), list: z.array(z.string().trim()) }) }), [sent]);
		checkArgs(withArgs({ value: { name: z.string().trim(), list: [z.string().trim()] } }), [sent]);
		expect(sent).to.deep.equal({ name: ' a ', list: [' b '] });
	});

	it('refuses in check and Match.test a value that it would convert', () => {
		expect(() => check('a', z.string().trim())).not.to.throw();
		expect(() => check(' a', z.string().trim())).to.throw(
			'Match error: Expected a value that its schema leaves unchanged',
		);
		expect(() => check({ a: 'x', more: 1 }, z.object({ a: z.string() }))).to.throw('leaves unchanged');
		expect(() => check([' a'], [z.string().trim()])).to.throw('leaves unchanged');
		expect(() => check(' a', z.string().trim(), { throwAllErrors: true }))
			.to.throw()
			.with.lengthOf(1);
		expect(Match.test('a', z.string().trim())).to.equal(true);
		expect(Match.test(' a', z.string().trim())).to.equal(false);
		expect(Match.test({ a: new Date(5), b: new Uint8Array([1]) }, z.object({ a: z.date(), b: z.any() }))).to.equal(
			true,
		);
	});

	it('refuses in check and Match.test a value that it would convert to a BigInt', () => {
		expect(() => check('5', z.coerce.bigint())).to.throw(MatchError, 'leaves unchanged');
		expect(Match.test('5', z.coerce.bigint())).to.equal(false);
	});

	for (const [what, schema] of Object.entries({
		'a zod refinement': z.string().refine(async () => true),
		'a zod refinement deep within': z.object({ a: z.array(z.string().refine(async () => true)).optional() }),
		'a zod transform': z.string().transform(async (text) => text),
		'a zod promise': z.promise(z.string()),
		'a valibot pipe': v.pipeAsync(
			v.string(),
			v.checkAsync(async () => true),
		),
		'a valibot object': v.objectAsync({ a: v.string() }),
		'a valibot check with an async function': v.pipe(
			v.string(),
			v.check((async () => true) as unknown as (text: string) => boolean),
		),
		'a schema whose validate returns a promise': {
			'~standard': { version: 1, vendor: 'mine', validate: (value: unknown) => Promise.resolve({ value }) },
		} satisfies StandardSchema,
	})) {
		it(`is refused when a method is defined, if it is asynchronous: ${what}`, () => {
			for (const pattern of [() => schema, () => ({ a: schema }), () => Match.Optional(schema)]) {
				expect(() => withArgs({ value: pattern() })).to.throw(
					/^An asynchronous (zod|valibot|mine) schema cannot be a pattern/,
				);
			}
		});
	}

	it('causes a server error if only a call shows that it is asynchronous', () => {
		const hiddenAsync = z.string().refine((text) => Promise.resolve(text === 'x') as unknown as boolean);
		const defined = withArgs({ value: hiddenAsync });
		expect(() => checkArgs(defined, ['y'])).to.throw('An asynchronous zod schema cannot be a pattern');
	});

	it('does not admit undefined if its condition throws for undefined', () => {
		const long = v.custom<string>((value) => (value as string).length > 2);
		expect(outcome({ value: long }, ['long'])).to.deep.equal({ value: 'long' });
		expect(Match.test({}, { a: long })).to.equal(false);
	});

	it('may be of any library, and may be a function', () => {
		const even = (vendor: string): StandardSchema<number>['~standard'] => ({
			version: 1,
			vendor,
			validate: (value) =>
				typeof value === 'number' && value % 2 === 0
					? { value }
					: { issues: [{ message: `the secret ${value}`, path: [{ key: 'deep' }, 0] }] },
		});
		const callable = Object.assign(() => 'a function', { '~standard': even('mine') });
		for (const schema of [{ '~standard': even('mine') }, callable] as StandardSchema<number>[]) {
			expect(outcome({ value: schema }, [2])).to.deep.equal({ value: 2 });
			const list = { deep: [3] };
			expect(outcome({ value: schema }, [list])).to.deep.equal({
				text: 'Match error: Failed Match.Where validation in field deep[0]',
				path: 'deep[0]',
				code: 400,
			});
		}
	});

	it('is not recognized in an object whose member `~standard` has another form', () => {
		expect(Match.test({ '~standard': 'x' }, { '~standard': String })).to.equal(true);
		expect(Match.test({ '~standard': 'x' }, { '~standard': { version: Number } })).to.equal(false);
	});

	it('refuses the whole value if the issues are empty or have no path', () => {
		const reporting = (issues: { message: string; path?: PropertyKey[] }[]): StandardSchema => ({
			'~standard': { version: 1, vendor: 'mine', validate: () => ({ issues }) },
		});
		for (const issues of [[], [{ message: 'x' }], [{ message: 'x', path: [] }]]) {
			expect(outcome({ value: reporting(issues) }, ['x'])).to.include({
				text: 'Match error: Failed Match.Where validation',
				path: '',
			});
		}
	});
});
