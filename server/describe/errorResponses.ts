/** The error answers of REST: the status and the texts of each error code. */
import { BareError, ClientError, errorInstances, knownErrors } from '../../shared/errors.js';
import { commonErrors, type ErrorCode, type Method } from '../../shared/method.js';
import { failed } from '../rest/envelope.js';
import type { JsonSchema } from './schema.js';

/** Codes of the errors that every route may have before it calls a method. */
const OF_EVERY_ROUTE: readonly ErrorCode[] = [
	'error-invalid-idempotency-key',
	'error-invalid-params',
	'invalid-params',
	'error-unauthorized',
	503,
];

/**
 * An error code with a certain status. A bare code is the text of the answer, and not its `errorType` (see
 * `BareError`).
 */
interface ErrorWithStatus extends DescribedError {
	readonly isBare: boolean;
}

let reasons: ReadonlyMap<ErrorCode, readonly string[]> | undefined;

/** The texts of an error code. */
function reasonsOf(code: ErrorCode): readonly string[] {
	if (!reasons) {
		const all = new Map<ErrorCode, string[]>();
		for (const { error, reason } of knownErrors()) {
			const texts = all.get(error) ?? [];
			all.set(error, reason === '' || texts.includes(reason) ? texts : [...texts, reason]);
		}
		reasons = all;
	}
	return reasons.get(code) ?? [];
}

/** An error code that a call may have, with its texts. */
export interface DescribedError {
	readonly code: ErrorCode;
	readonly reasons: readonly string[];
}

/** The errors with these codes. */
export const errorsOf = (codes: readonly ErrorCode[]): DescribedError[] =>
	codes.map((code) => ({ code, reasons: reasonsOf(code) }));

/**
 * The errors of a method. A code that it has only because of its options is shown with its first text, because the
 * other texts belong to other methods.
 */
export function methodErrors(method: Method): DescribedError[] {
	const own = method.errors ?? [];
	const common = new Set(commonErrors(method).filter((code) => !own.includes(code)));
	return [...errorsOf(own), ...Array.from(common, (code) => ({ code, reasons: reasonsOf(code).slice(0, 1) }))];
}

/** Groups errors by the status of their answers. Adds the errors of every route. */
function byStatus(errors: readonly DescribedError[]): Map<number, ErrorWithStatus[]> {
	const known = errorInstances();
	const all = new Map<number, ErrorWithStatus[]>();
	const others = OF_EVERY_ROUTE.filter((code) => !errors.some((error) => error.code === code));
	const ofEveryRoute = errorsOf(others).map(({ code, reasons }) => ({
		code,
		// Only a login has another text of 503 than the first.
		reasons: code === 503 ? reasons.slice(0, 1) : reasons,
	}));
	for (const { code, reasons } of [...errors, ...ofEveryRoute]) {
		const instances = known.filter(({ error }) => error === code);
		for (const error of instances.length > 0 ? instances : [new ClientError(code, 'reason')]) {
			const { status } = failed(error);
			const isBare = error instanceof BareError;
			const sameStatus = all.get(status) ?? [];
			if (sameStatus.some((one) => one.code === code && one.isBare === isBare)) continue;
			all.set(status, [...sameStatus, { code, reasons, isBare }]);
		}
	}
	return all;
}

const line = ({ code, reasons }: ErrorWithStatus) => `- \`${code}\`: ${reasons.join(' / ') || 'without a reason'}`;

/** The schema of a body with status 400: a text, and the code unless it is bare. */
function errorBodySchema(all: readonly ErrorWithStatus[]): JsonSchema {
	const codes = all.filter(({ isBare }) => !isBare).map(({ code }) => code);
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
	for (const [status, errorsOfStatus] of byStatus(errors)) {
		const schema = status === 400 ? errorBodySchema(errorsOfStatus) : { $ref: '#/components/schemas/Refusal' };
		responses[status] = {
			description: [TITLES[status] ?? 'Refused', '', ...errorsOfStatus.map(line)].join('\n'),
			...((status === 429 || status === 503) && { headers: RETRY }),
			content: { 'application/json': { schema } },
		};
	}
	return responses;
}
