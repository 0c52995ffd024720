import { LiveQuery } from '../../../shared/publication.js';

/**
 * The live queries in the result of a publish function, which is one live query or an array of them.
 * @throws Error for any other result, and for two live queries on one collection
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
	const duplicate = names.find((name, i) => names.indexOf(name) !== i);
	if (duplicate !== undefined)
		throw new Error(`Publish function returned multiple live queries for collection ${duplicate}`);
	return queries;
}
