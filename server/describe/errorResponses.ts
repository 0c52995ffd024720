/** Describes the error answers of REST: the status and the reasons of each error code. */
import { BareError, ClientError, errorInstances, knownErrors } from '../../shared/errors.js';
import { commonErrors, type ErrorCode, type Method } from '../../shared/method.js';
import { failed } from '../rest/envelope.js';
import type { JsonSchema } from './schema.js';

/** Codes of errors that routes answer without calling a method. A route is described with all, and may have only some. */
const ROUTE_ERRORS: readonly ErrorCode[] = [
	'error-invalid-idempotency-key',
	'error-invalid-params',
	'invalid-params',
	'error-unauthorized',
	503,
];

/** An error in a REST answer. */
interface RestError extends DescribedError {
	/** Whether the code is the text of the answer, which then has no `errorType` (see `BareError`). */
	readonly isBare: boolean;
}

/** The reasons of each error code. Undefined until the first use. */
let reasonsByCode: ReadonlyMap<ErrorCode, readonly string[]> | undefined;

/** The reasons that errors with a code may have. */
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
 * The errors of a method. A code that follows only from the options or the limits of the method has only its first
 * reason, because the other reasons belong to other methods.
 * @param isLimited whether its definition or a rule limits its calls
 */
export function methodErrors(method: Method, isLimited: boolean): DescribedError[] {
	const ownCodes = method.errors ?? [];
	const commonCodes = new Set(commonErrors(method, isLimited).filter((code) => !ownCodes.includes(code)));
	const common = Array.from(commonCodes, (code) => ({ code, reasons: reasonsOf(code).slice(0, 1) }));
	return [...errorsOf(ownCodes), ...common];
}

/**
 * Groups errors by the status of their answers, and adds `ROUTE_ERRORS`. Errors with the same code may have
 * different statuses, so the status of each known error of a code is determined.
 */
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

/** The schema of a body with status 400: a text, and the code unless the error is bare. Other statuses have only a text. */
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

const RETRY = { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds to wait' } };

/** The error answers of a route: OpenAPI's response objects, by status. */
export function errorResponses(errors: readonly DescribedError[]): Record<string, unknown> {
	const responses: Record<string, unknown> = {};
	for (const [status, errorsOfStatus] of groupByStatus(errors)) {
		const schema = status === 400 ? errorBodySchema(errorsOfStatus) : { $ref: '#/components/schemas/Refusal' };
		responses[status] = {
			description: [TITLES[status] ?? 'Refused', '', ...errorsOfStatus.map(errorLine)].join('\n'),
			...((status === 429 || status === 503) && { headers: RETRY }),
			content: { 'application/json': { schema } },
		};
	}
	return responses;
}
