/** Formats the path of a fault (`test/contract/check.md` section 7), from the innermost key outwards. */

/** Reserved words of JavaScript, which Meteor quotes in a path. */
const RESERVED = new Set(
	(
		'do if in for let new try var case else enum eval false null this true void with break catch class const super ' +
		'throw while yield delete export import public return static switch typeof default extends finally package ' +
		'private continue debugger function arguments interface protected implements instanceof'
	).split(' '),
);

/**
 * `[0]` for an index, plain for an identifier, otherwise `["quoted"]`. As in Meteor, an identifier may contain `.[]`.
 */
function segmentOf(key: string | number): string {
	if (typeof key === 'number' || /^[0-9]+$/.test(key)) return `[${key}]`;
	return /^[a-z_$][0-9a-z_$.[\]]*$/i.test(key) && !RESERVED.has(key) ? key : JSON.stringify([key]);
}

/** Prepends one level to a path: `prepend('a', '[0].b')` is `a[0].b`. */
export function prepend(key: string | number, path: string): string {
	const separator = path === '' || path.startsWith('[') ? '' : '.';
	return segmentOf(key) + separator + path;
}
