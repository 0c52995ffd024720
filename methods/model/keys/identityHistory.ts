/**
 * The history of a user's public identity keys, as a hash chain (`test/contract/beyond.md` E15). The newest entry is in
 * the user's document, so that one write stores a key and its entry. Earlier entries are in a separate collection,
 * which keeps user documents small.
 */

import { createHash } from 'node:crypto';
import type { KeyHistoryEntry, KeyLogin, User } from '../../../shared/documents.js';
import { type Filter, isReadOnly, type Store, type UpdateFilter } from '../../../shared/store.js';
import { insertIfAbsent } from '../insertIfAbsent.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';
import { listOf, whereSameLength } from '../storedLists.js';
import { isSamePublicKey } from './publicKey.js';

/** Maximum number of entries of one history in the separate collection. Above it the oldest are dropped. */
const MAX_ENTRIES = 100;

/** Maximum total size of the public keys in these entries, in bytes: 20 keys of the maximum size. */
const MAX_BYTES = 160 * 1024;

type HistoryFields = Pick<User, 'e2e' | 'e2eKeyHistory' | 'e2eRekeying'>;

/** The stored entries, the oldest first, and the number of older entries that were dropped. */
export interface History {
	readonly entries: readonly KeyHistoryEntry[];
	readonly dropped: number;
}

/**
 * The hash of an entry: the SHA-256, in hex, of three lines. They are `previous`, the time in ms since 1970, and the
 * public key as stored. Clients compute this hash too.
 */
export function hashOfEntry({ previous, ts, public_key }: Omit<KeyHistoryEntry, 'hash'>): string {
	return createHash('sha256').update(`${previous}\n${ts.getTime()}\n${public_key}`).digest('hex');
}

/**
 * The time for a new entry or marker (`identityKeys.ts`): now, but later than the last entry and the present marker.
 */
export function nextEntryTime({ e2eKeyHistory, e2eRekeying }: HistoryFields): Date {
	const lastEntry = listOf(e2eKeyHistory).at(-1)?.ts.getTime() ?? 0;
	const marker = e2eRekeying?.getTime() ?? 0;
	return new Date(Math.max(Date.now(), lastEntry + 1, marker + 1));
}

/**
 * Builds the entries that a history lacks. The first is for the present key, if a Rocket.Chat server on the same
 * database stored it. The second is for `next`, if it is another key.
 * @param next the public key that is about to be stored
 * @param login how the caller who stores `next` is logged in
 */
export function missingHistoryEntries(user: HistoryFields, next?: string, login?: KeyLogin): KeyHistoryEntry[] {
	const present = user.e2e?.public_key;
	const last = listOf(user.e2eKeyHistory).at(-1);
	const keys: Pick<KeyHistoryEntry, 'public_key' | 'login'>[] = [];
	const lacksPresent = present && !isSamePublicKey(present, last?.public_key);
	if (lacksPresent) keys.push({ public_key: present });
	const isNextNew = next !== undefined && !isSamePublicKey(next, present);
	if (isNextNew) keys.push({ public_key: next, ...(login && { login }) });
	let previous = last?.hash ?? '';
	let time = nextEntryTime(user).getTime();
	return keys.map((key) => {
		const entry = { ...key, ts: new Date(time++), previous };
		previous = hashOfEntry(entry);
		return { ...entry, hash: previous };
	});
}

/**
 * Matches the user document only if it still has the given entries. Entries are only appended at the end and removed at
 * the start.
 */
export function whereHistoryUnchanged({ e2eKeyHistory }: Pick<User, 'e2eKeyHistory'>): Filter<User> {
	const [first] = listOf(e2eKeyHistory);
	return { ...whereSameLength('e2eKeyHistory', e2eKeyHistory), ...(first && { 'e2eKeyHistory.0.hash': first.hash }) };
}

/**
 * Builds the update that adds these entries to the user document and sets the fields in `$set`. The write must have the
 * filter `whereHistoryUnchanged`.
 */
export function appendEntriesUpdate(
	{ e2eKeyHistory }: HistoryFields,
	entries: readonly KeyHistoryEntry[],
	$set: Readonly<Record<string, unknown>> = {},
): UpdateFilter<User> {
	// `$push` fails on a value that is not an array.
	const hasStoredEntries = listOf(e2eKeyHistory).length > 0;
	const setsEntries = entries.length > 0 && !hasStoredEntries;
	const pushesEntries = entries.length > 0 && hasStoredEntries;
	const fields = { ...$set, ...(setsEntries && { e2eKeyHistory: [...entries] }) };
	return {
		...(Object.keys(fields).length > 0 && { $set: fields }),
		...(pushesEntries && { $push: { e2eKeyHistory: { $each: [...entries] } } }),
	};
}

/**
 * Moves all entries but the newest from a user's document to the separate collection. After `removeIdentity` or a
 * crash, earlier entries stay in the document until the next call.
 */
export async function moveEarlierEntries(store: Store, userId: string): Promise<void> {
	const user = await store.users.findOne({ _id: userId }, { projection: { e2eKeyHistory: 1 } });
	const earlier = listOf(user?.e2eKeyHistory).slice(0, -1);
	if (earlier.length === 0) return;
	await appendToCollection(store, userId, earlier);
	const hashes = earlier.map(({ hash }) => hash);
	await store.users.updateOne(
		{ _id: userId },
		{ $pull: { e2eKeyHistory: { hash: { $in: hashes } } } },
		{ silent: true },
	);
}

/** Adds entries to the separate collection, except those that are there already. Drops the oldest above the limits. */
function appendToCollection(store: Store, userId: string, entries: readonly KeyHistoryEntry[]): Promise<void> {
	return retryOnConflict(async () => {
		const stored = await store.keyHistory.findOne({ _id: userId });
		const lastTime = stored?.entries.at(-1)?.ts.getTime() ?? 0;
		const all = [...(stored?.entries ?? []), ...entries.filter(({ ts }) => ts.getTime() > lastTime)];
		const kept = newestEntries(all);
		const head = kept.at(-1)?.hash ?? '';
		if (stored?.head === head) return undefined;
		const next = { entries: kept, head, dropped: (stored?.dropped ?? 0) + all.length - kept.length };
		if (stored) {
			const { matchedCount } = await store.keyHistory.updateOne(
				{ _id: userId, head: stored.head },
				{ $set: next },
				{ silent: true },
			);
			return matchedCount > 0 ? undefined : CONFLICT;
		}
		return (await insertIfAbsent(store.keyHistory, { _id: userId, ...next }, { silent: true })) ? undefined : CONFLICT;
	});
}

/** The newest entries that fit into the limits, the oldest first. */
function newestEntries(entries: readonly KeyHistoryEntry[]): KeyHistoryEntry[] {
	const kept: KeyHistoryEntry[] = [];
	let bytes = 0;
	for (const entry of [...entries].reverse()) {
		bytes += Buffer.byteLength(entry.public_key);
		if (kept.length === MAX_ENTRIES || bytes > MAX_BYTES) break;
		kept.push(entry);
	}
	return kept.reverse();
}

/** Deletes the history of a user who is about to be deleted. */
export async function deleteHistory(store: Store, userId: string): Promise<void> {
	await store.keyHistory.deleteOne({ _id: userId }, { silent: true });
}

/** Projection of the fields that `readHistory` needs. */
export const HISTORY_FIELDS = { 'e2e.public_key': 1, e2eKeyHistory: 1, e2eRekeying: 1 } as const;

/**
 * Reads the history of a user. Adds the present public key, if a Rocket.Chat server on the same database stored it. In
 * a read-only store it is left out: an unstored entry would get another hash at each call.
 * @param user as it was read. If the keys have changed since, it is read again
 */
export function readHistory(store: Store, user: User): Promise<History> {
	if (isReadOnly(store)) return historyOf(store, user._id, listOf(user.e2eKeyHistory));
	return retryOnConflict(async (attemptNumber) => {
		const current =
			attemptNumber === 1 ? user : await store.users.findOne({ _id: user._id }, { projection: HISTORY_FIELDS });
		if (!current) return { entries: [], dropped: 0 };
		const entries = missingHistoryEntries(current);
		if (entries.length > 0) {
			const present = current.e2e?.public_key;
			const whereUnchanged = { _id: current._id, 'e2e.public_key': present, ...whereHistoryUnchanged(current) };
			const update = appendEntriesUpdate(current, entries);
			const { matchedCount } = await store.users.updateOne(whereUnchanged, update, { silent: true });
			if (matchedCount === 0) return CONFLICT;
		}
		const all = [...listOf(current.e2eKeyHistory), ...entries];
		if (all.length > 1) await moveEarlierEntries(store, current._id);
		return historyOf(store, current._id, all.slice(-1));
	});
}

/**
 * The entries in the collection that are older than `latest`, followed by `latest`.
 * @param latest entries of the user's document
 */
async function historyOf(store: Store, userId: string, latest: readonly KeyHistoryEntry[]): Promise<History> {
	const stored = await store.keyHistory.findOne({ _id: userId });
	// Another call may have moved `latest` and newer entries to the collection since the user was read.
	const firstTime = latest[0]?.ts.getTime() ?? 0;
	const earlier = listOf(stored?.entries).filter(({ ts }) => ts.getTime() < firstTime);
	return { entries: [...earlier, ...latest], dropped: stored?.dropped ?? 0 };
}
