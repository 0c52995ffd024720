/** What REST answers: status and body of every outcome (`test/contract/rocketchat-e2e.md` section 7, DESIGN section 1). */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { BareError, type ClientError, MatchError, retryAfter, toClientError } from '../../shared/errors.js';

export interface Answer {
	readonly status: number;
	readonly body: Readonly<Record<string, unknown>>;
	/** Beside those of every answer. */
	readonly headers?: Readonly<Record<string, string | number>>;
}

/** The seed's answer to missing or wrong credentials. */
export const UNAUTHORIZED: Answer = { status: 401, body: { success: false, error: 'unauthorized' } };

/** A refusal without a code. */
export function refused(status: number, error: string): Answer {
	return { status, body: { success: false, error } };
}

/** A known path with another verb: what Rocket.Chat says (7.3), and beside it what all other refusals have. */
export function wrongVerb(error: string): Answer {
	return { status: 405, body: { status: 'error', message: 'API endpoint does not exist', success: false, error } };
}

/** What a method returned. Members of an object stand beside `success`; any other value stands under `result`. */
export function succeeded(value: unknown): Answer {
	if (value === undefined) return { status: 200, body: { success: true } };
	// Other objects, such as a Date, are values of their own.
	const hasMembers = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
	return { status: 200, body: hasMembers ? { ...value, success: true } : { result: value, success: true } };
}

/** Codes with a status of their own; their bodies hold no more than the text (7.3). Every other refusal is a 400. */
const STATUS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
	['unauthorized', 403],
	['error-unauthorized', 403],
	['error-too-many-requests', 429],
	['too-many-requests', 429],
	[500, 500],
	[503, 503],
]);

/** Rocket.Chat has words and a code of its own for what DDP calls `too-many-requests` (7.4). */
function rateLimitText({ reason = '' }: ClientError): string {
	return `${reason.replace('before trying again', 'before trying this endpoint again')} [error-too-many-requests]`;
}

/** The text of an answer that has no more than that. */
function textOf(error: ClientError, status: number): string {
	if (status === 429) return rateLimitText(error);
	return status >= 500 ? (error.reason ?? error.message) : error.message;
}

/** Headers that tell when to try again, where that is known. */
export function retryHeaders(error: ClientError): Pick<Answer, 'headers'> {
	const seconds = retryAfter(error);
	return seconds === undefined ? {} : { headers: { 'retry-after': seconds } };
}

/** What a method threw. A match error shows its text here, and only here. */
export function failed(thrown: unknown): Answer {
	if (thrown instanceof MatchError) return refused(400, thrown.message);
	const safe = toClientError(thrown);
	const { error, details, message } = safe;
	const status = STATUS.get(error);
	if (safe instanceof BareError) return refused(safe.status ?? status ?? 400, String(error));
	if (status !== undefined) return { ...refused(status, textOf(safe, status)), ...retryHeaders(safe) };
	const body = { success: false, error: message, errorType: error };
	return { status: 400, body: details === undefined ? body : { ...body, details } };
}

/**
 * Sends an answer, past fastify: it would add a charset, which Rocket.Chat's own tests refuse, unless it were given
 * bytes; and those leave in a second piece, which costs half as much again as the whole request.
 * @throws TypeError for a body that JSON cannot hold
 */
export function send(reply: FastifyReply, { status, body, headers }: Answer): FastifyReply {
	const text = JSON.stringify(body);
	reply.hijack();
	reply.raw.writeHead(status, {
		...(reply.getHeaders() as OutgoingHttpHeaders),
		...headers,
		'content-type': 'application/json',
		'cache-control': 'no-store',
		pragma: 'no-cache',
		'content-length': Buffer.byteLength(text),
	});
	reply.raw.end(text);
	return reply;
}
