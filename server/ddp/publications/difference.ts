import { isSame } from '../../../shared/ejson.js';

type Fields = Readonly<Record<string, unknown>>;

/** The fields that differ between two states of a document, with their new values; undefined means a removed field. */
export function differenceOf(before: Fields, after: Fields): Record<string, unknown> {
	const changes: Record<string, unknown> = {};
	for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) changes[name] = undefined;
	for (const [name, value] of Object.entries(after))
		if (!Object.hasOwn(before, name) || !isSame(before[name], value)) changes[name] = value;
	return changes;
}
