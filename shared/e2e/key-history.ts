/** The identity keys a user ever had, as `e2e.keyHistory` answers them: a chain of hashes (`test/contract/beyond.md` E15). */
import { isObject, sha256Hex, subtle } from './bytes.js';
import { E2EError } from './error.js';
import { sameKey } from './fingerprint.js';

/** An entry of the answer. */
export interface KeyHistoryEntry {
	readonly public_key: string;
	/** A `Date`, or as DDP (`{$date: ms}`) and REST (ISO text) write it. */
	readonly ts: unknown;
	/** The `hash` of the entry before; empty in the first. */
	readonly previous: string;
	/** Hex SHA-256 of three lines: `previous`, the time in ms since 1970, and `public_key`. */
	readonly hash: string;
}

export interface KeyHistory {
	/** The hash of the last entry: keep it, and give it as `knownHead` the next time. Empty for an empty history. */
	readonly head: string;
	/** The present public key; undefined for an empty history. */
	readonly publicKey: string | undefined;
	/** The entries since `knownHead`, oldest first. */
	readonly since: readonly KeyHistoryEntry[];
	/** Those of them whose key differs by value from the one before it: each one is a new identity to be asked about. */
	readonly changes: readonly KeyHistoryEntry[];
}

/**
 * Checks a whole history, and tells what changed since it was read before.
 *
 * @param entries all of them, the oldest first
 * @param knownHead the `head` of the time before
 *
 * Throws `broken-history` if an entry was changed, taken out or put in, or if the one with `knownHead` is not there: a server
 * that does so rewrites what it said before.
 */
export async function verifyKeyHistory(entries: Iterable<KeyHistoryEntry>, knownHead?: string): Promise<KeyHistory> {
	subtle();
	const all = [...entries];
	let previous = '';
	let time = Number.NEGATIVE_INFINITY;
	for (const entry of all) {
		const ms = isObject(entry) ? timeOf(entry.ts) : Number.NaN;
		const text = `${previous}\n${ms}\n${entry?.public_key}`;
		const isNext = ms > time && entry.previous === previous && typeof entry.public_key === 'string';
		if (!isNext || entry.hash !== (await sha256Hex(text))) throw broken('An entry is not what its hash says');
		previous = entry.hash;
		time = ms;
	}
	const known = knownHead ? all.findIndex(({ hash }) => hash === knownHead) : -1;
	if (knownHead && known < 0) throw broken('The entry that was known is gone');
	const isChange = (entry: KeyHistoryEntry, index: number) => {
		const before = all[known + index];
		return before === undefined || !isSame(entry.public_key, before.public_key);
	};
	const since = all.slice(known + 1);
	return { head: previous, publicKey: all.at(-1)?.public_key, since, changes: since.filter(isChange) };
}

const broken = (why: string) => new E2EError('broken-history', `The list of identity keys is no chain: ${why}`);

/** By value where both are keys; anything else can stand in a history too, and is compared as text. */
function isSame(one: string, other: string): boolean {
	try {
		return sameKey(one, other);
	} catch {
		return one === other;
	}
}

function timeOf(ts: unknown): number {
	if (ts instanceof Date) return ts.getTime();
	if (isObject(ts)) return typeof ts.$date === 'number' ? ts.$date : Number.NaN;
	return typeof ts === 'string' || typeof ts === 'number' ? new Date(ts).getTime() : Number.NaN;
}
