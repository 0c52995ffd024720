/** What REST offers: each method that has a verb, and the few paths that are no method of ours. */
import { parseJson } from '../../shared/ejson.js';
import { clientError, clientErrorFrom, type RefusalName } from '../../shared/errors.js';
import type { AnyMatcher } from '../../shared/matcher.js';
import type { Method, RestRoute } from '../../shared/method.js';
import type { Services } from '../core/invocation.js';
import type { Invoker } from '../core/invoke.js';
import { logIn, logOut, logOutOtherClients } from './accounts.js';
import type { RestCaller } from './caller.js';
import { type Answer, refused, succeeded } from './envelope.js';
import { serverInfo } from './info.js';
import { callMethod } from './methodCall.js';

/** A request, without what HTTP adds. */
export interface Request {
	/** The body of a POST, the query of a GET; `{}` where there is none. */
	readonly fields: unknown;
	readonly isQuery: boolean;
	/** Whether they came as text alone, as in a query or a form. */
	readonly isUrlEncoded: boolean;
	/** What stands for the `:names` of the path. */
	readonly pathMembers: Readonly<Record<string, string>>;
	readonly caller: RestCaller;
	/** The login token as it was sent. */
	readonly token: unknown;
}

export interface Route {
	/** Below `/api/v1/`, unless it begins with a slash. */
	readonly path: string;
	readonly verbs: readonly RestRoute['verb'][];
	/** Whether the caller must log in, may, or is not asked: old credentials must not keep anyone from a new login. */
	readonly credentials: 'required' | 'optional' | 'ignored';
	/** True: also users without user name may call it (7.2). */
	readonly withoutUsername?: boolean;
	answer(request: Request): Promise<Answer>;
}

/** A method's route, derived from its definition: members become arguments by name. */
function methodRoute(
	{ name, anonymous, args }: Method,
	{ verb, path, body, empty, unknownField }: RestRoute,
	invoker: Invoker,
): Route {
	const known = new Set(args.map(([arg]) => arg));
	return {
		path,
		verbs: [verb],
		credentials: anonymous ? 'optional' : 'required',
		async answer(request) {
			const { fields, isUrlEncoded, pathMembers, caller } = request;
			if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
				return refused(400, 'The body must be a JSON object');
			}
			const given = fields as Record<string, unknown>;
			if (body !== 'object') requireKnownFields(request, known, name, unknownField);
			const read = isUrlEncoded ? textValue : bodyValue;
			const params =
				body === 'object'
					? args.map(([, matcher]) => (isUrlEncoded ? textObject(given, matcher) : given))
					: args.map(([arg, matcher]) => pathMembers[arg] ?? read(given, arg, matcher));
			const value = await invoker.invoke(name, params, caller);
			return succeeded(empty ? undefined : value);
		},
	};
}

/**
 * What Rocket.Chat's clients send with any GET, also where it means nothing: a list that is not paged is answered whole,
 * an answer holds at least the fields that are asked for.
 */
const LIST_PARAMETERS: ReadonlySet<string> = new Set(['count', 'offset', 'sort', 'fields', 'query']);

/** What a `query` may be that leaves nothing out. */
const EVERYTHING: ReadonlySet<unknown> = new Set(['', '{}']);

/**
 * Refuses fields that nothing would come of: the caller means something by each.
 * @param error the refusal; default `invalid-params` with the name of the field
 */
function requireKnownFields(
	{ fields, isQuery, isUrlEncoded }: Request,
	known: ReadonlySet<string>,
	method: string,
	error?: RefusalName,
): void {
	for (const [field, value] of Object.entries(fields as object)) {
		const name = isUrlEncoded && field.endsWith('[]') ? field.slice(0, -2) : field;
		if (known.has(name)) continue;
		if (!isQuery || !LIST_PARAMETERS.has(field)) {
			throw error ? clientError(error, { method }) : clientErrorFrom('unknownField', field.slice(0, 100), { method });
		}
		if (field === 'query' && !EVERYTHING.has(value)) throw clientError('filterNotSupported', { method });
	}
}

const TRUTH: ReadonlyMap<unknown, boolean> = new Map([
	['true', true],
	['false', false],
]);

function bodyValue(given: Record<string, unknown>, name: string): unknown {
	return Object.hasOwn(given, name) ? given[name] : undefined;
}

/**
 * A member of a query or a form, which is all text: what the method expects is tried in turn. The text itself comes first,
 * then the list or object that it is the JSON text of, a list of one, a number, a truth value. `name[]` is another way to
 * write a list.
 */
function textValue(given: Record<string, unknown>, name: string, matcher: AnyMatcher): unknown {
	const value = bodyValue(given, name) ?? bodyValue(given, `${name}[]`);
	if (typeof value !== 'string' || !matcher.fault(value)) return value;
	const candidates = [jsonValue(value), [value], value.trim() === '' ? undefined : Number(value), TRUTH.get(value)];
	return candidates.find((reading) => reading !== undefined && !matcher.fault(reading)) ?? value;
}

/** The array or object that a text holds as JSON, as some clients write a list into a query; undefined for other text. */
function jsonValue(text: string): unknown {
	if (!/^\s*[[{]/.test(text)) return undefined;
	try {
		return parseJson(text);
	} catch {
		return undefined;
	}
}

/** The members of a form as one object, in which some may be truth values. */
function textObject(given: Record<string, unknown>, matcher: AnyMatcher): unknown {
	if (!matcher.fault(given)) return given;
	const read = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, TRUTH.get(value) ?? value]));
	return matcher.fault(read) ? given : read;
}

/** Every route of a server with these methods. */
export function routesOf(
	methods: readonly Method[],
	invoker: Invoker,
	services: Services,
	rocketChatVersion: string,
): Route[] {
	const methodCall: Route['answer'] = ({ pathMembers, fields, caller }) =>
		callMethod(invoker, pathMembers.method ?? '', fields, caller);
	return [
		...methods.flatMap((method) => (method.rest ? [methodRoute(method, method.rest, invoker)] : [])),
		{
			path: 'method.call/:method',
			verbs: ['POST'],
			credentials: 'required',
			withoutUsername: true,
			answer: methodCall,
		},
		{
			path: 'method.callAnon/:method',
			verbs: ['POST'],
			credentials: 'ignored',
			answer: methodCall,
		},
		{
			path: 'login',
			verbs: ['POST'],
			credentials: 'ignored',
			answer: ({ fields, caller }) => logIn(invoker, services, fields, caller),
		},
		{
			path: 'logout',
			verbs: ['GET', 'POST'],
			credentials: 'required',
			withoutUsername: true,
			answer(request) {
				requireKnownFields(request, new Set(), 'logout');
				return logOut(invoker, request.caller);
			},
		},
		{
			path: 'users.logoutOtherClients',
			verbs: ['POST'],
			credentials: 'required',
			answer(request) {
				requireKnownFields(request, new Set(), 'users.logoutOtherClients');
				return logOutOtherClients(invoker, request);
			},
		},
		...['info', '/api/info'].map(
			(path): Route => ({
				path,
				verbs: ['GET'],
				credentials: 'ignored',
				answer: async () => serverInfo(rocketChatVersion),
			}),
		),
	];
}
