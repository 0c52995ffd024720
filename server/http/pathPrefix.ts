/** The prefix of the paths of all requests to the server (`--path-prefix`). */

/** Segments of unreserved characters, except `.` and `..`, which browsers resolve. */
const PREFIX = /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/;

const MAX_PREFIX_LENGTH = 200;

/** Whether a text is a path prefix, such as `/roomkey`. */
export function isPathPrefix(text: string): boolean {
	return text.length <= MAX_PREFIX_LENGTH && PREFIX.test(text);
}

/**
 * Removes the prefix from the target of a request.
 * @param target the path and the query, as in `request.url` of Node
 * @returns the rest, which begins with a slash; undefined for a target without the prefix
 */
export function withoutPrefix(prefix: string, target: string): string | undefined {
	if (prefix === '') return target;
	if (!target.startsWith(prefix)) return undefined;
	const rest = target.slice(prefix.length);
	if (rest === '' || rest.startsWith('?')) return `/${rest}`;
	return rest.startsWith('/') ? rest : undefined;
}
