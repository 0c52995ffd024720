/** Checks the hash chain of a user's identity keys, the answer of `e2e.keyHistory` (`test/contract/beyond.md` E15). */
import { isObject, requireWebCrypto, sha256Hex } from './bytes.js';
import { E2EError } from './error.js';
import { sameKey } from './fingerprint.js';

/** An entry of the answer: one public key. */
export interface KeyHistoryEntry {
	readonly public_key: string;
	/** A `Date`, `{$date: ms}` as in DDP, or ISO text as in REST. */
	readonly ts: unknown;
	/** The `hash` of the previous entry; empty in the first entry of a user. */
	readonly previous: string;
	/** Hex SHA-256 of three lines: `previous`, the time in ms since 1970, and `public_key`. */
	readonly hash: string;
}

/** The result of `verifyKeyHistory`. */
export interface KeyHistory {
	/** The hash of the last entry, for `knownHead` of the next check. Empty for an empty history. */
	readonly head: string;
	/** The present public key; undefined for an empty history. */
	readonly publicKey: string | undefined;
	/** The entries since `knownHead`, oldest first. */
	readonly since: readonly KeyHistoryEntry[];
	/**
	 * The entries of `since` with another key than the entry before, or with no entry before. A person must verify
	 * each.
	 */
	readonly changes: readonly KeyHistoryEntry[];
}

/**
 * Checks the history of a user and finds the changes since an earlier check. The server may have dropped the oldest
 * entries.
 *
 * @param entries all entries of the answer, the oldest first
 * @param knownHead the `head` of the earlier check
 * @throws E2EError `broken-history` if an entry was changed, removed or inserted, or if `knownHead` is missing: it
 * must be the hash of one of the entries, or of the dropped entry before the first
 */
export async function verifyKeyHistory(entries: Iterable<KeyHistoryEntry>, knownHead?: string): Promise<KeyHistory> {
	requireWebCrypto();
	if (typeof entries?.[Symbol.iterator] !== 'function') throw brokenHistory('It is not a list');
	const all = [...entries];
	const first: unknown = all[0];
	let previous = isObject(first) && typeof first.previous === 'string' ? first.previous : '';
	const isKnownDropped = !!knownHead && previous === knownHead;
	let time = Number.NEGATIVE_INFINITY;
	for (const entry of all) {
		const ms = isObject(entry) ? timeOf(entry.ts) : Number.NaN;
		const isNext = ms > time && entry.previous === previous && typeof entry.public_key === 'string';
		if (!isNext || entry.hash !== (await sha256Hex(`${previous}\n${ms}\n${entry.public_key}`)))
			throw brokenHistory('An entry does not have its hash');
		previous = entry.hash;
		time = ms;
	}
	const knownIndex = knownHead ? all.findIndex(({ hash }) => hash === knownHead) : -1;
	if (knownHead && knownIndex < 0 && !isKnownDropped) throw brokenHistory('The known entry is missing');
	const isChange = (entry: KeyHistoryEntry, index: number) => {
		// The entry before `entry`, because `since` begins at `knownIndex + 1`.
		const before = all[knownIndex + index];
		return before === undefined || !isSame(entry.public_key, before.public_key);
	};
	const since = all.slice(knownIndex + 1);
	return { head: previous, publicKey: all.at(-1)?.public_key, since, changes: since.filter(isChange) };
}

const brokenHistory = (why: string) =>
	new E2EError('broken-history', `The list of identity keys is not a chain: ${why}`);

/** Compares two public keys by value, or by text if one is invalid. */
function isSame(first: string, second: string): boolean {
	try {
		return sameKey(first, second);
	} catch {
		return first === second;
	}
}

function timeOf(ts: unknown): number {
	if (ts instanceof Date) return ts.getTime();
	if (isObject(ts)) return typeof ts.$date === 'number' ? ts.$date : Number.NaN;
	return typeof ts === 'string' || typeof ts === 'number' ? new Date(ts).getTime() : Number.NaN;
}
