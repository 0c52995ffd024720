/** Makes the OpenAPI 3.1 document, which describes every REST route. */
import { clientError } from '../../shared/errors.js';
import type { RateRule } from '../../shared/limit.js';
import { DEFAULT_TIMEOUT, type Method, pathParameters, type RestRoute, VERBS_WITH_BODY } from '../../shared/method.js';
import { IDEMPOTENCY_KEY } from '../rest/request.js';
import { urlOf } from '../rest/server.js';
import { answerBody } from './answers.js';
import { CHAPTERS, chapterOf } from './chapters.js';
import { errorResponses, errorsOf, methodErrors } from './errorResponses.js';
import { ExampleMaker } from './examples.js';
import { isLimitedOverRest, limitsOf, limitsText } from './limits.js';
import { argumentParameters } from './parameters.js';
import {
	CREDENTIALS,
	type Operation,
	OTHER_ERROR,
	RATE_HEADER_COMPONENTS,
	RATE_HEADERS,
	ROUTES,
	routeOperations,
	UNAUTHORIZED,
} from './restRoutes.js';
import { argumentMembers, type JsonSchema, SchemaMaker } from './schema.js';

export interface DocumentOptions {
	readonly methods: readonly Method[];
	readonly limits: readonly RateRule[];
	/** The version of Roomkey. */
	readonly version: string;
	/** Prefix of the path of every URL of the server. Default: none. */
	readonly pathPrefix?: string;
}

/** The id of an operation. Client generators make a function name from it, so it contains no slash. */
export const operationIdOf = (name: string): string => name.replaceAll('/', '_');

const DESCRIPTION = `The REST routes of this server. The same methods can be called over DDP: see \`/asyncapi.json\`.

Every answer is a JSON object with \`success\`, except the answer to a successful \`logout\`. Null in a body counts as an
argument that is left out, unless the argument may be null. A list in the query of a URL is written as
\`name=a&name=b\`, as \`name[]=a&name[]=b\`, or as JSON. An object is JSON. Rocket.Chat's clients send the parameters
\`count\`, \`offset\`, \`sort\`, \`fields\` and \`query\` to any GET. A method that has no such argument ignores them. But
it refuses the parameter \`query\`, unless this is empty or \`{}\`.`;

function descriptionOf(method: Method, limits: readonly RateRule[]): string {
	const { anonymous, once, secondFactor, audit, timeout, name } = method;
	const limit = limitsText(limitsOf('method', name, method.limit, limits));
	return [
		`${method.summary}.`,
		'',
		`- Over DDP: \`${name}\``,
		`- ${anonymous ? 'Anyone may call it' : 'For users who are logged in'}`,
		...(limit ? [`- Limit: ${limit}`] : []),
		...(once ? ['- A repeated call with the same `Idempotency-Key` gets the first answer'] : []),
		...(secondFactor ? ['- May ask for a second factor'] : []),
		...(audit ? ['- Every call is an audit event in the log of the server'] : []),
		...(timeout === DEFAULT_TIMEOUT ? [] : [`- Time limit: ${timeout / 1000} seconds`]),
	].join('\n');
}

function parametersOf(method: Method, rest: RestRoute, maker: SchemaMaker, examples: ExampleMaker): unknown[] {
	return [
		...argumentParameters(method, rest, maker, examples),
		...(method.once ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
		...(method.secondFactor
			? [{ $ref: '#/components/parameters/SecondFactor' }, { $ref: '#/components/parameters/SecondFactorMethod' }]
			: []),
	];
}

/** The schema of a request body: the arguments that are not in the path. */
function bodySchema({ args }: Method, rest: RestRoute, maker: SchemaMaker): JsonSchema {
	const inPath = new Set(pathParameters(rest.path));
	const members = argumentMembers(args).filter(({ name }) => !inPath.has(name));
	// With `body: 'object'` the body is the value of the only argument. Otherwise the arguments are its members.
	const [first] = members;
	return rest.body === 'object' && first ? maker.schemaOf(first.shape) : maker.object(members, null);
}

function requestBody(method: Method, rest: RestRoute, maker: SchemaMaker, examples: ExampleMaker): object {
	if (!VERBS_WITH_BODY.has(rest.verb)) return {};
	const schema = bodySchema(method, rest, maker);
	const content = { schema, example: examples.exampleOf(schema) };
	return {
		requestBody: {
			required: 'required' in schema,
			content: { 'application/json': content, 'application/x-www-form-urlencoded': { schema } },
		},
	};
}

function operationOf(
	method: Method,
	rest: RestRoute,
	{ maker, examples, limits }: { maker: SchemaMaker; examples: ExampleMaker; limits: readonly RateRule[] },
): Operation {
	const { name, summary, anonymous, returns, once, secondFactor, audit, timeout } = method;
	const schema = answerBody(returns?.shape, rest, maker);
	const isLimited = isLimitedOverRest(method, limits);
	// A route may have its own error for a field that is not an argument.
	const unknownFieldErrors = rest.unknownField ? [clientError(rest.unknownField).error] : [];
	const errors = [
		...methodErrors(method, isLimited),
		...errorsOf(unknownFieldErrors.filter((code) => !method.errors?.includes(code))),
	];
	return {
		operationId: operationIdOf(name),
		summary,
		description: descriptionOf(method, limits),
		tags: [chapterOf(name)],
		security: anonymous ? [{}, CREDENTIALS] : [CREDENTIALS],
		parameters: parametersOf(method, rest, maker, examples),
		...requestBody(method, rest, maker, examples),
		responses: {
			200: {
				description: 'Done',
				...(isLimited && { headers: RATE_HEADERS }),
				content: { 'application/json': { schema, example: examples.exampleOf(schema) } },
			},
			...(!anonymous && { 401: UNAUTHORIZED }),
			...errorResponses(errors),
			default: OTHER_ERROR,
		},
		'x-method': name,
		'x-arguments': method.args.map(([arg]) => arg),
		'x-errors': errors,
		'x-limits': limitsOf('method', name, method.limit, limits),
		'x-timeout-ms': timeout,
		...(once && { 'x-idempotent': true }),
		...(secondFactor && { 'x-second-factor': true }),
		...(audit && { 'x-audit': true }),
	};
}

/** A path in OpenAPI's form, with `{name}` for `:name`. */
const pathOf = (path: string) => urlOf(path).replace(/:(\w+)/g, '{$1}');

const COMPONENTS = {
	securitySchemes: {
		userId: { type: 'apiKey', in: 'header', name: 'X-User-Id', description: 'The id of the user' },
		authToken: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'The token of a login' },
	},
	parameters: {
		IdempotencyKey: {
			name: 'Idempotency-Key',
			in: 'header',
			description: 'A key of the call. A repeated call with the same key gets the first answer',
			schema: { type: 'string', pattern: IDEMPOTENCY_KEY.source },
		},
		SecondFactor: {
			name: 'X-2fa-Code',
			in: 'header',
			description: 'The code of the second factor',
			schema: { type: 'string' },
		},
		SecondFactorMethod: {
			name: 'X-2fa-Method',
			in: 'header',
			description: 'The kind of the second factor',
			schema: { enum: ['totp', 'email', 'password'] },
		},
	},
	headers: RATE_HEADER_COMPONENTS,
};

/** Makes the document. */
export function openapiDocument({ methods, limits, version, pathPrefix }: DocumentOptions): Record<string, unknown> {
	const maker = new SchemaMaker('json');
	const examples = new ExampleMaker(maker.components);
	const paths: Record<string, Record<string, Operation>> = {};
	const add = (path: string, verb: string, operation: Operation) => {
		paths[path] = { ...paths[path], [verb.toLowerCase()]: operation };
	};
	for (const method of methods) {
		const { rest } = method;
		if (rest) add(pathOf(rest.path), rest.verb, operationOf(method, rest, { maker, examples, limits }));
	}
	const context = { maker, examples, limits, methods: new Map(methods.map((method) => [method.name, method])) };
	// A server without accounts has no built-in routes for logins and logouts, which have a `method`.
	const hasAccounts = context.methods.has('login');
	for (const route of ROUTES.filter(({ method }) => method === undefined || hasAccounts)) {
		for (const [verb, operation] of routeOperations(route, context)) add(route.path, verb, operation);
	}
	const operations = Object.values(paths).flatMap((path) => Object.values(path));
	const usedTags = new Set(operations.flatMap(({ tags }) => tags));
	const tagNames = [...CHAPTERS.map(([name]) => name), 'Server'].filter((name) => usedTags.has(name));
	return {
		openapi: '3.1.0',
		info: {
			title: 'Roomkey',
			version,
			summary: 'Methods over REST',
			description: DESCRIPTION,
			license: { name: 'MIT', identifier: 'MIT' },
		},
		servers: [{ url: pathPrefix || '/' }],
		tags: tagNames.map((name) => ({ name })),
		paths,
		components: {
			schemas: {
				...maker.components,
				Refusal: {
					type: 'object',
					properties: { success: { const: false }, error: { type: 'string' } },
					required: ['success', 'error'],
				},
			},
			...COMPONENTS,
		},
	};
}
