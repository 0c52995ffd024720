/** Makes and sends REST answers (`test/contract/rocketchat-e2e.md` section 7). */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { BareError, type ClientError, MatchError, retryAfter, toClientError } from '../../shared/errors.js';
import { encodeInSlices, isLarge, plainJson } from '../../shared/slices.js';
import type { SecurityHeaders } from '../http/securityHeaders.js';

export interface Answer {
	readonly status: number;
	readonly body: Readonly<Record<string, unknown>>;
	readonly headers?: Readonly<Record<string, string | number>>;
}

/** Rocket.Chat's answer to missing or wrong credentials. */
export const UNAUTHORIZED: Answer = { status: 401, body: { success: false, error: 'unauthorized' } };

/** An error answer that contains only a text, without the member `errorType`. */
export function refused(status: number, error: string): Answer {
	return { status, body: { success: false, error } };
}

/** The answer to a request that has no route. */
export const NOT_FOUND: Answer = refused(404, 'Resource not found');

/** The answer to a call that begins after `InFlightCalls` was closed. */
export const SHUTTING_DOWN: Answer = refused(503, 'Server is shutting down');

/**
 * The answer to a verb that a known path does not have. `status` and `message` are Rocket.Chat's
 * (`test/contract/rocketchat-e2e.md` 7.3).
 */
export function wrongVerb(error: string): Answer {
	return { status: 405, body: { status: 'error', message: 'API endpoint does not exist', success: false, error } };
}

/**
 * The answer for a method's return value. Members of a plain object are added beside `success`; any other value is the
 * member `result`.
 */
export function succeeded(value: unknown): Answer {
	if (value === undefined) return { status: 200, body: { success: true } };
	const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
	return { status: 200, body: isPlain ? { ...value, success: true } : { result: value, success: true } };
}

/**
 * The status of error codes whose answers contain only a text (`test/contract/rocketchat-e2e.md` 7.3). Other codes get 400,
 * unless a `BareError` has a status of its own.
 */
const STATUS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
	['unauthorized', 403],
	['error-unauthorized', 403],
	['error-too-many-requests', 429],
	['too-many-requests', 429],
	[500, 500],
	[503, 503],
]);

/** Rocket.Chat's text for status 429 (`test/contract/rocketchat-e2e.md` 7.4). */
function rateLimitText({ reason = '' }: ClientError): string {
	return `${reason.replace('before trying again', 'before trying this endpoint again')} [error-too-many-requests]`;
}

function textOf(error: ClientError, status: number): string {
	if (status === 429) return rateLimitText(error);
	return status >= 500 ? (error.reason ?? error.message) : error.message;
}

/** Headers that say when to try again, if known. */
export function retryHeaders(error: ClientError): Pick<Answer, 'headers'> {
	const seconds = retryAfter(error);
	return seconds === undefined ? {} : { headers: { 'retry-after': seconds } };
}

/** The answer for an error of a method. It shows the text of a match error, unlike an answer over DDP. */
export function failed(thrown: unknown): Answer {
	if (thrown instanceof MatchError) return refused(400, thrown.message);
	const clientError = toClientError(thrown);
	const { error: code, details, message } = clientError;
	const status = STATUS.get(code);
	if (clientError instanceof BareError) return refused(clientError.status ?? status ?? 400, String(code));
	if (status !== undefined) return { ...refused(status, textOf(clientError, status)), ...retryHeaders(clientError) };
	const body = { success: false, error: message, errorType: code };
	return { status: 400, body: details === undefined ? body : { ...body, details } };
}

const ANSWER_HEADERS = ['content-type', 'application/json', 'cache-control', 'no-store', 'pragma', 'no-cache'] as const;

/**
 * The headers of an answer, as a list of names and values. Node writes a list with less work than an object: a call takes
 * 7 % less CPU.
 */
function headersOf(reply: FastifyReply, { headers }: Answer, length: number): (string | number | string[])[] {
	const list: (string | number | string[])[] = [...reply.server.securityHeaderList, ...ANSWER_HEADERS];
	list.push('content-length', length);
	addHeaders(list, reply.getHeaders());
	if (headers) addHeaders(list, headers);
	return list;
}

function addHeaders(
	list: (string | number | string[])[],
	headers: Readonly<Record<string, number | string | string[] | undefined>>,
): void {
	for (const name in headers) {
		const value = headers[name];
		if (value !== undefined) list.push(name, value);
	}
}

/** Sends an answer to a request that fastify does not handle. */
export function sendRaw(response: ServerResponse, { status, body }: Answer, headers: SecurityHeaders): void {
	response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/**
 * Sends an answer of any length. A large answer is encoded in slices, and written no faster than the client reads it.
 * @throws TypeError for a body that JSON cannot represent
 */
export async function sendInSlices(reply: FastifyReply, answer: Answer): Promise<void> {
	if (!isLarge(answer.body)) return void send(reply, answer);
	const parts = await encodeInSlices(answer.body, plainJson, (text) => Buffer.from(text));
	const length = parts.reduce((sum, part) => sum + part.length, 0);
	const { raw } = reply;
	reply.hijack();
	raw.writeHead(answer.status, headersOf(reply, answer, length));
	for (const part of parts) {
		if (raw.destroyed) return;
		if (!raw.write(part)) await whenDrained(raw, reply.server.server.requestTimeout);
	}
	raw.end();
}

/**
 * Resolves when the buffer of a response is empty, or its client has disconnected. After `timeout` ms, disconnects a client
 * that has not read the buffer, because the rest of the answer occupies memory.
 */
function whenDrained(response: ServerResponse, timeout: number): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(() => response.destroy(), timeout);
		const end = () => {
			clearTimeout(timer);
			response.off('drain', end).off('close', end);
			resolve();
		};
		response.on('drain', end).on('close', end);
	});
}

/**
 * Sends an answer without fastify's `send`. For a text, fastify adds a charset to the content type, which Rocket.Chat's
 * tests refuse. For a Buffer, fastify needs a second write, and a request takes 50 % longer.
 * @throws TypeError for a body that JSON cannot represent
 */
export function send(reply: FastifyReply, answer: Answer): FastifyReply {
	const text = JSON.stringify(answer.body);
	reply.hijack();
	const { raw } = reply;
	raw.writeHead(answer.status, headersOf(reply, answer, Buffer.byteLength(text)));
	// `end(text)` would pass the socket an additional empty chunk, and a call would take 9 % more CPU.
	raw.write(text);
	raw.socket?.uncork();
	raw.end();
	return reply;
}
