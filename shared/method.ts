/** A method: defined once, called over DDP, over REST and as a function. */
import type { MethodContext } from './context.js';
import { checkDefinition, DefinitionError, type MemberRules, required, rules } from './definition.js';
import { ArgumentError, type ErrorName, isErrorName } from './errors.js';
import { isObject } from './isObject.js';
import type { Limit } from './limit.js';
import { type AnyMatcher, OptionalMatcher } from './matcher.js';
import { compile, compileKeys, type Infer, type Pattern } from './pattern.js';
import type { InputOf, ParamsOf, Signature, signature } from './signature.js';

export type * from './context.js';

/** Where REST offers a method. */
export interface RestRoute {
	readonly verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	/** Below `/api/v1/`, unless it begins with a slash. Path parameters such as `:id` are arguments. */
	readonly path: string;
	/** True: the REST answer contains only `success`, and not the result. */
	readonly empty?: boolean;
	/**
	 * `object`: the whole body is the only argument. Default: each member of the body is an argument. Like `maxBody`,
	 * only for POST, PUT and PATCH.
	 */
	readonly body?: 'object';
	/** The error for a member that is no argument. Default: `invalid-params`, which names the member. */
	readonly unknownField?: ErrorName;
	/**
	 * Maximum size of the body, in bytes, if larger than the server's maximum. Only logged-in callers may send such
	 * bodies, unless the method is `anonymous`.
	 */
	readonly maxBody?: number;
}

export type Patterns = Readonly<Record<string, Pattern>>;

type MayBeAbsent<P extends Patterns> = { [K in keyof P]: undefined extends Infer<P[K]> ? K : never }[keyof P];

/** The arguments that `run` receives. An argument whose pattern admits undefined may be absent. */
export type Args<P extends Patterns> = { [K in Exclude<keyof P, MayBeAbsent<P>>]: Infer<P[K]> } & {
	[K in MayBeAbsent<P>]?: Infer<P[K]>;
};

/** The `error` of a `ClientError`. */
export type ErrorCode = string | number;

type Rest = RestRoute['verb'] | RestRoute;

/** The definition of a method. */
export interface MethodDefinition<
	P extends Patterns,
	Anonymous extends boolean,
	Name extends string = string,
	Result = unknown,
	Order extends readonly string[] = readonly string[],
	Route extends Rest | undefined = Rest | undefined,
> {
	/** Name in DDP, such as `e2e.setRoomKeyID`. */
	name: Name;
	/** A pattern for each argument, in the order of DDP. REST sends arguments by name. */
	args: P;
	/**
	 * The names of the arguments in order, for the types of DDP callers (`ApiOf`). TypeScript does not know the order
	 * of keys.
	 */
	params?: Order;
	/** The REST route, or only its verb for the path `/api/v1/<name>`. Absent: not offered by REST. */
	rest?: Route;
	/** One line for people. */
	summary: string;
	/** Pattern of the result; `Nothing` for no value. Only for the documentation. Default: unknown. */
	returns?: Pattern;
	/** Codes of errors, beside `commonErrors`. Only for the documentation. */
	errors?: readonly ErrorCode[];
	/** True: callers who are not logged in may call it too. Default false: they get `error-invalid-user`. */
	anonymous?: Anonymous;
	/** Time limit in ms, after which the caller gets `error-timeout`. Default 30,000. */
	timeout?: number;
	/** True: the method changes nothing, so calls do not wait for earlier messages of the connection. Default false. */
	parallel?: boolean;
	/**
	 * True: a server with `--read-only` refuses the method. False: it refuses only the method's writes. Default: true,
	 * unless `parallel`.
	 */
	writes?: boolean;
	/** True: the method may change the user of the connection, so later messages wait for its end. Default false. */
	changesUser?: boolean;
	/**
	 * True: the method may require a second factor. A DDP client sends it after the last argument: `{twoFactorCode,
	 * twoFactorMethod}`. Default false.
	 */
	secondFactor?: boolean;
	/** How often one user may call it, or one address without a login. Default: unlimited. */
	limit?: Limit;
	/**
	 * True: the method is idempotent. A call that is repeated because its answer was lost gets the first answer
	 * (`test/contract/beyond.md` E1). A disconnection does not abort a call. Default false.
	 */
	once?: boolean;
	/**
	 * True: each call is logged at `info` as an audit event, with its outcome, the ids in its arguments and those of
	 * `context.audit`. Default false.
	 */
	audit?: boolean;
	/** A `ClientError` is sent to the caller. Any other error becomes 500. */
	run(
		args: Args<P>,
		context: MethodContext & { readonly userId: Anonymous extends true ? string | null : string },
	): Result;
}

/** A defined method, without its argument types. */
export interface Method {
	readonly name: string;
	readonly summary: string;
	readonly rest: RestRoute | undefined;
	readonly anonymous: boolean;
	readonly timeout: number;
	readonly parallel: boolean;
	readonly writes: boolean;
	readonly changesUser: boolean;
	readonly secondFactor: boolean;
	readonly once: boolean;
	readonly audit: boolean;
	readonly limit: Limit | undefined;
	readonly returns: AnyMatcher | undefined;
	readonly errors: readonly ErrorCode[] | undefined;
	/** Names and matchers of the arguments, in order. */
	readonly args: readonly (readonly [name: string, matcher: AnyMatcher])[];
	run(args: Record<string, unknown>, context: MethodContext): unknown;
}

/** Carries the types of a method, for the compiler. */
export interface TypedMethod<S extends Signature = Signature> extends Method {
	readonly [signature]?: S;
}

/**
 * The codes that `errors` of a definition need not list.
 * @param isLimited whether the definition or a rule of the server limits its calls
 */
export function commonErrors(method: Omit<Method, 'run'>, isLimited = method.limit !== undefined): ErrorCode[] {
	return [
		...(method.args.length > 0 ? [400] : []),
		...(method.anonymous ? [] : ['error-invalid-user']),
		...(isLimited ? ['too-many-requests'] : []),
		...(method.once ? ['error-idempotency-mismatch', 'error-idempotency-answer-too-large'] : []),
		...(method.secondFactor ? ['totp-required', 'totp-invalid', 'totp-max-attempts', 'too-many-requests'] : []),
		'error-timeout',
		500,
	];
}

/** Default time limit of methods and publications, in ms. */
export const DEFAULT_TIMEOUT = 30_000;

const VERBS: ReadonlySet<unknown> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Verbs with arguments in the body. Others have them in the query. */
export const VERBS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

const ROUTE: MemberRules<keyof RestRoute> = {
	verb: required({ form: `one of ${[...VERBS].join(', ')}`, accepts: (value) => VERBS.has(value) }),
	path: required(rules.name),
	empty: rules.flag,
	body: { form: "'object'", accepts: (value) => value === 'object' },
	unknownField: { form: 'the name of an error of shared/errorTable.ts', accepts: isErrorName },
	maxBody: { form: 'a number of bytes', accepts: (value) => typeof value === 'number' && value > 0 },
};

const MEMBERS: MemberRules<keyof MethodDefinition<Patterns, boolean>> = {
	name: required(rules.name),
	summary: required(rules.text),
	args: required(rules.patterns),
	params: { form: 'a list of the names of the arguments', accepts: Array.isArray },
	rest: {
		form: `a verb or { verb, path }; a verb is one of ${[...VERBS].join(', ')}`,
		accepts: (value) => VERBS.has(value) || isObject(value),
	},
	returns: rules.any,
	errors: {
		form: 'a list of error codes',
		accepts: (value) =>
			Array.isArray(value) && value.every((code) => typeof code === 'string' || typeof code === 'number'),
	},
	anonymous: rules.flag,
	timeout: rules.timeout,
	parallel: rules.flag,
	writes: rules.flag,
	changesUser: rules.flag,
	audit: rules.flag,
	secondFactor: rules.flag,
	limit: rules.limit,
	once: rules.flag,
	run: required(rules.function),
};

export const pathParameters = (path: string): string[] => Array.from(path.matchAll(/:(\w+)/g), ([, name = '']) => name);

/** @throws DefinitionError, also for members that do not fit each other or the arguments */
function checkRoute(method: string, route: RestRoute, args: Patterns): void {
	checkDefinition('the REST route of method', route, ROUTE, method);
	const { verb, path, body, unknownField, maxBody } = route;
	const fail = (text: string) => {
		throw new DefinitionError(text);
	};
	if (!VERBS_WITH_BODY.has(verb)) {
		const member = body ? "body: 'object'" : maxBody !== undefined && 'maxBody';
		if (member) fail(`${member} of the REST route of method '${method}' needs a verb with a body: POST, PUT or PATCH`);
	}
	const parameters = pathParameters(path);
	if (body) {
		const label = `body: 'object' of the REST route of method '${method}'`;
		if (Object.keys(args).length !== 1) fail(`${label} needs exactly one argument, which is the body`);
		if (parameters.length > 0) fail(`${label} does not go with the path ${path}: the body is the only argument`);
		if (unknownField) fail(`${label} does not go with unknownField: the pattern of the argument decides`);
	}
	for (const parameter of parameters) {
		if (Object.hasOwn(args, parameter)) continue;
		fail(`The path ${path} of method '${method}' has the parameter '${parameter}', which is not in args`);
	}
}

/** Defines a method. @throws DefinitionError, also if `params` are not the names of the arguments in order */
export function method<
	const P extends Patterns,
	const Anonymous extends boolean = false,
	const Name extends string = string,
	Result = unknown,
	const Order extends readonly (keyof P & string)[] = readonly (keyof P & string)[],
	const Route extends Rest | undefined = undefined,
>(
	definition: MethodDefinition<P, Anonymous, Name, Result, Order, Route>,
): TypedMethod<{ name: Name; params: ParamsOf<P, Order>; args: InputOf<P>; result: Awaited<Result>; rest: Route }> {
	checkDefinition('method', definition, MEMBERS);
	const { name, summary, limit, returns, errors, args, params, run } = definition;
	const rest: Rest | undefined = definition.rest;
	if (typeof rest === 'object') checkRoute(name, rest, args);
	if (params && params.join() !== Object.keys(args).join()) {
		throw new DefinitionError(`The params of method '${name}' must be ${Object.keys(args).join(', ')}, as in args`);
	}
	const { anonymous = false, timeout = DEFAULT_TIMEOUT, parallel = false, changesUser = false } = definition;
	const { once = false, secondFactor = false, audit = false, writes = !parallel } = definition;
	return Object.freeze({
		name,
		summary,
		rest: typeof rest === 'string' ? { verb: rest, path: name } : rest,
		anonymous,
		timeout,
		parallel,
		writes,
		changesUser,
		secondFactor,
		once,
		audit,
		limit,
		returns: returns === undefined ? undefined : compile(returns),
		errors,
		args: [...compileKeys(args)],
		// `invoke` checks the arguments and requires a user before it runs the method.
		run: run as unknown as Method['run'],
	});
}

/**
 * Checks and converts arguments. Surplus arguments are ignored. JSON has no undefined, so null stands for an omitted
 * argument, unless the pattern accepts null.
 * @throws ArgumentError for the first argument that does not match
 */
export function checkArgs({ args }: Pick<Method, 'args'>, params: readonly unknown[]): Record<string, unknown> {
	const checked: Record<string, unknown> = {};
	let i = 0;
	for (const [name, matcher] of args) {
		const value = params[i++];
		const fault = matcher.fault(value);
		if (!fault) checked[name] = matcher.convert ? matcher.convert(value) : value;
		else if (value === null && !matcher.fault(undefined)) checked[name] = matcher.convert?.(undefined);
		else {
			// The fault of the inner pattern is reported, as for an optional key of an object.
			const innerFault = matcher instanceof OptionalMatcher ? matcher.inner.fault(value) : null;
			const { text, path } = innerFault ?? fault;
			throw new ArgumentError(name, text, path);
		}
	}
	return checked;
}
