/** Makes the REST route of a method. It maps the fields of a request to arguments by name. */
import { parseJson } from '../../shared/ejson.js';
import { clientError, clientErrorFrom, type ErrorName } from '../../shared/errors.js';
import { isObject } from '../../shared/isObject.js';
import type { AnyMatcher } from '../../shared/matcher.js';
import type { Method, RestRoute } from '../../shared/method.js';
import type { Invoker } from '../core/invoke.js';
import { refused, succeeded } from './envelope.js';
import type { RestRequest, Route } from './request.js';

/** Makes the route of a method from its definition. */
export function methodRoute(
	{ name, anonymous, args }: Method,
	{ verb, path, body, empty, unknownField, maxBody }: RestRoute,
	invoker: Invoker,
): Route {
	const argumentNames = new Set(args.map(([arg]) => arg));
	return {
		method: name,
		path,
		verbs: [verb],
		credentials: anonymous ? 'optional' : 'required',
		maxBody,
		async answer(request) {
			const { fields, isUrlEncoded, pathParams, caller } = request;
			if (!isObject(fields)) return refused(400, 'The body must be a JSON object');
			// With `object`, the fields together are the only argument.
			const isOneArgument = body === 'object';
			if (!isOneArgument) requireKnownFields(request, argumentNames, name, unknownField);
			const params = args.map(([arg, matcher]) => {
				if (isOneArgument) return isUrlEncoded ? textObject(fields, matcher) : fields;
				if (Object.hasOwn(pathParams, arg)) return textValue(pathParams, arg, matcher);
				return isUrlEncoded ? textValue(fields, arg, matcher) : bodyValue(fields, arg);
			});
			const value = await invoker.invoke(name, params, caller);
			return succeeded(empty ? undefined : value);
		},
	};
}

/**
 * Query parameters that Rocket.Chat's clients may send with any GET. They are ignored for a method without an argument of
 * that name: the answer is the whole list with all fields.
 */
const LIST_PARAMETERS: ReadonlySet<string> = new Set(['count', 'offset', 'sort', 'fields', 'query']);

/** Values of the parameter `query` that select everything. Only these can be ignored without a wrong answer. */
const QUERIES_FOR_ALL: ReadonlySet<unknown> = new Set(['', '{}']);

/**
 * Refuses unknown fields, because the caller expects them to have an effect.
 * @param known the names of the arguments
 * @param error the error to throw. Default: `invalid-params` with the name of the field
 */
export function requireKnownFields(
	{ fields, isQuery, isUrlEncoded }: RestRequest,
	known: ReadonlySet<string>,
	method: string,
	error?: ErrorName,
): void {
	for (const [field, value] of Object.entries(fields as object)) {
		const name = isUrlEncoded && field.endsWith('[]') ? field.slice(0, -2) : field;
		if (known.has(name)) continue;
		if (!isQuery || !LIST_PARAMETERS.has(field)) {
			throw error ? clientError(error, { method }) : clientErrorFrom('unknownField', field.slice(0, 100), { method });
		}
		if (field === 'query' && !QUERIES_FOR_ALL.has(value)) throw clientError('filterNotSupported', { method });
	}
}

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map([
	['true', true],
	['false', false],
]);

/** A field; undefined if there is none. An inherited member, such as `toString`, is none. */
function bodyValue(members: Readonly<Record<string, unknown>>, name: string): unknown {
	return Object.hasOwn(members, name) ? members[name] : undefined;
}

/**
 * A field of a query or a form, where every value is text. The pattern of the argument decides what the text stands for:
 * itself, JSON, a list with one entry, a number or a boolean, tried in this order. A list may also be sent as `name[]`.
 */
function textValue(members: Readonly<Record<string, unknown>>, name: string, matcher: AnyMatcher): unknown {
	const value = bodyValue(members, name) ?? bodyValue(members, `${name}[]`);
	if (typeof value !== 'string' || !matcher.fault(value)) return value;
	const candidates = [jsonValue(value), [value], numberOf(value), BOOLEANS.get(value)];
	return candidates.find((candidate) => candidate !== undefined && !matcher.fault(candidate)) ?? value;
}

/** The number that a text stands for; undefined for other text. */
function numberOf(text: string): number | undefined {
	const number = text.trim() === '' ? Number.NaN : Number(text);
	return Number.isNaN(number) ? undefined : number;
}

/** The JSON array or object that a text stands for: some clients send lists as JSON in a query. Undefined for other text. */
function jsonValue(text: string): unknown {
	if (!/^\s*[[{]/.test(text)) return undefined;
	try {
		return parseJson(text);
	} catch {
		return undefined;
	}
}

/** The fields of a form as one object. If the pattern does not accept it, `true` and `false` become booleans. */
function textObject(members: Record<string, unknown>, matcher: AnyMatcher): unknown {
	if (!matcher.fault(members)) return members;
	const entries = Object.entries(members).map(([name, value]) => [name, BOOLEANS.get(value) ?? value]);
	const withBooleans = Object.fromEntries(entries);
	return matcher.fault(withBooleans) ? members : withBooleans;
}
