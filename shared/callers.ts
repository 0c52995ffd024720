/** Typed calls for clients. This file imports only types, so that web pages can use it too. */
import type { AnyApi, RoutesOf } from './api.js';

/**
 * A DDP client: Meteor's, `@rocket.chat/ddp-client`, `simpleddp`, `asteroid` and others. The client must have
 * `callAsync` or `call`. If it has both, `callAsync` is used.
 */
export interface DdpClient {
	// biome-ignore lint/suspicious/noExplicitAny: clients declare their parameters in many ways
	callAsync?(name: string, ...params: any[]): PromiseLike<unknown>;
	// biome-ignore lint/suspicious/noExplicitAny: clients declare their parameters in many ways
	call?(name: string, ...params: any[]): unknown;
}

/** Calls methods, with the types of an API. */
export interface Caller<Api extends AnyApi> {
	/** Rejects with the error of the DDP client. */
	call<N extends keyof Api & string>(name: N, ...params: Api[N]['params']): Promise<Api[N]['result']>;
}

/**
 * Types the calls of a DDP client.
 * @throws Error if it has neither `callAsync` nor `call`
 */
export function callerOf<Api extends AnyApi>(client: DdpClient): Caller<Api> {
	const invoke = client.callAsync ?? client.call;
	if (typeof invoke !== 'function') throw new Error('A DDP client must have a function callAsync or call');
	return { call: async (name, ...params) => (await invoke.call(client, name, ...params)) as never };
}

/** A logged-in user: the user's id, and a login token. */
export interface Credentials {
	readonly userId: string;
	readonly token: string;
}

/** An error answer over REST. */
export class RestError extends Error {
	/**
	 * @param error the code of the error, such as `error-invalid-room`; equal to `reason` if the answer has no code
	 * @param reason the text of the answer
	 */
	constructor(
		readonly status: number,
		readonly error: string | number,
		readonly reason: string,
		readonly details?: unknown,
	) {
		super(`${reason} (${status})`);
		this.name = 'RestError';
	}
}

const VERBS = ['get', 'post', 'put', 'patch', 'delete'] as const;
type VerbName = (typeof VERBS)[number];

type ArgsOfRoute<R> = R extends { args: infer A } ? (Partial<A> extends A ? [args?: A] : [args: A]) : never;
type AnswerOfRoute<R> = R extends { answer: infer A } ? A : never;

/**
 * One function for each verb. It takes the path of a route and the arguments by name, and returns the body of the
 * answer.
 */
export type RestCaller<Api extends AnyApi> = {
	readonly [V in VerbName]: <P extends keyof RoutesOf<Api, Uppercase<V>> & string>(
		path: P,
		...args: ArgsOfRoute<RoutesOf<Api, Uppercase<V>>[P]>
	) => Promise<AnswerOfRoute<RoutesOf<Api, Uppercase<V>>[P]>>;
};

export interface RestOptions {
	/** Default: the global `fetch`. */
	readonly fetch?: typeof fetch;
	/** Headers to add to every request. */
	readonly headers?: Readonly<Record<string, string>>;
	readonly signal?: AbortSignal;
}

/**
 * Typed calls over REST.
 * @param url address of the server, such as `http://127.0.0.1:3000`
 * @param credentials null: the calls are anonymous. A function is called for each request
 */
export function restCallerOf<Api extends AnyApi>(
	url: string,
	credentials: Credentials | null | (() => Credentials | null) = null,
	{ fetch: send = fetch, headers = {}, signal }: RestOptions = {},
): RestCaller<Api> {
	async function call(verb: VerbName, template: string, allArgs: Record<string, unknown> = {}): Promise<unknown> {
		const login = typeof credentials === 'function' ? credentials() : credentials;
		const { path, args } = fillPath(template, allArgs);
		const sendsQuery = verb === 'get' || verb === 'delete';
		const query = sendsQuery ? queryOf(args) : '';
		const response = await send(addressOf(url, path) + query, {
			method: verb.toUpperCase(),
			headers: {
				...headers,
				...(login && { 'x-user-id': login.userId, 'x-auth-token': login.token }),
				...(!sendsQuery && { 'content-type': 'application/json' }),
			},
			...(!sendsQuery && { body: JSON.stringify(args) }),
			...(signal && { signal }),
		});
		return readAnswer(response);
	}
	const functions = VERBS.map((verb) => [verb, call.bind(undefined, verb)] as const);
	return Object.fromEntries(functions) as unknown as RestCaller<Api>;
}

/** A path without a slash at the start is a path of the REST API. */
const addressOf = (url: string, path: string) =>
	url.replace(/\/$/, '') + (path.startsWith('/') ? path : `/api/v1/${path}`);

/** Replaces each `:name` in a path by the argument with this name. @returns the path, and the remaining arguments */
function fillPath(template: string, allArgs: Record<string, unknown>) {
	const args = { ...allArgs };
	const path = template.replace(/:(\w+)/g, (_all, name: string) => {
		const value = args[name];
		if (value === undefined) throw new TypeError(`The path ${template} needs the argument ${name}`);
		delete args[name];
		return encodeURIComponent(textOf(value));
	});
	return { path, args };
}

/** The text of an argument in a path or a query. */
function textOf(value: unknown): string {
	if (value instanceof Date) return value.toISOString();
	return typeof value === 'string' ? value : JSON.stringify(value);
}

function queryOf(args: Record<string, unknown>): string {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(args)) {
		if (value !== undefined) query.set(name, textOf(value));
	}
	const text = query.toString();
	return text === '' ? '' : `?${text}`;
}

/** Reads the body of an answer. @throws RestError for an error answer */
async function readAnswer(response: Response): Promise<unknown> {
	const text = await response.text();
	let body: Record<string, unknown> = {};
	try {
		body = (JSON.parse(text) as Record<string, unknown> | null) ?? {};
	} catch {
		// Not JSON: the answer may come from a proxy.
	}
	if (response.ok && body.success === true) return body;
	const reason = typeof body.error === 'string' ? body.error : `HTTP ${response.status}`;
	throw new RestError(response.status, (body.errorType as string | number | undefined) ?? reason, reason, body.details);
}
