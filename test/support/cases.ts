/** Reads the patterns and values of test/contract/match-cases.json (test/contract/check.md 1.2 and 1.3). */
import { check } from '../../shared/check.js';
import { ClientError, MatchError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
// biome-ignore lint/suspicious/noExplicitAny: patterns that are wrong on purpose have no type
type Anything = any;

class Foo {
	x = 1;
}
class Bar extends Foo {}
const Anonymous = (() =>
	class {
		x = 1;
	})();

const classes: Record<string, Anything> = {
	Date,
	RegExp,
	Uint8Array,
	Map,
	Error,
	Array,
	BigInt,
	Promise,
	Foo,
	Bar,
	Anonymous,
};

const named: Record<string, Anything> = {
	String,
	Number,
	Boolean,
	Function,
	Object,
	Any: Match.Any,
	Integer: Match.Integer,
	undefined: undefined,
	null: null,
};

const conditions: Record<string, (x: Anything) => unknown> = {
	always: () => true,
	never: () => false,
	truthyString: () => 'yes',
	zero: () => 0,
	undefinedResult: () => undefined,
	even: (x) => x % 2 === 0,
	nonEmptyString(x) {
		check(x, String);
		return x.length > 0;
	},
	positive(x) {
		check(x, Number);
		return x > 0;
	},
	checksFieldA(x) {
		check(x, { a: String });
		return true;
	},
	throwsMatchError() {
		throw new MatchError('custom text');
	},
	throwsMatchErrorWithPath() {
		throw Object.assign(new MatchError('custom text'), { path: 'inner.path' });
	},
	throwsPlainError() {
		throw new Error('boom');
	},
	throwsMeteorError() {
		throw new ClientError('bad-thing', 'Bad thing');
	},
	isBinary: (x) => x instanceof Uint8Array,
};

function mapValues(object: { [key: string]: Json }, f: (value: Json) => Anything): Record<string, Anything> {
	return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value)]));
}

/** Makes the pattern that a case describes in JSON. A key such as `$optional` names the kind of the pattern. */
export function toPattern(json: Json): Anything {
	if (typeof json === 'string') return named[json];
	if (Array.isArray(json)) return json.map(toPattern);
	const object = json as { [key: string]: Json };
	const [word, ...more] = Object.keys(object);
	const inner = object[word as string] as Anything;
	if (more.length > 0) return mapValues(object, toPattern);
	switch (word) {
		case '$lit':
			return toValue(inner);
		case '$optional':
			return Match.Optional(toPattern(inner));
		case '$maybe':
			return Match.Maybe(toPattern(inner));
		case '$oneOf':
			return Match.OneOf(...inner.map(toPattern));
		case '$objectIncluding':
			return Match.ObjectIncluding(toPattern(inner));
		case '$objectWithValues':
			return Match.ObjectWithValues(toPattern(inner));
		case '$where':
			return Match.Where(conditions[inner] as (x: unknown) => unknown);
		case '$class':
			return classes[inner];
		case '$object':
			return mapValues(inner, toPattern);
		default:
			return mapValues(object, toPattern);
	}
}

/** Makes a value that JSON cannot express, such as a date; undefined if the key `word` names no kind of such a value. */
function toSpecial(word: string | undefined, inner: Anything, object: Anything): { value: unknown } | undefined {
	switch (word) {
		case '$undefined':
			return { value: undefined };
		case '$date':
			return { value: new Date(inner) };
		case '$binary':
			return { value: new Uint8Array(Buffer.from(inner, 'base64')) };
		case '$InfNaN':
			return { value: inner === 0 ? Number.NaN : inner * Number.POSITIVE_INFINITY };
		case '$negZero':
			return { value: -0 };
		case '$regexp':
			return { value: new RegExp(inner, object.$flags) };
		case '$function':
			return { value: () => {} };
		case '$bigint':
			return { value: BigInt(inner) };
		case '$symbol':
			return { value: Symbol(inner) };
		case '$boxed':
			return { value: Object(toValue(inner)) };
		case '$arguments':
			return {
				value: (
					function () {
						// biome-ignore lint/complexity/noArguments: the case needs a real arguments object
						return arguments;
					} as Anything
				)(...inner.map(toValue)),
			};
		case '$instance':
			return { value: new classes[inner]() };
		case '$nullProto':
			return { value: Object.assign(Object.create(null), mapValues(inner, toValue)) };
		case '$inherited':
			return { value: Object.assign(Object.create(mapValues(inner.proto, toValue)), mapValues(inner.own, toValue)) };
		case '$circular': {
			const circle: Record<string, unknown> = {};
			circle.self = circle;
			return { value: circle };
		}
		case '$holes':
			return { value: new Array(inner) };
		case '$escape':
			return { value: mapValues(inner, toValue) };
		default:
			return undefined;
	}
}

/** Makes the value that a case describes in JSON. */
export function toValue(json: Json): unknown {
	if (typeof json !== 'object' || json === null) return json;
	if (Array.isArray(json)) return json.map(toValue);
	const keys = Object.keys(json);
	// `$regexp` may have `$flags` beside it.
	const special = keys.length <= 2 ? toSpecial(keys[0], json[keys[0] as string], json) : undefined;
	return special ? special.value : mapValues(json, toValue);
}
