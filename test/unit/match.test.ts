/** `check` and `Match`: the cases of test/contract/match-cases.json, and what Meteor does not define. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import * as superstruct from 'superstruct';
import { check } from '../../shared/check.js';
import { ClientError, type MatchError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { compile } from '../../shared/pattern.js';
import { toPattern, toValue } from '../support/cases.js';

interface Case {
	pattern: never;
	value: never;
	ok: boolean;
	message?: string;
	path?: string;
	/** An error that is no match error, as `name: message`. */
	throws?: string;
	throwAllErrors?: boolean;
	errors?: { message: string; path: string }[];
}

const contract = path.resolve('test/contract/match-cases.json');
const all = JSON.parse(readFileSync(contract, 'utf8')) as Case[];
const cases = all.filter((entry) => !entry.throwAllErrors);
const casesOfAllErrors = all.filter((entry) => entry.throwAllErrors);

function thrownBy(f: () => void): unknown {
	try {
		f();
	} catch (error) {
		return error;
	}
	return undefined;
}

/** Meteor's name for the class of an error. */
function nameOf(error: unknown): string {
	if (error instanceof ClientError) return 'Meteor.Error';
	return (error as Error).constructor.name;
}

function messageFor(pattern: unknown, value: unknown): string | undefined {
	return (thrownBy(() => check(value, pattern as never)) as Error | undefined)?.message;
}

describe('check and Match', () => {
	describe('the cases of the contract', () => {
		it('are more than 200', () => {
			expect(cases.length).to.be.greaterThan(200);
		});

		for (const { pattern, value, ok, message, path: where, throws } of cases) {
			it(`${JSON.stringify(value)} against ${JSON.stringify(pattern)}: ${ok ? 'passes' : (throws ?? message)}`, () => {
				const error = thrownBy(() => check(toValue(value), toPattern(pattern)));
				if (ok) {
					expect(error).to.equal(undefined);
					expect(Match.test(toValue(value), toPattern(pattern))).to.equal(true);
				} else if (throws !== undefined) {
					expect(`${nameOf(error)}: ${(error as Error).message}`).to.equal(throws);
					expect(thrownBy(() => Match.test(toValue(value), toPattern(pattern)))).to.have.property(
						'message',
						(error as Error).message,
					);
				} else {
					expect(error).to.be.instanceOf(Match.Error).and.include({ message, path: where });
					expect(Match.test(toValue(value), toPattern(pattern))).to.equal(false);
				}
			});
		}
	});

	describe('throwAllErrors (check.md section 9)', () => {
		it('has more than ten cases', () => {
			expect(casesOfAllErrors.length).to.be.greaterThan(10);
		});

		for (const { pattern, value, errors = [] } of casesOfAllErrors) {
			it(`${JSON.stringify(value)} against ${JSON.stringify(pattern)}: ${errors.length} errors`, () => {
				const thrown = thrownBy(() => check(toValue(value), toPattern(pattern), { throwAllErrors: true }));
				if (errors.length === 0) {
					expect(thrown).to.equal(undefined);
					return;
				}
				const found = thrown as MatchError[];
				for (const error of found) expect(error).to.be.instanceOf(Match.Error);
				expect(found.map(({ message, path }) => ({ message, path }))).to.deep.equal(errors);
			});
		}

		it('refuses and accepts the same values as a check without throwAllErrors', () => {
			for (const { pattern, value, ok, throws } of cases) {
				if (throws !== undefined) continue;
				const thrown = thrownBy(() => check(toValue(value), toPattern(pattern), { throwAllErrors: true }));
				expect(Array.isArray(thrown), JSON.stringify([value, pattern])).to.equal(!ok);
			}
		});
	});

	it('refuse every value for Match.ObjectIncluding() without a pattern', () => {
		const Maker = Match.ObjectIncluding as unknown as new () => unknown;
		for (const pattern of [Match.ObjectIncluding(), new Maker()]) {
			for (const value of [{}, { a: 1 }, null, 5, undefined])
				expect(messageFor(pattern, value)).to.equal('Match error: Bad pattern: unknown pattern type');
		}
	});

	describe('the match error', () => {
		const error = thrownBy(() => check({ a: 1 }, { a: String })) as MatchError;

		it('has the error that a client may see', () => {
			expect(error.sanitizedError).to.include({
				error: 400,
				reason: 'Match failed',
				message: 'Match failed [400]',
			});
			expect(error).to.include({ errorType: 'Match.Error', name: 'Error' });
			expect(error).to.be.instanceOf(Error);
		});

		it("has the same own enumerable keys as Meteor's", () => {
			expect(Object.keys(error)).to.have.members(['message', 'path', 'sanitizedError', 'errorType']);
		});
	});

	it('let patterns be made with new, too', () => {
		const makers = Match as unknown as Record<string, new (pattern: unknown) => never>;
		for (const name of ['Optional', 'Maybe', 'OneOf', 'ObjectWithValues']) {
			const Maker = makers[name] as new (pattern: unknown) => never;
			expect(Match.test(name === 'ObjectWithValues' ? { a: 'x' } : 'x', new Maker(String))).to.equal(true);
		}
	});

	it('compile a pattern once', () => {
		const pattern = { a: String };
		expect(compile(pattern)).to.equal(compile(pattern));
	});

	it('refuse a pattern that contains itself', () => {
		const pattern: Record<string, unknown> = {};
		pattern.self = [pattern];
		expect(() => check({}, pattern as never)).to.throw('A pattern must not contain itself');
	});

	for (const [what, value] of [
		['__proto__', JSON.parse('{"__proto__": {"a": "x"}}')],
		['constructor', { constructor: 1 }],
		['toString', { toString: 1 }],
	]) {
		it(`refuse the unknown key ${what}, the name of an inherited property`, () => {
			expect(messageFor({ a: Match.Optional(String) }, value)).to.equal(`Match error: Unknown key in field ${what}`);
		});
	}

	it('report a required key as missing even if {} inherits it', () => {
		expect(messageFor({ toString: String }, {})).to.equal("Match error: Missing key 'toString'");
	});

	it('put no value into the errors of String, Number, Boolean and Function', () => {
		for (const type of [String, Number, Boolean, Function]) {
			const value = type === String ? ['secret'] : 'secret';
			expect(messageFor(type, value)).not.to.include('secret');
		}
	});

	describe('patterns with structs of superstruct', () => {
		const { object, string, number, optional, array, union, literal, refine, integer, define } = superstruct;

		for (const [pattern, value, message] of [
			[string(), 5, 'Expected string, got number'],
			[object({ a: object({ b: array(string()) }) }), { a: { b: [1] } }, 'Expected string, got number in field a.b[0]'],
			[object({ a: string() }), { a: 'x', 'b c': 1 }, 'Unknown key in field b c'],
			[{ k: object({ a: string() }) }, { k: { a: 1 } }, 'Expected string, got number in field k.a'],
			[{ k: optional(string()) }, { k: 1 }, 'Expected string, got number in field k'],
			[union([string(), number()]), true, 'Failed Match.OneOf, Match.Maybe or Match.Optional validation'],
			[refine(string(), 'long', (s) => s.length > 3), 'abc', 'Failed Match.Where validation'],
			[integer(), 1.5, 'Expected Integer, got 1.5'],
			[array(), 'x', 'Expected array, got "x"'],
			[literal('a'), 'secret', 'Expected literal'],
			[define('odd', () => false), 'secret', 'Expected odd'],
			[define('odd', () => 'a message that may hold a secret'), 'secret', 'Expected odd'],
			[string(), { toString: 1 }, 'Expected string'],
			[object({ a: string() }), { a: { toString: 1 } }, 'Expected object'],
			[literal('a'), Object.create(null), 'Expected literal'],
			[
				object({ a: Match.OneOf(String, [Number]) }),
				{ a: ['x'] },
				'Failed Match.OneOf, Match.Maybe or Match.Optional validation in field a',
			],
			[
				object({ a: compile({ 'b-c': [Number] }) }),
				{ a: { 'b-c': ['x'] } },
				'Expected number, got string in field a["b-c"][0]',
			],
		] as const) {
			it(`report: ${message}`, () => {
				expect(messageFor(pattern, value)).to.match(/^Match error: /);
				expect(messageFor(pattern, value)).to.equal(`Match error: ${message}`);
			});
		}

		it('allow a key to be absent if its struct accepts undefined', () => {
			expect(Match.test({}, { a: optional(string()) })).to.equal(true);
			expect(Match.test({ a: undefined }, { a: optional(string()) })).to.equal(true);
			expect(Match.test({}, { a: string() })).to.equal(false);
		});

		it('refuse undefined if their condition throws for it', () => {
			const long = define('long', (value) => (value as string).length > 2);
			const even = define('even', (value) => BigInt(Number(value)) % 2n === 0n);
			for (const [struct, accepted] of [
				[long, 'long'],
				[even, 4],
			] as const) {
				expect(Match.test({}, { a: struct })).to.equal(false);
				expect(Match.test({ a: accepted }, { a: struct })).to.equal(true);
			}
		});

		it('compile to a struct, which other structs may contain', () => {
			const struct = object({ user: compile({ name: String }) });
			expect(superstruct.is({ user: { name: 'x' } }, struct)).to.equal(true);
			const [error] = superstruct.validate({ user: { name: 5 } }, struct);
			expect(error?.message).to.equal('At path: user.name -- Expected string, got number');
			expect(compile(String).is('x')).to.equal(true);
			expect(() => superstruct.assert(5, compile(String))).to.throw('Expected string, got number');
		});
	});
});
