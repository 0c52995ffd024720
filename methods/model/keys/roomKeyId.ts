/** The key id of a room. The first caller who claims the key id sets it. Later only a reset replaces it. */
import type { Room } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { storedResetOf } from './resetLock.js';
import { keyIdOf } from './sealedKey.js';

/** The fields of a room that contain its key id, and show whether its key is being reset. */
export type RoomKeyFields = Pick<Room, '_id' | 'e2eKeyId' | 'e2eReset'>;

/**
 * Sets the key id of a room that has none. Of several concurrent callers, only one succeeds.
 * @returns the updated room; null if the room has a key id, is being reset, or does not exist
 */
export function claimKeyId(store: Store, rid: string, keyID: string): Promise<Room | null> {
	const whereClaimable: Filter<Room> = {
		_id: rid,
		// Older releases of Rocket.Chat stored null or an empty string for a room without a key.
		$or: [{ e2eKeyId: { $exists: false } }, { e2eKeyId: null }, { e2eKeyId: '' }],
		// Also matches a room without a lock, or whose lock has no date.
		'e2eReset.until': { $not: { $gt: new Date() } },
	};
	return store.rooms.findOneAndUpdate(whereClaimable, { $set: { e2eKeyId: keyID } }, { returnDocument: 'after' });
}

/** Reads the fields of `RoomKeyFields`; null if the room does not exist. */
export function readRoomKeyFields(store: Store, rid: string): Promise<RoomKeyFields | null> {
	return store.rooms.findOne({ _id: rid }, { projection: { e2eKeyId: 1, e2eReset: 1 } });
}

/**
 * Whether a reset of the room's key may have missed a key that was stored between two reads of the room. That is so if,
 * at the second read, a reset is in progress or the key id was replaced. Resets keep keys that begin with the new key
 * id, so these do not count.
 * @param formerKeyId the key id at the first read
 * @param after the room at the second read. Null, for a deleted room, counts as not reset
 */
export function wasResetMeanwhile(formerKeyId: Room['e2eKeyId'], after: RoomKeyFields | null, key: string): boolean {
	if (after === null) return false;
	const hasPresentKeyId = keyIdOf(key) === after.e2eKeyId;
	const reset = storedResetOf(after);
	if (reset && reset.until > new Date()) {
		const isNewKeyIdSet = reset.keyId === after.e2eKeyId;
		return !isNewKeyIdSet || !hasPresentKeyId;
	}
	const wasReset = !!formerKeyId && after.e2eKeyId !== formerKeyId;
	return wasReset && !hasPresentKeyId;
}
