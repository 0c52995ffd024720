import { LiveQuery } from '../../../shared/publication.js';

/**
 * The live queries that a publish function returned, one or an array.
 * @throws Error for anything else, and for two of one collection
 */
export function queriesIn(returned: unknown): readonly LiveQuery[] {
	const queries: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
	if (!queries.every((query) => query instanceof LiveQuery)) {
		throw new Error(
			Array.isArray(returned)
				? 'Publish function returned an array of something else than live queries'
				: 'Publish function can only return a live query or an array of them',
		);
	}
	const names = queries.map(({ name }) => name);
	const twice = names.find((name, i) => names.indexOf(name) !== i);
	if (twice !== undefined) throw new Error(`Publish function returned multiple live queries for collection ${twice}`);
	return queries;
}
