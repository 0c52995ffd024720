/**
 * Client-safe errors, and the conversion of other errors for clients (`test/contract/ddp.md` section 8,
 * `test/contract/check.md` section 2).
 */
import { type ErrorRow, methodErrors, otherErrors, valueErrors } from './errorTable.js';

/** An error meant for the client: its code, reason and details are sent unchanged. */
export class ClientError extends Error {
	readonly isClientSafe = true;
	readonly errorType = 'Meteor.Error';

	/** @param error code for programs @param reason sentence for people @param details plain JSON for programs */
	constructor(
		readonly error: string | number,
		readonly reason?: string,
		readonly details?: unknown,
	) {
		// A stack trace is slow to capture, and not needed for the client's mistake.
		const { stackTraceLimit } = Error;
		Error.stackTraceLimit = 0;
		super(reason ? `${reason} [${error}]` : `[${error}]`);
		Error.stackTraceLimit = stackTraceLimit;
	}
}

/** An error of a method. The invoker adds the name of the called method to its details. */
export class MethodError extends ClientError {
	forMethod(method: string): ClientError {
		return new ClientError(this.error, this.reason, { method, ...(this.details as object | undefined) });
	}
}

/** An error of which REST shows only the code, as Rocket.Chat does for endpoints without a method. */
export class BareError extends ClientError {
	/** The HTTP status. Default: the status of the code (`server/rest/envelope.ts`). */
	declare readonly status?: number | undefined;

	constructor(error: string | number, reason?: string, details?: unknown, status?: number) {
		super(error, reason, details);
		// Not enumerable, so that it is neither compared nor serialized.
		if (status !== undefined) Object.defineProperty(this, 'status', { value: status });
	}
}

export type ErrorName = keyof typeof methodErrors | keyof typeof otherErrors;

const errorTable: Readonly<Record<ErrorName, ErrorRow>> = { ...methodErrors, ...otherErrors };

/** Whether a value names an error of the tables. */
export const isErrorName = (value: unknown): value is ErrorName =>
	typeof value === 'string' && Object.hasOwn(errorTable, value);

/** Makes the error of this name. */
export function clientError(name: ErrorName, details?: object): ClientError {
	const { error, reason, bare, status } = errorTable[name];
	if (bare) return new BareError(error, reason, details, status);
	return name in methodErrors ? new MethodError(error, reason, details) : new ClientError(error, reason, details);
}

/** Makes the error of this name, with the value in its text. */
export function clientErrorFrom(name: keyof typeof valueErrors, value: string, details?: object): ClientError {
	const { error, reason } = valueErrors[name];
	return new MethodError(error, reason(value), details);
}

/** One instance of each error in `methodErrors` and `otherErrors`. */
export function errorInstances(): ClientError[] {
	return (Object.keys(errorTable) as ErrorName[]).map((name) => clientError(name));
}

const TOO_MANY_REQUESTS = 'too-many-requests';

/** The errors of all tables, and that of rate limits, for the documentation. A value in a text is shown as `…`. */
export function knownErrors(): { readonly error: string | number; readonly reason: string }[] {
	return [
		...Object.values(errorTable).map(({ error, reason = '' }) => ({ error, reason })),
		...Object.values(valueErrors).map(({ error, reason }) => ({ error, reason: reason('…') })),
		{
			error: TOO_MANY_REQUESTS,
			reason: 'Error, too many requests. Please slow down. You must wait … seconds before trying again.',
		},
	];
}

/** Default of `retryAfter` for a 503. */
const RETRY_UNAVAILABLE_S = 5;

const transientCodes: ReadonlySet<unknown> = new Set([
	TOO_MANY_REQUESTS,
	...Object.values(errorTable).flatMap(({ error, transient }) => (transient ? [error] : [])),
]);

/** Whether the same call may succeed later, for example with another second factor code. */
export function isTransient({ error }: ClientError): boolean {
	return transientCodes.has(error);
}

/**
 * The error of a call that a rate limit refuses (`test/contract/ddp.md` section 14).
 * @param timeToReset in ms
 * @param reason in place of the usual sentence
 */
export function tooManyRequests(timeToReset: number, reason?: string): ClientError {
	const seconds = Math.ceil(timeToReset / 1000);
	return new ClientError(
		TOO_MANY_REQUESTS,
		reason ?? `Error, too many requests. Please slow down. You must wait ${seconds} seconds before trying again.`,
		{ timeToReset },
	);
}

/** Seconds after which a refused call should be repeated; undefined if unknown. */
export function retryAfter({ error, details }: ClientError): number | undefined {
	if (error !== 503 && error !== TOO_MANY_REQUESTS) return undefined;
	const timeToReset = (details as { timeToReset?: unknown } | undefined)?.timeToReset;
	if (typeof timeToReset === 'number') return Math.ceil(timeToReset / 1000);
	return error === 503 ? RETRY_UNAVAILABLE_S : undefined;
}

/** Whether a login was refused because too many users log in. */
export function isTooManyLogins({ error, reason }: ClientError): boolean {
	return error === 503 && reason === otherErrors.tooManyLogins.reason;
}

/** The store does not answer or can no longer be written. The message is for the log: clients receive `unavailable`. */
export class StoreUnavailableError extends Error {}

/** The 404 of an unknown method or subscription (`test/contract/ddp.md` section 8). */
export function notFound(kind: 'Method' | 'Subscription', name: string): ClientError {
	return new ClientError(404, `${kind} '${name}' not found`);
}

/** Thrown by `check`. Only REST shows the message. DDP sends `sanitizedError`. */
export class MatchError extends Error {
	readonly path: string;
	readonly sanitizedError: ClientError;
	readonly errorType = 'Match.Error';

	/** @param text without the prefix @param path such as `a[0].b`; `""` for the value itself */
	constructor(text: string, path = '') {
		super();
		this.message = `Match error: ${text}${path === '' ? '' : ` in field ${path}`}`;
		this.path = path;
		this.sanitizedError = clientError('matchFailed');
		// Enumerable, as in Meteor (`test/contract/check.md` section 2).
		Object.defineProperty(this, 'message', { enumerable: true });
	}
}

/** Thrown where an argument does not match its pattern. The log names the argument. */
export class ArgumentError extends MatchError {
	readonly #argument: string;

	constructor(argument: string, text: string, path: string) {
		super(text, path);
		this.#argument = argument;
	}

	get argument(): string {
		return this.#argument;
	}
}

/** Whether clients may see a thrown value. They may not if it cannot be read, such as a revoked Proxy. */
export function isClientSafe(value: unknown): value is ClientError {
	try {
		return typeof value === 'object' && value !== null && (value as ClientError).isClientSafe === true;
	} catch {
		return false;
	}
}

/** Adds a cause, for the program and its tests. No transport sends it. */
export function withCause(error: ClientError, cause: unknown): ClientError {
	return Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}

/**
 * Converts any thrown value to the error that a client receives. No stack, driver message or secret reaches a client.
 * If neither the value nor its `sanitizedError` is for clients, the value becomes the `cause` of a new error.
 */
export function toClientError(thrown: unknown): ClientError {
	try {
		return convert(thrown);
	} catch {
		// The value cannot be read, for example because a getter throws.
		return clientError('internal');
	}
}

function convert(thrown: unknown): ClientError {
	if (thrown instanceof StoreUnavailableError) return withCause(clientError('unavailable'), thrown);
	const safe = isClientSafe(thrown)
		? thrown
		: (thrown as { sanitizedError?: unknown } | null | undefined)?.sanitizedError;
	if (!isClientSafe(safe)) return withCause(clientError('internal'), thrown);
	// Any object with `isClientSafe` is client-safe, as in Meteor. Only its three fields are sent.
	return safe instanceof ClientError
		? safe
		: new ClientError((safe as ClientError).error, (safe as ClientError).reason, (safe as ClientError).details);
}
