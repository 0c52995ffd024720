/** The REST routes of methods. The fields of a request become arguments by name. */
import { clientError, clientErrorFrom, type ErrorName } from '../../shared/errors.js';
import { isObject } from '../../shared/isObject.js';
import type { Method, RestRoute } from '../../shared/method.js';
import type { Invoker } from '../core/invoke.js';
import { jsonReader, ownField, textField, textObject } from './argumentValue.js';
import { refused, succeeded } from './envelope.js';
import type { RestRequest, Route } from './request.js';

/** Makes the route of a method from its definition. */
export function methodRoute(
	{ name, anonymous, args }: Method,
	{ verb, path, body, empty, unknownField, maxBody }: RestRoute,
	invoker: Invoker,
): Route {
	const readers = args.map(([arg, matcher]) => ({ arg, matcher, readJson: jsonReader(matcher) }));
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
			const params = readers.map(({ arg, matcher, readJson }) => {
				if (isOneArgument) return isUrlEncoded ? textObject(fields, matcher) : readJson(fields);
				if (Object.hasOwn(pathParams, arg)) return textField(pathParams, arg, matcher);
				return isUrlEncoded ? textField(fields, arg, matcher) : readJson(ownField(fields, arg));
			});
			const value = await invoker.invoke(name, params, caller);
			return succeeded(empty ? undefined : value);
		},
	};
}

/**
 * Query parameters that Rocket.Chat's clients may send with any GET. They are ignored for a method without an argument of
 * that name.
 */
const LIST_PARAMETERS: ReadonlySet<string> = new Set(['count', 'offset', 'sort', 'fields', 'query']);

/** Values of the parameter `query` that select everything. Only these can be ignored without a wrong answer. */
const QUERIES_FOR_ALL: ReadonlySet<unknown> = new Set(['', '{}']);

/** Maximum length of a field's name in an error, in characters. */
const MAX_SHOWN_LENGTH = 100;

/**
 * Refuses unknown fields. In the query of a URL, ignores `LIST_PARAMETERS`, but `query` only if it selects everything.
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
			const shownName = field.slice(0, MAX_SHOWN_LENGTH);
			throw error ? clientError(error, { method }) : clientErrorFrom('unknownField', shownName, { method });
		}
		if (field === 'query' && !QUERIES_FOR_ALL.has(value)) throw clientError('filterNotSupported', { method });
	}
}
