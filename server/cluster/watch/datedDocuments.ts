/**
 * Finds the documents of a collection that have a new date in a field: `_updatedAt` or `_deletedAt`. Clocks differ, and
 * writes may become visible late, so each query begins before the newest date that was seen. Documents that were seen
 * with the same date are left out.
 */
import { Match } from '../../../shared/match.js';
import { createYielder } from '../../../shared/yielding.js';
import type { WatchedDatabase } from './database.js';

/** How far before the newest date a query begins, in ms. */
const OVERLAP_MS = 3000;

/** Overlap of a wide query, in ms. The clocks of writers may differ by this much. */
export const WIDE_OVERLAP_MS = 60_000;

/** Maximum number of documents remembered as seen. Forgotten ones may be reported again. */
const MAX_SEEN = 200_000;

/** A document with a valid date in the field. */
export type Dated = { readonly _id: string } & Record<string, unknown>;

const WithId = Match.ObjectIncluding({ _id: String });

export interface DatedDocumentsParts {
	readonly database: Pick<WatchedDatabase, 'dated' | 'newest'>;
	readonly collection: string;
	readonly field: string;
	readonly fields?: readonly string[];
}

export class DatedDocuments {
	/** The newest date that was seen, in ms since 1970; at most the present. Undefined before the first query. */
	#newest: number | undefined;
	/** The last date of each document, by id. */
	readonly #seen = new Map<string, number>();

	constructor(private readonly parts: DatedDocumentsParts) {}

	/** Remembers recent documents as seen, so that only later writes are reported. */
	async begin(): Promise<void> {
		const { database, collection, field } = this.parts;
		const now = Date.now();
		const document = await database.newest(collection, field, new Date(now));
		const date = Match.test(document, WithId) ? document[field] : undefined;
		this.#newest = date instanceof Date ? date.getTime() : now - WIDE_OVERLAP_MS;
		const isWide = true;
		await this.readNew(isWide, () => {});
	}

	/**
	 * Calls `onNew` with each document that has a new date, the oldest first. After a failure, the next query reads the
	 * rest.
	 * @param isWide whether the query begins `WIDE_OVERLAP_MS` before the newest date, instead of `OVERLAP_MS`
	 */
	async readNew(isWide: boolean, onNew: (document: Dated) => void): Promise<void> {
		const { database, collection, field, fields } = this.parts;
		const from = (this.#newest as number) - (isWide ? WIDE_OVERLAP_MS : OVERLAP_MS);
		const yielder = createYielder();
		for await (const document of database.dated({
			collection,
			field,
			since: new Date(from),
			...(fields && { fields }),
		})) {
			const pause = yielder();
			if (pause) await pause;
			const date = Match.test(document, WithId) ? document[field] : undefined;
			if (!(date instanceof Date) || Number.isNaN(date.getTime())) continue;
			this.#handle(document as Dated, date.getTime(), onNew);
		}
		if (isWide) this.#forgetOld();
	}

	#handle(document: Dated, date: number, onNew: (document: Dated) => void): void {
		const { _id } = document;
		// A date in the future counts as the present, or the queries would miss writes before it.
		this.#newest = Math.max(this.#newest as number, Math.min(date, Date.now()));
		if (this.#seen.get(_id) === date) return;
		onNew(document);
		// Moves the document to the end of the map, whose first document is forgotten first.
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
