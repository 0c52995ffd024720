/** Finds the values at a path of a document, such as `emails.address`. */
import { isFields } from '../../shared/values.js';

/**
 * All values at a path. At an array, the path continues into each document in the array. A number in the path also
 * selects the element at this position. A missing field is `undefined`.
 * @param from how many parts of the path have already been followed
 */
export function reach(start: unknown, path: readonly string[], from = 0): unknown[] {
	let value = start;
	let position = from;
	while (position < path.length && isFields(value)) value = ownField(value, path[position++] as string);
	const key = path[position];
	if (key === undefined) return [value];
	if (!Array.isArray(value)) return [undefined];
	const found: unknown[] = [];
	const isPosition = /^\d+$/.test(key) && Number(key) < value.length;
	if (isPosition) found.push(...reach(value[Number(key)], path, position + 1));
	for (const element of value) if (isFields(element)) found.push(...reach(element, path, position));
	return found;
}

/** The value of an own field; undefined for an inherited property such as `constructor`. */
export function ownField(fields: Record<string, unknown>, key: string): unknown {
	return Object.hasOwn(fields, key) ? fields[key] : undefined;
}
