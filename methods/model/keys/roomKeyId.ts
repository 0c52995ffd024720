/** The key id of a room: the first caller to claim it sets it; a reset replaces it. */
import type { Room } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { keyIdOf } from './sealedKey.js';

/** The fields of a room that are checked before a key is stored. */
export type KeyedRoom = Pick<Room, '_id' | 'e2eKeyId' | 'e2eReset'>;

/**
 * Claims the key id of a room that has none yet. The filter and the write are one atomic step, so one of several
 * concurrent callers succeeds. Older releases of Rocket.Chat stored null or an empty string for a room without a key.
 * While a reset of the room is in progress, only the reset can set the key id.
 * @returns the updated room; null if another caller was first
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

/** Reads the fields of a room that are checked before and after a key is stored. */
export function keyedRoom(store: Store, rid: string): Promise<KeyedRoom | null> {
	return store.rooms.findOne({ _id: rid }, { projection: { e2eKeyId: 1, e2eReset: 1 } });
}

/**
 * Whether a reset of the room's key has begun or ended since the room was read. If so, the reset may have missed a key
 * that was stored meanwhile.
 */
export function wasReset(before: KeyedRoom, after: KeyedRoom | null, key: string): boolean {
	if (after === null) return false;
	const isNewest = keyIdOf(key) === after.e2eKeyId;
	const { e2eReset } = after;
	if (e2eReset && e2eReset.until.getTime() > Date.now()) {
		// After it has set the new key id, the reset keeps keys with that id.
		return !(isNewest && e2eReset.keyId === after.e2eKeyId);
	}
	return !!before.e2eKeyId && after.e2eKeyId !== before.e2eKeyId && !isNewest;
}
