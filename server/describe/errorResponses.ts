/** Describes the error answers of REST. */
import { BareError, ClientError, errorInstances, knownErrors } from '../../shared/errors.js';
import { commonErrors, type ErrorCode, type Method } from '../../shared/method.js';
import { failed } from '../rest/envelope.js';
import type { JsonSchema } from './schema.js';

/**
 * Codes of errors that routes answer without calling a method. Every route is described with all of them, but may have
 * only some.
 */
const ROUTE_ERRORS: readonly ErrorCode[] = [
	'error-invalid-idempotency-key',
	'error-invalid-params',
	'invalid-params',
	'error-unauthorized',
	503,
];

interface RestError extends DescribedError {
	/** Whether the code is the text of the answer (see `BareError`). */
	readonly isBare: boolean;
}

/** Undefined until the first use. */
let reasonsByCode: ReadonlyMap<ErrorCode, readonly string[]> | undefined;

function reasonsOf(code: ErrorCode): readonly string[] {
	if (!reasonsByCode) {
		const all = new Map<ErrorCode, string[]>();
		for (const { error, reason } of knownErrors()) {
			const known = all.get(error) ?? [];
			const isNew = reason !== '' && !known.includes(reason);
			all.set(error, isNew ? [...known, reason] : known);
		}
		reasonsByCode = all;
	}
	return reasonsByCode.get(code) ?? [];
}

/** An error code that a call may answer, with its reasons. */
export interface DescribedError {
	readonly code: ErrorCode;
	readonly reasons: readonly string[];
}

/** The errors with these codes. */
export const errorsOf = (codes: readonly ErrorCode[]): DescribedError[] =>
	codes.map((code) => ({ code, reasons: reasonsOf(code) }));

/**
 * The errors of a method. A code that follows only from options or limits has only its first reason: the other reasons
 * belong to other methods.
 * @param isLimited whether its definition or a rule limits its calls
 */
export function methodErrors(method: Method, isLimited: boolean): DescribedError[] {
	const ownCodes = method.errors ?? [];
	const commonCodes = new Set(commonErrors(method, isLimited).filter((code) => !ownCodes.includes(code)));
	const common = Array.from(commonCodes, (code) => ({ code, reasons: reasonsOf(code).slice(0, 1) }));
	return [...errorsOf(ownCodes), ...common];
}

/** Groups errors by status, and adds `ROUTE_ERRORS`. Errors with the same code may have different statuses. */
function groupByStatus(errors: readonly DescribedError[]): Map<number, RestError[]> {
	const known = errorInstances();
	const groups = new Map<number, RestError[]>();
	const others = ROUTE_ERRORS.filter((code) => !errors.some((error) => error.code === code));
	const routeErrors = errorsOf(others).map(({ code, reasons }) => ({
		code,
		// Of the reasons of 503, only the first is not about a login.
		reasons: code === 503 ? reasons.slice(0, 1) : reasons,
	}));
	for (const { code, reasons } of [...errors, ...routeErrors]) {
		const instances = known.filter(({ error }) => error === code);
		if (instances.length === 0) instances.push(new ClientError(code, 'reason'));
		for (const instance of instances) {
			const { status } = failed(instance);
			const isBare = instance instanceof BareError;
			const group = groups.get(status) ?? [];
			if (group.some((error) => error.code === code && error.isBare === isBare)) continue;
			groups.set(status, [...group, { code, reasons, isBare }]);
		}
	}
	return groups;
}

const errorLine = ({ code, reasons }: RestError) => `- \`${code}\`: ${reasons.join(' / ') || 'without a reason'}`;

/** The schema of a body with status 400. With other statuses, the body has no `errorType`. */
function errorBodySchema(errors: readonly RestError[]): JsonSchema {
	const codes = errors.filter(({ isBare }) => !isBare).map(({ code }) => code);
	return {
		type: 'object',
		properties: {
			success: { const: false },
			error: { type: 'string' },
			errorType: { enum: codes },
			details: {},
		},
		required: ['success', 'error'],
		additionalProperties: false,
	};
}

const TITLES: Readonly<Record<number, string>> = {
	400: 'Refused',
	403: 'Not permitted',
	429: 'Too many requests: `Retry-After` says when to try again',
	500: 'Error of the server',
	503: 'Not available at the moment: `Retry-After` says when to try again',
};

/** The header of an answer that says when to try again. */
export const RETRY_HEADERS = { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds to wait' } };

/** OpenAPI's response objects, by status. */
export function errorResponses(errors: readonly DescribedError[]): Record<string, object> {
	const responses: Record<string, object> = {};
	for (const [status, errorsOfStatus] of groupByStatus(errors)) {
		const schema = status === 400 ? errorBodySchema(errorsOfStatus) : { $ref: '#/components/schemas/Refusal' };
		responses[status] = {
			description: [TITLES[status] ?? 'Refused', '', ...errorsOfStatus.map(errorLine)].join('\n'),
			...((status === 429 || status === 503) && { headers: RETRY_HEADERS }),
			content: { 'application/json': { schema } },
		};
	}
	return responses;
}
