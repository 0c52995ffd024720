/** The key id of a room: the first caller to claim it sets it; a reset replaces it. */
import type { Room } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { keyIdOf } from './sealedKey.js';

/** What is to be known of a room before a key is stored in it. */
export type KeyedRoom = Pick<Room, '_id' | 'e2eKeyId' | 'e2eReset'>;

/**
 * Claims the key id of a room that has none yet. The filter is the rule: it is tested and written in one step, so of any
 * number of callers one succeeds. Older releases of Rocket.Chat left null or an empty string where a room has no key.
 * While a reset of the room is about to set one, nobody else does.
 * @returns the room as it then is; null for a caller who came too late
 */
export function claimKeyId(store: Store, rid: string, keyID: string): Promise<Room | null> {
	const free: Filter<Room> = {
		_id: rid,
		$and: [
			{ $or: [{ e2eKeyId: { $exists: false } }, { e2eKeyId: null }, { e2eKeyId: '' }] },
			{ $or: [{ e2eReset: null }, { 'e2eReset.until': { $lte: new Date() } }] },
		],
	};
	return store.rooms.findOneAndUpdate(free, { $set: { e2eKeyId: keyID } }, { returnDocument: 'after' });
}

/** Reads what is to be known of a room before, and again after, a key is stored in it. */
export function keyedRoom(store: Store, rid: string): Promise<KeyedRoom | null> {
	return store.rooms.findOne({ _id: rid }, { projection: { e2eKeyId: 1, e2eReset: 1 } });
}

/**
 * Whether the key of a room was reset, or is being reset, since the room was read: a key stored meanwhile may be one that the
 * reset has missed.
 */
export function wasReset(before: KeyedRoom, after: KeyedRoom | null, key: string): boolean {
	if (after === null) return false;
	const isNewest = keyIdOf(key) === after.e2eKeyId;
	const { e2eReset } = after;
	if (e2eReset && e2eReset.until.getTime() > Date.now()) {
		// Once it has set the new key id, it leaves the keys of that id alone.
		return !(isNewest && e2eReset.keyId === after.e2eKeyId);
	}
	return !!before.e2eKeyId && after.e2eKeyId !== before.e2eKeyId && !isNewest;
}
