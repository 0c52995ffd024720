/** The place in a test where a call was made. */
import { ArgumentError } from '../../shared/errors.js';

/** An error whose stack begins where the test calls `entry`. */
export function callSite(entry: (...args: never[]) => unknown): { readonly stack?: string } {
	const site: { stack?: string } = {};
	Error.captureStackTrace(site, entry);
	return site;
}

/**
 * Adds the place of the call to the stack of its error: errors for clients are made without a stack. The stack also names
 * the argument that does not match.
 */
export function withCallSite(error: unknown, { stack = '' }: { readonly stack?: string }): unknown {
	if (!(error instanceof Error)) return error;
	const named = error instanceof ArgumentError ? ` (argument '${error.argument}')` : '';
	const [, ...own] = (error.stack ?? '').split('\n    at ');
	const [, ...ofCall] = stack.split('\n    at ');
	error.stack = [`${error.name}: ${error.message}${named}`, ...own, ...ofCall].join('\n    at ');
	return error;
}
