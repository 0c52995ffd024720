/** `--path-prefix`: everything that the server answers is below one path. */

/** Segments of unreserved characters; `.` and `..` would be resolved by browsers. */
const PREFIX = /^(\/(?!\.{1,2}(\/|$))[\w.~-]+)+$/;

/** Whether a text is a path prefix, such as `/roomkey`. */
export function isPathPrefix(text: string): boolean {
	return text.length <= 200 && PREFIX.test(text);
}

/**
 * Returns the rest of a URL after the prefix, which begins with a slash; undefined for a URL outside of it.
 * @param prefix empty if there is none
 */
export function belowPrefix(prefix: string, url: string): string | undefined {
	if (prefix === '') return url;
	if (!url.startsWith(prefix)) return undefined;
	const rest = url.slice(prefix.length);
	if (rest === '' || rest.startsWith('?')) return `/${rest}`;
	return rest.startsWith('/') ? rest : undefined;
}
