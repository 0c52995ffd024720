/** The prefix of the paths of all URLs of the server (`--path-prefix`). */

/** Segments of unreserved characters, each after a slash. Browsers resolve `.` and `..`, so these are no segments. */
const PREFIX = /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/;

const MAX_PREFIX_LENGTH = 200;

/** Whether a text is a path prefix, such as `/roomkey`. */
export function isPathPrefix(text: string): boolean {
	return text.length <= MAX_PREFIX_LENGTH && PREFIX.test(text);
}

/**
 * Removes the prefix from a URL.
 * @param prefix empty if there is none
 * @returns the rest, which begins with a slash; undefined for a URL without the prefix
 */
export function belowPrefix(prefix: string, url: string): string | undefined {
	if (prefix === '') return url;
	if (!url.startsWith(prefix)) return undefined;
	const rest = url.slice(prefix.length);
	if (rest === '' || rest.startsWith('?')) return `/${rest}`;
	return rest.startsWith('/') ? rest : undefined;
}
