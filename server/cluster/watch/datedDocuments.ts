/**
 * Finds the documents of a collection whose date in a field is new: `_updatedAt`, which Rocket.Chat sets at every write,
 * or `_deletedAt`. The clocks of writers differ, and a write may become visible some time after its date. So each query
 * reaches back behind the newest date that was seen, and what was seen before is left out.
 */
import { Match } from '../../../shared/match.js';
import { createYielder } from '../../../shared/yielding.js';
import type { WatchedDatabase } from './database.js';

/** How far a query reaches back, in ms. */
const OVERLAP_MS = 3000;

/** How far a wide query reaches back, in ms: by so much the clocks of writers may differ. */
export const WIDE_OVERLAP_MS = 60_000;

/** Maximum number of documents that are remembered as seen. Beyond it the oldest are reported again. */
const MAX_SEEN = 200_000;

export type Dated = { readonly _id: string } & Record<string, unknown>;

const WithId = Match.ObjectIncluding({ _id: String });

export interface DatedDocumentsParts {
	readonly database: Pick<WatchedDatabase, 'dated' | 'newest'>;
	readonly collection: string;
	readonly field: string;
	/** The fields to read, beside `_id` and the date. */
	readonly fields?: readonly string[];
}

export class DatedDocuments {
	/** The newest date that was seen, in ms since 1970; at most the present. Undefined before the first query. */
	#newest: number | undefined;
	/** The dates of documents that were seen, by id. */
	readonly #seen = new Map<string, number>();

	constructor(private readonly parts: DatedDocumentsParts) {}

	/** Notes what is there already. */
	async begin(): Promise<void> {
		const { database, collection, field } = this.parts;
		const now = Date.now();
		const document = await database.newest(collection, field, new Date(now));
		const date = Match.test(document, WithId) ? document[field] : undefined;
		this.#newest = date instanceof Date ? date.getTime() : now - WIDE_OVERLAP_MS;
		await this.next(true, () => {});
	}

	/**
	 * Reads the documents that are new, the oldest date first. If it fails, the next query reads the rest.
	 * @param isWide whether it reaches back far
	 */
	async next(isWide: boolean, take: (document: Dated) => void): Promise<void> {
		const { database, collection, field, fields } = this.parts;
		const from = (this.#newest as number) - (isWide ? WIDE_OVERLAP_MS : OVERLAP_MS);
		const yielding = createYielder();
		for await (const document of database.dated({
			collection,
			field,
			since: new Date(from),
			...(fields && { fields }),
		})) {
			const pause = yielding();
			if (pause) await pause;
			const date = Match.test(document, WithId) ? document[field] : undefined;
			if (!(date instanceof Date) || Number.isNaN(date.getTime())) continue;
			this.#take(document as Dated, date.getTime(), take);
		}
		if (isWide) this.#forgetOld();
	}

	#take(document: Dated, date: number, take: (document: Dated) => void): void {
		const { _id } = document;
		// A date in the future must not hide the writes until then.
		this.#newest = Math.max(this.#newest as number, Math.min(date, Date.now()));
		if (this.#seen.get(_id) === date) return;
		take(document);
		// The last one seen is the last one of the map.
		this.#seen.delete(_id);
		this.#seen.set(_id, date);
		if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.keys().next().value as string);
	}

	/** Forgets documents that no query will find again. */
	#forgetOld(): void {
		const limit = (this.#newest as number) - WIDE_OVERLAP_MS;
		for (const [id, date] of this.#seen) if (date < limit) this.#seen.delete(id);
	}
}
