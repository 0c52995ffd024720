/** Handles the requests to REST routes. */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findTokenHolder, hashToken } from '../../methods/model/users/tokens.js';
import { clientError, isClientSafe, MatchError } from '../../shared/errors.js';
import { type RestRoute, type SecondFactor, VERBS_WITH_BODY } from '../../shared/method.js';
import type { Caller, IdempotencyKey } from '../core/caller.js';
import type { Services } from '../core/invocation.js';
import type { RateLimitResult } from '../core/limits/counters.js';
import type { WrongToken } from '../core/observer.js';
import { type Answer, failed, refused, SHUTTING_DOWN, send, sendInSlices, UNAUTHORIZED } from './envelope.js';
import type { InFlightCalls } from './inFlightCalls.js';

/** What a route needs to answer a request. */
export interface RestRequest {
	/** The body of a POST, PUT or PATCH; the query of a GET or DELETE. `{}` if there is none. */
	readonly fields: unknown;
	readonly isQuery: boolean;
	/** Whether `fields` is a query or a form: each value is a text, or a list of texts. */
	readonly isUrlEncoded: boolean;
	readonly pathParams: Readonly<Record<string, string>>;
	readonly caller: RestCaller;
	/** The login token as the client sent it, not hashed. */
	readonly token: unknown;
}

export interface Route {
	/** Undefined for a built-in route. */
	readonly method?: string;
	/** Below `/api/v1/`, unless it begins with a slash. */
	readonly path: string;
	readonly verbs: readonly RestRoute['verb'][];
	/**
	 * Whether the caller must be logged in. `optional`: with wrong credentials the caller counts as not logged in.
	 * `ignored`: the credentials are not read, so that old ones do not prevent a new login.
	 */
	readonly credentials: 'required' | 'optional' | 'ignored';
	/** Whether users without a user name may use the route (`test/contract/rocketchat-e2e.md` 7.2). Default false. */
	readonly allowsUsersWithoutName?: boolean;
	/**
	 * Maximum size of a body from a caller with the right credentials, in bytes. A value below the server's limit has no
	 * effect.
	 */
	readonly maxBody?: number | undefined;
	answer(request: RestRequest): Promise<Answer>;
}

/** Headers with the state of the rate limit (`test/contract/rocketchat-e2e.md` 7.4). The reset is in epoch ms. */
function rateLimitHeaders({ limit, remaining, timeToReset }: RateLimitResult): Record<string, number> {
	return {
		'X-RateLimit-Limit': limit,
		'X-RateLimit-Remaining': remaining,
		'X-RateLimit-Reset': Date.now() + timeToReset,
	};
}

interface Identity extends Pick<Caller, 'userId' | 'hashedToken'> {
	readonly hasNoUsername: boolean;
}

const ANONYMOUS: Identity = { userId: null, hashedToken: null, hasNoUsername: false };

/** Finds the user of a request. @returns null if credentials are missing; a string with the reason if they are wrong */
async function authenticate(
	headers: IncomingHttpHeaders,
	services: Services,
): Promise<Identity | WrongToken['reason'] | null> {
	const userId = headers['x-user-id'];
	const token = headers['x-auth-token'];
	if (typeof userId !== 'string' || typeof token !== 'string' || userId === '' || token === '') return null;
	const hashedToken = hashToken(token);
	const holder = await findTokenHolder(services.store, hashedToken, userId);
	if (typeof holder === 'string') return holder;
	return { userId, hashedToken, hasNoUsername: !holder.user.username };
}

/** The caller of a method over REST. */
export class RestCaller implements Caller {
	readonly userId: string | null;
	readonly hashedToken: string | null;
	readonly connection = null;
	readonly transport = 'rest';
	#signal: AbortSignal | undefined;

	constructor(
		{ userId, hashedToken }: Pick<Caller, 'userId' | 'hashedToken'>,
		readonly clientAddress: string | null,
		readonly idempotencyKey: IdempotencyKey | undefined,
		readonly secondFactor: SecondFactor | undefined,
		private readonly reply: FastifyReply,
		private readonly calls: InFlightCalls,
	) {
		this.userId = userId;
		this.hashedToken = hashedToken;
	}

	/** The same caller, with the second factor from the message of a `method.call`. */
	withSecondFactor(secondFactor: SecondFactor): RestCaller {
		return new RestCaller(this, this.clientAddress, this.idempotencyKey, secondFactor, this.reply, this.calls);
	}

	get headers(): Readonly<Record<string, unknown>> {
		return this.reply.request.headers;
	}

	get requestId(): string {
		return this.reply.request.id;
	}

	/** Created on first use, because most methods do not need the signal. */
	get signal(): AbortSignal {
		this.#signal ??= this.calls.createSignal(this.reply.raw);
		return this.#signal;
	}

	/** A change of user has no effect over REST: the next request has its own credentials. */
	setUserId(): void {}

	onRateLimit(result: RateLimitResult): void {
		this.reply.headers(rateLimitHeaders(result));
	}
}

function hasCredentials({ headers }: FastifyRequest): boolean {
	return headers['x-user-id'] !== undefined || headers['x-auth-token'] !== undefined;
}

/** The caller's identity; null if the route requires credentials and those of the request are missing or wrong. */
async function identityOf(
	request: FastifyRequest,
	route: Route,
	services: Services,
	addressOf: RequestOptions['addressOf'],
): Promise<Identity | null> {
	if (route.credentials === 'ignored') return ANONYMOUS;
	const fallback = route.credentials === 'optional' ? ANONYMOUS : null;
	const identityOrReason = hasCredentials(request) ? await authenticate(request.headers, services) : null;
	if (typeof identityOrReason !== 'string') return identityOrReason ?? fallback;
	services.observer?.onWrongToken({
		path: route.path,
		reason: identityOrReason,
		claimedUserId: String(request.headers['x-user-id']),
		clientAddress: addressOf(request.raw),
		requestId: request.id,
	});
	return fallback;
}

/** Whether a request has the credentials that the route requires. */
export async function isAuthorized(
	request: FastifyRequest,
	route: Route,
	services: Services,
	{ addressOf }: Pick<RequestOptions, 'addressOf'>,
): Promise<boolean> {
	// On other routes, `answerRequest` reports wrong credentials. A check here would report them twice.
	if (route.credentials !== 'required') return true;
	return (await identityOf(request, route, services, addressOf)) !== null;
}

/** The valid values of the header `Idempotency-Key` (`test/contract/beyond.md` E1). */
export const IDEMPOTENCY_KEY = /^[!-~]{1,128}$/;

/** The idempotency key of a request; undefined without the header, null if it is invalid. */
function idempotencyKeyOf({ headers }: FastifyRequest): IdempotencyKey | undefined | null {
	const idempotencyKey = headers['idempotency-key'];
	if (idempotencyKey === undefined) return undefined;
	const isValid = typeof idempotencyKey === 'string' && IDEMPOTENCY_KEY.test(idempotencyKey);
	// The keys of DDP calls do not begin with the word `key`.
	return isValid ? { key: `key ${idempotencyKey}`, session: null } : null;
}

function secondFactorOf({ headers }: FastifyRequest): SecondFactor | undefined {
	const { 'x-2fa-code': code, 'x-2fa-method': method } = headers;
	return typeof code === 'string' ? { code, method: typeof method === 'string' ? method : null } : undefined;
}

/** Whether the percent-encoding of a URL is valid. The query parser would take an invalid escape as text. */
function isDecodable(url: string): boolean {
	try {
		decodeURIComponent(url);
		return true;
	} catch {
		return false;
	}
}

/** The content type of a form. */
export const FORM = 'application/x-www-form-urlencoded';

/** The answer of a route, also for an error that the client may see. @throws all other errors */
async function answerOf(route: Route, request: RestRequest): Promise<Answer> {
	try {
		return await route.answer(request);
	} catch (thrown) {
		if (isClientSafe(thrown) || thrown instanceof MatchError) return failed(thrown);
		throw thrown;
	}
}

export interface RequestOptions {
	addressOf(request: FastifyRequest['raw']): string | null;
	readonly calls: InFlightCalls;
	/**
	 * Whether users without a user name are refused, as in Rocket.Chat (`test/contract/rocketchat-e2e.md` 7.2). Default
	 * true.
	 */
	readonly usernameRequired?: boolean | undefined;
}

/**
 * Answers a request to a route. Does not return `reply`: fastify would wait for this thenable, and add listeners to each
 * response.
 * @throws internal errors
 */
export async function answerRequest(
	request: FastifyRequest,
	reply: FastifyReply,
	route: Route,
	pathParams: Readonly<Record<string, string>>,
	services: Services,
	{ addressOf, calls, usernameRequired = true }: RequestOptions,
): Promise<void> {
	if (calls.isClosed) return void send(reply, SHUTTING_DOWN);
	calls.begin(reply.raw);
	try {
		const identity = await identityOf(request, route, services, addressOf);
		if (!identity) return void send(reply, UNAUTHORIZED);
		if (usernameRequired && identity.hasNoUsername && !route.allowsUsersWithoutName) {
			return void send(reply, failed(clientError('namelessCaller')));
		}
		const idempotencyKey = idempotencyKeyOf(request);
		if (idempotencyKey === null) return void send(reply, failed(clientError('invalidIdempotencyKey')));
		const isQuery = !VERBS_WITH_BODY.has(request.method);
		if (isQuery && !isDecodable(request.url)) return void send(reply, refused(400, 'Invalid query parameters'));
		const caller = new RestCaller(
			identity,
			addressOf(request.raw),
			idempotencyKey,
			secondFactorOf(request),
			reply,
			calls,
		);
		const fields = (isQuery ? request.query : request.body) ?? {};
		const isForm = !isQuery && request.headers['content-type']?.toLowerCase().startsWith(FORM) === true;
		// By default `curl -d` sends JSON as a form. The name of its first field then begins with the brace.
		const isJsonAsForm = isForm && Object.keys(fields)[0]?.trimStart().startsWith('{');
		if (isJsonAsForm) {
			return void send(
				reply,
				refused(400, 'The body is JSON, sent as a form: send the header Content-Type: application/json'),
			);
		}
		const token = request.headers['x-auth-token'];
		const isUrlEncoded = isQuery || isForm;
		await sendInSlices(reply, await answerOf(route, { fields, isQuery, isUrlEncoded, pathParams, caller, token }));
	} finally {
		calls.end(reply.raw);
	}
}
