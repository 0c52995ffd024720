/** Adds to an error the place in the test where the failed call was made. */
import { ArgumentError } from '../../shared/errors.js';

/** The beginning of each line of a stack after the message. */
const LINE_START = '\n    at ';

/** Records the stack of the place where the test has called `entry`. */
export function callSite(entry: (...args: never[]) => unknown): { readonly stack?: string } {
	const site: { stack?: string } = {};
	Error.captureStackTrace(site, entry);
	return site;
}

/**
 * Adds the place of a call to the stack of its error, because the stack of a `ClientError` contains no places. The
 * first line of the stack then also names an argument that does not match.
 */
export function withCallSite(error: unknown, { stack = '' }: { readonly stack?: string }): unknown {
	if (!(error instanceof Error)) return error;
	const argument = error instanceof ArgumentError ? ` (argument '${error.argument}')` : '';
	const firstLine = `${error.name}: ${error.message}${argument}`;
	const [, ...ownPlaces] = (error.stack ?? '').split(LINE_START);
	const [, ...callPlaces] = stack.split(LINE_START);
	const newPlaces = callPlaces.filter((place) => !ownPlaces.includes(place));
	error.stack = [firstLine, ...ownPlaces, ...newPlaces].join(LINE_START);
	return error;
}
