/**
 * Remembers the last published state of each document, as a hash. A write that is reported several times is thus
 * published once.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Maximum number of documents. A reported document that was forgotten is published once more. */
const MAX_DOCUMENTS = 20_000;

const REMOVED = 'removed';

const REMOVED_ID_ONLY = 'removed, id only';

interface Entry {
	readonly state: string;
	/** When the state was read after a write elsewhere, in ms since 1970. Undefined for a write of this process. */
	readonly elsewhereAt: number | undefined;
}

export class LastPublished {
	readonly #entries = new LRUCache<string, Entry>({ max: MAX_DOCUMENTS });

	static key(collection: string, id: string): string {
		return `${collection}/${id}`;
	}

	/**
	 * Records that a state is published now, unless it equals the last state. A write of this process is always recorded.
	 * @param document the present state. Undefined: it was removed, and its former fields are known. `idOnly`: it was
	 * removed, and only its id is known; after undefined, this is no new state
	 * @returns `isNew`: whether the state must be published. `wasKnown`: whether the last state was a document.
	 * `elsewhereAt` of the last state
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
 * The hash of a document. MongoDB and memory order new fields differently, so the order does not matter. Login tokens
 * are left out, because no subscriber receives them. A change of `_updatedAt` alone is not published.
 */
function stateOf({ _updatedAt, services, ...others }: Record<string, unknown>): string {
	const { resume, ...otherServices } = (services ?? {}) as Record<string, unknown>;
	const fields = Object.entries({ ...others, services: otherServices });
	fields.sort(([a], [b]) => (a < b ? -1 : 1));
	return hash('sha1', JSON.stringify(fields), 'base64');
}
