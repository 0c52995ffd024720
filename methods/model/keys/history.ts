/**
 * The public keys a user ever stored, as a chain of hashes (`test/contract/beyond.md` E15): no entry can be removed, changed
 * or inserted without a change of every later hash. The newest entry stands in the user's document, where the same write
 * stores the key itself. Earlier ones are moved to a collection of their own, so that reading a user stays cheap.
 */
import { createHash } from 'node:crypto';
import type { KeyHistoryEntry, KeyLogin, User } from '../../../shared/documents.js';
import { type Filter, isDuplicateKey, type Store, type UpdateFilter } from '../../../shared/store.js';
import { listOf, sameLength } from '../lists.js';
import { isSamePublicKey } from './publicKey.js';

/** Most entries of one history, beside the newest. Older ones are dropped. */
const MAX_ENTRIES = 100;

/** Most bytes of their public keys together: 20 of the longest, or 280 of a usual length. */
const MAX_BYTES = 160 * 1024;

type Remembered = Pick<User, 'e2e' | 'e2eKeyHistory' | 'e2eRekeying'>;

/** The entries that are still there, oldest first, and how many before them were dropped. */
export interface WholeHistory {
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

/** A time later than all times in a user's history, so that no two steps of a user have the same. */
export function nextTime({ e2eKeyHistory, e2eRekeying }: Remembered): Date {
	const last = Math.max(listOf(e2eKeyHistory).at(-1)?.ts.getTime() ?? 0, e2eRekeying?.getTime() ?? 0);
	return new Date(Math.max(Date.now(), last + 1));
}

/**
 * What has to be added to a history: the present key, if a Rocket.Chat on the same database stored it, then the next one.
 * @param next the public key that is about to be stored; none where there is no new one
 * @param login how the caller who stores it is logged in
 */
export function missingEntries(user: Remembered, next?: string, login?: KeyLogin): KeyHistoryEntry[] {
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

/** A filter for a user whose document has the part of the history that was read. Entries come at its end and go at its start. */
export function sameHistory({ e2eKeyHistory }: Pick<User, 'e2eKeyHistory'>): Filter<User> {
	const [first] = listOf(e2eKeyHistory);
	return { ...sameLength('e2eKeyHistory', e2eKeyHistory), ...(first && { 'e2eKeyHistory.0.hash': first.hash }) };
}

/** The whole of an update that adds these entries and sets these fields, for a user who is as they were read. */
export function addedTo(
	{ e2eKeyHistory }: Remembered,
	entries: readonly KeyHistoryEntry[],
	$set: Readonly<Record<string, unknown>> = {},
): UpdateFilter<User> {
	// Nothing can be pushed into what is no list.
	const push = listOf(e2eKeyHistory).length > 0;
	const all = { ...$set, ...(entries.length > 0 && !push && { e2eKeyHistory: [...entries] }) };
	return {
		...(Object.keys(all).length > 0 && { $set: all }),
		...(entries.length > 0 && push && { $push: { e2eKeyHistory: { $each: [...entries] } } }),
	} as UpdateFilter<User>;
}

/**
 * Moves all entries but the newest from a user's document to the collection. Called after each addition; a crash before it
 * leaves them where they are until the next time.
 */
export async function moveEarlier(store: Store, userId: string): Promise<void> {
	const user = await store.users.findOne({ _id: userId }, { projection: { e2eKeyHistory: 1 } });
	const earlier = listOf(user?.e2eKeyHistory).slice(0, -1);
	if (earlier.length === 0) return;
	await append(store, userId, earlier);
	const hashes = earlier.map(({ hash }) => hash);
	await store.users.updateOne({ _id: userId }, {
		$pull: { e2eKeyHistory: { hash: { $in: hashes } } },
	} as UpdateFilter<User>);
}

/** Adds entries to the collection, unless another call has done so, and drops the oldest where there are too many. */
async function append(store: Store, userId: string, entries: readonly KeyHistoryEntry[]): Promise<void> {
	for (;;) {
		const stored = await store.keyHistory.findOne({ _id: userId });
		const since = stored?.entries.at(-1)?.ts.getTime() ?? 0;
		const all = [...(stored?.entries ?? []), ...entries.filter(({ ts }) => ts.getTime() > since)];
		const kept = newest(all);
		const head = kept.at(-1)?.hash ?? '';
		if (stored?.head === head) return;
		const next = { entries: kept, head, dropped: (stored?.dropped ?? 0) + all.length - kept.length };
		if (stored) {
			const { matchedCount } = await store.keyHistory.updateOne({ _id: userId, head: stored.head }, { $set: next });
			if (matchedCount > 0) return;
		} else if (await inserted(store, { _id: userId, ...next })) return;
	}
}

async function inserted(store: Store, document: Parameters<Store['keyHistory']['insertOne']>[0]): Promise<boolean> {
	try {
		await store.keyHistory.insertOne(document);
		return true;
	} catch (error) {
		if (isDuplicateKey(error)) return false;
		throw error;
	}
}

/** As many of the last entries as may be stored. */
function newest(entries: readonly KeyHistoryEntry[]): KeyHistoryEntry[] {
	let bytes = 0;
	const tooOld = entries.findLastIndex(({ public_key }, i) => {
		bytes += Buffer.byteLength(public_key);
		return entries.length - i > MAX_ENTRIES || bytes > MAX_BYTES;
	});
	return entries.slice(tooOld + 1);
}

/** Deletes the history of a user who is about to be deleted. */
export async function deleteHistory(store: Store, userId: string): Promise<void> {
	await store.keyHistory.deleteOne({ _id: userId });
}

/** What of a user makes their history. */
export const HISTORY = { 'e2e.public_key': 1, e2eKeyHistory: 1, e2eRekeying: 1 } as const;

/**
 * The history of a user, with their present public key in it: one that a Rocket.Chat on the same database stored is added.
 * @param user as it was read; if their keys have changed meanwhile it is read again
 */
export async function wholeHistory(store: Store, user: User): Promise<WholeHistory> {
	for (
		let seen: User | null = user;
		seen;
		seen = await store.users.findOne({ _id: user._id }, { projection: HISTORY })
	) {
		const entries = missingEntries(seen);
		const present = seen.e2e?.public_key;
		const unchanged = { _id: seen._id, 'e2e.public_key': present, ...sameHistory(seen) } as Filter<User>;
		const written =
			entries.length === 0 || (await store.users.updateOne(unchanged, addedTo(seen, entries))).matchedCount > 0;
		if (!written) continue;
		const all = [...listOf(seen.e2eKeyHistory), ...entries];
		if (all.length > 1) await moveEarlier(store, seen._id);
		const stored = await store.keyHistory.findOne({ _id: seen._id });
		const latest = all.slice(-1);
		const earlier = listOf(stored?.entries).filter(({ ts }) => latest[0] && ts.getTime() < latest[0].ts.getTime());
		return { entries: [...earlier, ...latest], dropped: stored?.dropped ?? 0 };
	}
	return { entries: [], dropped: 0 };
}
