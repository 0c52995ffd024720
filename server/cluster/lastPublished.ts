/**
 * Remembers for each document the state that was published last, as a hash. A write is thus published once, even if it
 * is reported several times, or if a write of this process is reported as a write from elsewhere.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Maximum number of documents. A reported document that was forgotten is published once more. */
const MAX_DOCUMENTS = 20_000;

/** Stands for a document that does not exist. */
const REMOVED = 'removed';

/** Stands for a document whose removal was published when only its id was known. */
const REMOVED_ID_ONLY = 'removed, id only';

interface Entry {
	readonly state: string;
	/** When the state was read after a write elsewhere, in ms since 1970; undefined if this process has written it. */
	readonly elsewhereAt: number | undefined;
}

export class LastPublished {
	readonly #entries = new LRUCache<string, Entry>({ max: MAX_DOCUMENTS });

	/** Names a document uniquely among those of all collections. */
	static key(collection: string, id: string): string {
		return `${collection}/${id}`;
	}

	/**
	 * Records that a state is published now, unless it equals the last state. A write of this process is always recorded.
	 * @param document the present state of the document. `idOnly`: it was removed, and only its id is known. undefined: it
	 *   was removed, and its former fields are known. After `idOnly`, undefined is a new state. After undefined, `idOnly` is
	 *   no new state
	 * @param elsewhereAt when the state was read after a write elsewhere, in ms since 1970; undefined if this process has
	 *   written it
	 * @returns `isNew`: whether the state must be published; `wasKnown`: whether the last state was a document;
	 *   `elsewhereAt` of the last state
	 */
	note(collection: string, id: string, document: Record<string, unknown> | 'idOnly' | undefined, elsewhereAt?: number) {
		const key = LastPublished.key(collection, id);
		const removed = document === 'idOnly' ? REMOVED_ID_ONLY : REMOVED;
		const state = typeof document === 'object' ? stateOf(document) : removed;
		const before = this.#entries.get(key);
		const addsNothing = state === REMOVED_ID_ONLY && before?.state === REMOVED;
		const isNew = before?.state !== state && !addsNothing;
		if (isNew || elsewhereAt === undefined) this.#entries.set(key, { state, elsewhereAt });
		return {
			isNew,
			wasKnown: before !== undefined && !before.state.startsWith(REMOVED),
			elsewhereAt: before?.elsewhereAt,
		};
	}
}

/**
 * The hash of a document. The order of its fields does not matter, because MongoDB does not put new fields in the same
 * order as an update in memory does. Login tokens are left out, because no subscriber receives them. `_updatedAt` is
 * left out, so that a write that changes nothing else is not published.
 */
function stateOf({ _updatedAt, services, ...others }: Record<string, unknown>): string {
	const { resume, ...otherServices } = (services ?? {}) as Record<string, unknown>;
	const fields = Object.entries({ ...others, services: otherServices });
	fields.sort(([a], [b]) => (a < b ? -1 : 1));
	return hash('sha1', JSON.stringify(fields), 'base64');
}
