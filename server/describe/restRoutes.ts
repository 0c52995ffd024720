/** Describes the REST routes that no method defines: logins and logouts, `method.call`, and `info`. */

import { UserProfile } from '../../methods/model/answers.js';
import type { RateRule } from '../../shared/limit.js';
import { Match } from '../../shared/match.js';
import type { Method } from '../../shared/method.js';
import { compile, type Pattern } from '../../shared/pattern.js';
import { LoginBody } from '../rest/accounts.js';
import { errorResponses, errorsOf, RETRY_HEADERS } from './errorResponses.js';
import type { ExampleMaker } from './examples.js';
import { isLimitedOverRest, limitsOf } from './limits.js';
import type { JsonSchema, SchemaMaker } from './schema.js';

/** An operation object of OpenAPI. */
export interface Operation {
	readonly operationId: string;
	readonly tags: readonly unknown[];
	readonly [member: string]: unknown;
}

/** The security requirement of a route for users who are logged in. */
export const CREDENTIALS = { userId: [], authToken: [] };

const ERROR_CONTENT = { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } };

/** The answer with status 401 of a route that needs a login. */
export const UNAUTHORIZED = { description: 'The credentials are missing, wrong or expired', content: ERROR_CONTENT };

/** The answer with a status that the operation does not list. */
export const OTHER_ERROR = { description: 'Refused', content: ERROR_CONTENT };

/** The headers of a rate limit, as components of the document. */
export const RATE_HEADER_COMPONENTS = {
	'X-RateLimit-Limit': { description: 'Calls in a window', schema: { type: 'integer' } },
	'X-RateLimit-Remaining': { description: 'Calls left in this window', schema: { type: 'integer' } },
	'X-RateLimit-Reset': { description: 'End of this window, in ms since 1970', schema: { type: 'integer' } },
};

/** References to these headers, for an answer. */
export const RATE_HEADERS = Object.fromEntries(
	Object.keys(RATE_HEADER_COMPONENTS).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
);

interface BuiltInRoute {
	/** In OpenAPI's form, such as `/api/v1/method.call/{method}`. */
	readonly path: string;
	readonly verbs: readonly ('GET' | 'POST')[];
	readonly id: string;
	readonly summary: string;
	readonly tag: string;
	readonly needsLogin: boolean;
	/** The method that the route always calls. The route has the errors and limits of this method. */
	readonly method?: string;
	readonly body?: Pattern;
	readonly answer: Pattern;
	/** The bodies of errors that have an unusual form, by status. */
	readonly errorBodies?: Readonly<Record<number, Pattern>>;
}

const DdpMessage = { message: String };
const DdpAnswer = { message: String, success: Boolean };
const Version = { version: String, info: { version: String }, success: true };

/**
 * The bodies of error answers of `method.call`. An error of the called method has the form of a result. An invalid
 * request gets an error in the usual form.
 */
const DDP_ERRORS = {
	400: Match.OneOf(DdpAnswer, Match.ObjectIncluding({ success: false, error: String })),
	503: DdpAnswer,
};

const LoginError = {
	status: 'error',
	success: false,
	error: Match.OneOf(String, Number),
	message: String,
	details: Match.Optional(Match.Any),
};

export const ROUTES: readonly BuiltInRoute[] = [
	{
		path: '/api/v1/login',
		verbs: ['POST'],
		id: 'rest.login',
		summary: 'Logs in with a name and a password, or with a token',
		tag: "The caller's account",
		needsLogin: false,
		method: 'login',
		body: LoginBody,
		answer: { status: 'success', success: true, data: { userId: String, authToken: String, me: UserProfile } },
		errorBodies: { 401: LoginError },
	},
	{
		path: '/api/v1/logout',
		verbs: ['GET', 'POST'],
		id: 'rest.logout',
		summary: 'Logs out and removes the login token',
		tag: "The caller's account",
		needsLogin: true,
		method: 'logout',
		answer: { status: 'success', data: { message: String } },
	},
	{
		path: '/api/v1/users.logoutOtherClients',
		verbs: ['POST'],
		id: 'rest.users.logoutOtherClients',
		summary: 'Removes all other login tokens of the caller',
		tag: "The caller's account",
		needsLogin: true,
		method: 'users.logoutOtherClients',
		answer: { token: String, tokenExpires: Date, success: true },
	},
	{
		path: '/api/v1/method.call/{method}',
		verbs: ['POST'],
		id: 'rest.method.call',
		summary:
			'Calls any method. The member `message` is the EJSON text of the DDP message, in the body and in the answer',
		tag: 'Server',
		needsLogin: true,
		body: DdpMessage,
		answer: DdpAnswer,
		errorBodies: DDP_ERRORS,
	},
	{
		path: '/api/v1/method.callAnon/{method}',
		verbs: ['POST'],
		id: 'rest.method.callAnon',
		summary: 'Calls any method without credentials, in the form of `method.call`',
		tag: 'Server',
		needsLogin: false,
		body: DdpMessage,
		answer: DdpAnswer,
		errorBodies: DDP_ERRORS,
	},
	...['/api/v1/info', '/api/info'].map((path) => ({
		path,
		verbs: ['GET'] as const,
		id: path === '/api/info' ? 'rest.info' : 'rest.v1.info',
		summary: 'Returns the version of Rocket.Chat whose data formats the server uses',
		tag: 'Server',
		needsLogin: false,
		answer: Version,
	})),
];

interface RouteContext {
	readonly maker: SchemaMaker;
	readonly examples: ExampleMaker;
	readonly limits: readonly RateRule[];
	readonly methods: ReadonlyMap<string, Method>;
}

function jsonContent(pattern: Pattern, { maker, examples }: RouteContext): object {
	const schema: JsonSchema = maker.schemaOf(compile(pattern).shape);
	return { content: { 'application/json': { schema, example: examples.exampleOf(schema) } } };
}

/** Each path parameter is the name of a method. */
function parametersOf(path: string): object[] {
	return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({
		name,
		in: 'path',
		required: true,
		description: 'The name of the method, with `:` for each `/`',
		schema: { type: 'string' },
		example: 'e2e.fetchMyKeys',
	}));
}

/** The operations of a route, by verb. */
export function routeOperations(route: BuiltInRoute, context: RouteContext): [verb: string, operation: Operation][] {
	const { path, verbs, id, summary, tag, needsLogin, method, body, answer, errorBodies = {} } = route;
	const { limits, methods } = context;
	const definition = method === undefined ? undefined : methods.get(method);
	const isLimited = definition !== undefined && isLimitedOverRest(definition, limits);
	const limitCodes = isLimited ? ['too-many-requests'] : [];
	const methodCodes = definition ? [...(definition.errors ?? []), 'error-timeout'] : [];
	const codes = new Set([...methodCodes, ...(body ? [400] : []), ...limitCodes, 500]);
	// `method.call` sends the headers of the called method's limit. A call beyond this limit gets 400, so no 429 is
	// described.
	const callsLimitedMethods =
		path.includes('{method}') && [...methods.values()].some((one) => isLimitedOverRest(one, limits));
	const usualErrors = errorResponses(errorsOf([...codes]));
	const ownErrors = Object.entries(errorBodies).map(([status, pattern]) => {
		const headers = callsLimitedMethods && status === '400' && { headers: { ...RATE_HEADERS, ...RETRY_HEADERS } };
		return [status, { description: 'Refused', ...usualErrors[status], ...headers, ...jsonContent(pattern, context) }];
	});
	return verbs.map((verb, i) => [
		verb,
		{
			operationId: i === 0 ? id : `${id}.${verb.toLowerCase()}`,
			summary,
			tags: [tag],
			security: needsLogin ? [CREDENTIALS] : [],
			parameters: parametersOf(path),
			...(body !== undefined && { requestBody: { required: true, ...jsonContent(body, context) } }),
			responses: {
				200: {
					description: 'Done',
					...((isLimited || callsLimitedMethods) && { headers: RATE_HEADERS }),
					...jsonContent(answer, context),
				},
				...(needsLogin && { 401: UNAUTHORIZED }),
				...usualErrors,
				...Object.fromEntries(ownErrors),
				default: OTHER_ERROR,
			},
			...(method !== undefined && {
				'x-method': method,
				'x-limits': limitsOf('method', method, definition?.limit, limits),
				...(definition?.audit && { 'x-audit': true }),
			}),
		},
	]);
}
