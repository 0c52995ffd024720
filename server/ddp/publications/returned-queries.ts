/** What a publish function returns. */
import { LiveQuery, type Publication, type PublicationContext } from '../../../shared/publication.js';

/**
 * Calls a publish function.
 * @returns the live queries that the function returns; undefined if it returns nothing
 * @throws what the function throws. Error if it returns something else, or two live queries on one collection. Error if
 *   it returns nothing, although it made a live query before its first `await`
 */
export async function runPublication(
	publication: Publication,
	args: Record<string, unknown>,
	context: PublicationContext,
): Promise<readonly LiveQuery[] | undefined> {
	// The count is of the whole server. Until the first `await`, only this function can raise it.
	const countBefore = LiveQuery.count;
	const running = publication.run(args, context);
	const hasMadeQuery = LiveQuery.count > countBefore;
	const returned = await running;
	if (returned) return queriesIn(returned);
	if (hasMadeQuery) throw new Error('Publish function made a live query but did not return it');
	return undefined;
}

/** @throws Error unless the result is a live query, or an array of them, each on a different collection */
function queriesIn(returned: unknown): readonly LiveQuery[] {
	const queries: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
	if (!queries.every((query) => query instanceof LiveQuery)) {
		throw new Error(
			Array.isArray(returned)
				? 'Publish function returned an array of something else than live queries'
				: 'Publish function can only return what liveQuery() makes, or an array of that',
		);
	}
	const names = queries.map(({ name }) => name);
	const duplicate = names.find((name, i) => names.indexOf(name) !== i);
	if (duplicate !== undefined)
		throw new Error(`Publish function returned multiple live queries for collection ${duplicate}`);
	return queries;
}
