/**
 * All public keys that a user has stored, as a hash chain (`test/contract/beyond.md` E15): no entry can be removed,
 * changed or inserted without a change of every later hash. The newest entry is in the user's document, so that one
 * write stores the key and the entry. Earlier entries are moved to a separate collection, which keeps user documents
 * small.
 */
import { createHash } from 'node:crypto';
import type { KeyHistoryEntry, KeyLogin, User } from '../../../shared/documents.js';
import { type Filter, isDuplicateKey, type Store, type UpdateFilter } from '../../../shared/store.js';
import { listOf, sameLength } from '../lists.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';
import { isSamePublicKey } from './publicKey.js';

/** Maximum number of entries of one history, without the newest. The oldest are dropped. */
const MAX_ENTRIES = 100;

/** Maximum total size of their public keys, in bytes: 20 of the longest, or 280 of a usual length. */
const MAX_BYTES = 160 * 1024;

type HistoryFields = Pick<User, 'e2e' | 'e2eKeyHistory' | 'e2eRekeying'>;

/** The stored entries, oldest first, and the number of entries dropped before them. */
export interface History {
	readonly entries: readonly KeyHistoryEntry[];
	readonly dropped: number;
}

/**
 * The hash of an entry: hex SHA-256 of the UTF-8 text of three lines, which are the hash of the entry before (empty in the
 * first), the time in ms since 1970, and the public key as it was stored. A client can compute it from the list.
 */
export function hashOf({ previous, ts, public_key }: Omit<KeyHistoryEntry, 'hash'>): string {
	return createHash('sha256').update(`${previous}\n${ts.getTime()}\n${public_key}`).digest('hex');
}

/** A time later than every time in a user's history, so that times are unique within a history. */
export function nextTime({ e2eKeyHistory, e2eRekeying }: HistoryFields): Date {
	const last = Math.max(listOf(e2eKeyHistory).at(-1)?.ts.getTime() ?? 0, e2eRekeying?.getTime() ?? 0);
	return new Date(Math.max(Date.now(), last + 1));
}

/**
 * Returns the entries to add to a history: the present key, if a Rocket.Chat server on the same database stored it,
 * then the next key.
 * @param next the public key that is about to be stored, if there is one
 * @param login how the caller who stores it is logged in
 */
export function missingEntries(user: HistoryFields, next?: string, login?: KeyLogin): KeyHistoryEntry[] {
	const present = user.e2e?.public_key;
	const last = listOf(user.e2eKeyHistory).at(-1);
	const keys: Pick<KeyHistoryEntry, 'public_key' | 'login'>[] = [];
	if (present && !isSamePublicKey(present, last?.public_key)) keys.push({ public_key: present });
	if (next !== undefined && !isSamePublicKey(next, present)) keys.push({ public_key: next, ...(login && { login }) });
	let previous = last?.hash ?? '';
	let time = nextTime(user).getTime();
	return keys.map((key) => {
		const entry = { ...key, ts: new Date(time++), previous };
		previous = hashOf(entry);
		return { ...entry, hash: previous };
	});
}

/**
 * Matches the user document only if its part of the history is unchanged. Entries are appended at the end and removed
 * at the start.
 */
export function unchangedHistory({ e2eKeyHistory }: Pick<User, 'e2eKeyHistory'>): Filter<User> {
	const [first] = listOf(e2eKeyHistory);
	return { ...sameLength('e2eKeyHistory', e2eKeyHistory), ...(first && { 'e2eKeyHistory.0.hash': first.hash }) };
}

/** Builds the update that adds these entries and sets these fields, for an unchanged user document. */
export function appendUpdate(
	{ e2eKeyHistory }: HistoryFields,
	entries: readonly KeyHistoryEntry[],
	$set: Readonly<Record<string, unknown>> = {},
): UpdateFilter<User> {
	// `$push` fails on a value that is not an array.
	const push = listOf(e2eKeyHistory).length > 0;
	const all = { ...$set, ...(entries.length > 0 && !push && { e2eKeyHistory: [...entries] }) };
	return {
		...(Object.keys(all).length > 0 && { $set: all }),
		...(entries.length > 0 && push && { $push: { e2eKeyHistory: { $each: [...entries] } } }),
	};
}

/**
 * Moves all entries but the newest from a user's document to the collection. Called after each addition; after a crash
 * they stay in the user's document until the next call.
 */
export async function moveEarlierEntries(store: Store, userId: string): Promise<void> {
	const user = await store.users.findOne({ _id: userId }, { projection: { e2eKeyHistory: 1 } });
	const earlier = listOf(user?.e2eKeyHistory).slice(0, -1);
	if (earlier.length === 0) return;
	await append(store, userId, earlier);
	const hashes = earlier.map(({ hash }) => hash);
	await store.users.updateOne(
		{ _id: userId },
		{
			$pull: { e2eKeyHistory: { hash: { $in: hashes } } },
		},
		{ silent: true },
	);
}

/** Adds entries to the collection, unless another call has added them, and drops the oldest above the limit. */
function append(store: Store, userId: string, entries: readonly KeyHistoryEntry[]): Promise<void> {
	return retryOnConflict(async () => {
		const stored = await store.keyHistory.findOne({ _id: userId });
		const since = stored?.entries.at(-1)?.ts.getTime() ?? 0;
		const all = [...(stored?.entries ?? []), ...entries.filter(({ ts }) => ts.getTime() > since)];
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
		return (await inserted(store, { _id: userId, ...next })) ? undefined : CONFLICT;
	});
}

async function inserted(store: Store, document: Parameters<Store['keyHistory']['insertOne']>[0]): Promise<boolean> {
	try {
		await store.keyHistory.insertOne(document, { silent: true });
		return true;
	} catch (error) {
		if (isDuplicateKey(error)) return false;
		throw error;
	}
}

/** The newest entries within the limits. */
function newestEntries(entries: readonly KeyHistoryEntry[]): KeyHistoryEntry[] {
	let bytes = 0;
	const tooOld = entries.findLastIndex(({ public_key }, i) => {
		bytes += Buffer.byteLength(public_key);
		return entries.length - i > MAX_ENTRIES || bytes > MAX_BYTES;
	});
	return entries.slice(tooOld + 1);
}

/** Deletes the history of a user who is about to be deleted. */
export async function deleteHistory(store: Store, userId: string): Promise<void> {
	await store.keyHistory.deleteOne({ _id: userId }, { silent: true });
}

/** The fields of a user document that contain the history. */
export const HISTORY = { 'e2e.public_key': 1, e2eKeyHistory: 1, e2eRekeying: 1 } as const;

/**
 * Reads the history of a user. Adds the present public key if a Rocket.Chat server on the same database stored it.
 * @param user as it was read; it is read again if the keys have changed meanwhile
 */
export function readHistory(store: Store, user: User): Promise<History> {
	return retryOnConflict(async (attempt) => {
		const seen = attempt === 1 ? user : await store.users.findOne({ _id: user._id }, { projection: HISTORY });
		if (!seen) return { entries: [], dropped: 0 };
		const entries = missingEntries(seen);
		const present = seen.e2e?.public_key;
		const unchanged = { _id: seen._id, 'e2e.public_key': present, ...unchangedHistory(seen) };
		const written =
			entries.length === 0 ||
			(await store.users.updateOne(unchanged, appendUpdate(seen, entries), { silent: true })).matchedCount > 0;
		if (!written) return CONFLICT;
		const all = [...listOf(seen.e2eKeyHistory), ...entries];
		if (all.length > 1) await moveEarlierEntries(store, seen._id);
		const stored = await store.keyHistory.findOne({ _id: seen._id });
		const latest = all.slice(-1);
		const earlier = listOf(stored?.entries).filter(({ ts }) => latest[0] && ts.getTime() < latest[0].ts.getTime());
		return { entries: [...earlier, ...latest], dropped: stored?.dropped ?? 0 };
	});
}
