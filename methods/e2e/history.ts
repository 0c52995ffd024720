/**
 * The public keys a user ever stored, as a chain (`test/contract/beyond.md` E15): nobody can take one out, change it or slip
 * one in, without every hash after it being another.
 */
import { createHash } from 'node:crypto';
import type { KeyHistoryEntry, User } from '../../shared/documents.js';
import type { Filter, Store, UpdateFilter } from '../../shared/store.js';
import { listOf, sameLength } from '../lists.js';

/** Most text of public keys in one history, in bytes: what a user is stored in can be 16 MB and no more. */
const MAX_BYTES = 4 * 1024 * 1024;

type Remembered = Pick<User, 'e2e' | 'e2eKeyHistory' | 'e2eRekeying'>;

/**
 * The hash of an entry: hex SHA-256 of the UTF-8 text of three lines, which are the hash of the entry before (empty in the
 * first), the time in ms since 1970, and the public key as it was stored. Whoever has the list can reckon it out.
 */
export function hashOf({ previous, ts, public_key }: Omit<KeyHistoryEntry, 'hash'>): string {
	return createHash('sha256').update(`${previous}\n${ts.getTime()}\n${public_key}`).digest('hex');
}

/** A time later than all that stands in a user's history, so that no two steps of a user have the same. */
export function nextTime({ e2eKeyHistory, e2eRekeying }: Remembered): Date {
	const last = Math.max(listOf(e2eKeyHistory).at(-1)?.ts.getTime() ?? 0, e2eRekeying?.getTime() ?? 0);
	return new Date(Math.max(Date.now(), last + 1));
}

/**
 * What has to be added to a history: the present key, if a Rocket.Chat on the same database stored it, then the next one.
 * Nothing where the history is full.
 * @param next the public key that is about to be stored; none where there is no new one
 */
export function missingEntries(user: Remembered, next?: string): KeyHistoryEntry[] {
	const present = user.e2e?.public_key;
	const history = listOf(user.e2eKeyHistory);
	const last = history.at(-1);
	const keys = [
		...(present && present !== last?.public_key ? [present] : []),
		...(next === undefined || next === present ? [] : [next]),
	];
	if (bytesOf([...history.map((entry) => entry.public_key), ...keys]) > MAX_BYTES) return [];
	let previous = last?.hash ?? '';
	let time = nextTime(user).getTime();
	return keys.map((public_key) => {
		const entry = { public_key, ts: new Date(time++), previous };
		previous = hashOf(entry);
		return { ...entry, hash: previous };
	});
}

function bytesOf(keys: readonly string[]): number {
	return keys.reduce((sum, key) => sum + Buffer.byteLength(key), 0);
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

/** What of a user makes their history. */
export const HISTORY = { 'e2e.public_key': 1, e2eKeyHistory: 1, e2eRekeying: 1 } as const;

/**
 * The history of a user, with their present public key in it: one that a Rocket.Chat on the same database stored is added.
 * @param user as it was read; if their keys have changed meanwhile it is read again
 */
export async function wholeHistory(store: Store, user: User): Promise<readonly KeyHistoryEntry[]> {
	for (
		let seen: User | null = user;
		seen;
		seen = await store.users.findOne({ _id: user._id }, { projection: HISTORY })
	) {
		const { e2e, e2eKeyHistory } = seen;
		const entries = missingEntries(seen);
		if (entries.length === 0) return listOf(e2eKeyHistory);
		const unchanged = {
			_id: seen._id,
			'e2e.public_key': e2e?.public_key,
			...sameLength('e2eKeyHistory', e2eKeyHistory),
		} as Filter<User>;
		const { matchedCount } = await store.users.updateOne(unchanged, addedTo(seen, entries));
		if (matchedCount > 0) return [...listOf(e2eKeyHistory), ...entries];
	}
	return [];
}
