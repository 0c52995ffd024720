/**
 * The state of each document that was published last, as a hash. The same write may be reported in several ways, and a
 * write of this process may be reported as one of others.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Maximum number of documents. A document that was forgotten is published once more. */
const MAX_DOCUMENTS = 20_000;

/** Stands for a document that does not exist. */
const REMOVED = 'removed';

/** Stands for a document whose removal was published when only its id was known. */
const REMOVED_UNKNOWN = 'removed, unknown';

interface Entry {
	readonly state: string;
	/** When it was read because it was written elsewhere, in ms; undefined if this process has written it. */
	readonly elsewhereAt: number | undefined;
}

export class LastPublished {
	readonly #entries = new LRUCache<string, Entry>({ max: MAX_DOCUMENTS });

	/** Identifies a document of all collections. */
	static key(collection: string, id: string): string {
		return `${collection}/${id}`;
	}

	/**
	 * Records that a state is published now, unless it was the last one.
	 * @param document undefined if it does not exist; `unknown` if moreover only its id is known: its removal may then be
	 *   published once more, with more of its fields
	 * @param elsewhereAt when the document was read, in ms; undefined if this process has written it
	 * @returns `isNew`: whether the state differs from the last one; `wasKnown`: whether the document was known to exist;
	 *   `elsewhereAt`: that of the last state
	 */
	note(
		collection: string,
		id: string,
		document: Record<string, unknown> | 'unknown' | undefined,
		elsewhereAt?: number,
	) {
		const key = LastPublished.key(collection, id);
		const stateIfKnown = typeof document === 'object' ? stateOf(document) : REMOVED;
		const state = document === 'unknown' ? REMOVED_UNKNOWN : stateIfKnown;
		const before = this.#entries.get(key);
		const isNew = before?.state !== state && !(state === REMOVED_UNKNOWN && before?.state === REMOVED);
		if (isNew || elsewhereAt === undefined) this.#entries.set(key, { state, elsewhereAt });
		return {
			isNew,
			wasKnown: before !== undefined && !before.state.startsWith(REMOVED),
			elsewhereAt: before?.elsewhereAt,
		};
	}
}

/**
 * The hash of a document. The order of its fields does not matter: MongoDB and an update in memory order new fields
 * differently. The time of the write and login tokens are left out, because no subscriber receives them.
 */
function stateOf({ _updatedAt, services, ...others }: Record<string, unknown>): string {
	const { resume, ...shownServices } = (services ?? {}) as Record<string, unknown>;
	const fields = Object.entries({ ...others, services: shownServices });
	fields.sort(([a], [b]) => (a < b ? -1 : 1));
	return hash('sha1', JSON.stringify(fields), 'base64');
}
