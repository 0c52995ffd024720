/** The refusals of REST: which status each error code has, and its reason. */
import { BareError, ClientError, knownErrors, knownRefusals } from '../../shared/errors.js';
import { commonErrors, type ErrorCode, type Method } from '../../shared/method.js';
import { failed } from '../rest/envelope.js';
import type { JsonSchema } from './schema.js';

/** Errors of every route, before a method is called. */
const OF_EVERY_ROUTE: readonly ErrorCode[] = [
	'error-invalid-idempotency-key',
	'error-invalid-params',
	'invalid-params',
	'error-unauthorized',
	503,
];

/** A code where it has a status; a bare one is the text of the answer, not its `errorType`. */
interface Refusal extends DescribedError {
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
 * The errors of a method. Those that it has because of its options have the first text of their code: the others belong
 * to other methods.
 */
export function methodErrors(method: Method): DescribedError[] {
	const own = method.errors ?? [];
	const common = new Set(commonErrors(method).filter((code) => !own.includes(code)));
	return [...errorsOf(own), ...Array.from(common, (code) => ({ code, reasons: reasonsOf(code).slice(0, 1) }))];
}

/** The refusals with these errors, by status. */
function byStatus(errors: readonly DescribedError[]): Map<number, Refusal[]> {
	const known = knownRefusals();
	const all = new Map<number, Refusal[]>();
	const others = OF_EVERY_ROUTE.filter((code) => !errors.some((error) => error.code === code));
	for (const { code, reasons } of [...errors, ...errorsOf(others)]) {
		const of = known.filter(({ error }) => error === code);
		for (const error of of.length > 0 ? of : [new ClientError(code, 'reason')]) {
			const { status } = failed(error);
			const isBare = error instanceof BareError;
			const there = all.get(status) ?? [];
			if (there.some((one) => one.code === code && one.isBare === isBare)) continue;
			all.set(status, [...there, { code, reasons, isBare }]);
		}
	}
	return all;
}

const line = ({ code, reasons }: Refusal) => `- \`${code}\`: ${reasons.join(' / ') || 'without a reason'}`;

/** The body of a 400: a text, and the code if there is one. */
function refusalSchema(refusals: readonly Refusal[]): JsonSchema {
	const codes = refusals.filter(({ isBare }) => !isBare).map(({ code }) => code);
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
	503: 'The store is not available: `Retry-After` says when to try again',
};

const RETRY = { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds to wait' } };

/** Answers of a route that is not called successfully: OpenAPI's response objects, by status. */
export function refusalResponses(errors: readonly DescribedError[]): Record<string, unknown> {
	const responses: Record<string, unknown> = {};
	for (const [status, refusals] of byStatus(errors)) {
		const schema = status === 400 ? refusalSchema(refusals) : { $ref: '#/components/schemas/Refusal' };
		responses[status] = {
			description: [TITLES[status] ?? 'Refused', '', ...refusals.map(line)].join('\n'),
			...((status === 429 || status === 503) && { headers: RETRY }),
			content: { 'application/json': { schema } },
		};
	}
	return responses;
}
