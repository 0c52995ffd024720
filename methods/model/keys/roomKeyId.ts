/** The key id of a room. The first caller who claims the key id sets it. Later only a reset replaces it. */
import type { Room } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { keyIdOf } from './sealedKey.js';

/** The fields of a room that are compared before and after a key is stored, to notice a reset of the room's key. */
export type KeyedRoom = Pick<Room, '_id' | 'e2eKeyId' | 'e2eReset'>;

/**
 * Claims the key id of a room: sets it if the room has none. The check and the write are one atomic step, so only one of
 * several concurrent callers succeeds. While a reset of the room's key is in progress, only the reset can set the key id.
 * @returns the updated room; null if the room has a key id, is being reset, or does not exist
 */
export function claimKeyId(store: Store, rid: string, keyID: string): Promise<Room | null> {
	const withoutKeyId: Filter<Room> = {
		_id: rid,
		$and: [
			// Older releases of Rocket.Chat stored null or an empty string for a room without a key.
			{ $or: [{ e2eKeyId: { $exists: false } }, { e2eKeyId: null }, { e2eKeyId: '' }] },
			{ $or: [{ e2eReset: null }, { 'e2eReset.until': { $lte: new Date() } }] },
		],
	};
	return store.rooms.findOneAndUpdate(withoutKeyId, { $set: { e2eKeyId: keyID } }, { returnDocument: 'after' });
}

/** Reads the fields of `KeyedRoom`; null if the room does not exist. */
export function readKeyedRoom(store: Store, rid: string): Promise<KeyedRoom | null> {
	return store.rooms.findOne({ _id: rid }, { projection: { e2eKeyId: 1, e2eReset: 1 } });
}

/**
 * Whether a reset of the room's key may have missed a key that was stored between two reads of the room. True if a reset
 * has begun or ended meanwhile. False if the key begins with the new key id: a reset keeps such keys.
 * @param after null, for a deleted room, counts as not reset
 * @param key the sealed key that was stored
 */
export function resetMayHaveMissed(before: KeyedRoom, after: KeyedRoom | null, key: string): boolean {
	if (after === null) return false;
	const hasPresentKeyId = keyIdOf(key) === after.e2eKeyId;
	const { e2eReset } = after;
	if (e2eReset && e2eReset.until.getTime() > Date.now()) {
		// A reset keeps the keys with the new key id, once it has set that id.
		return !(hasPresentKeyId && e2eReset.keyId === after.e2eKeyId);
	}
	return !!before.e2eKeyId && after.e2eKeyId !== before.e2eKeyId && !hasPresentKeyId;
}
