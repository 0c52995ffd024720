/** The key id of a room: who names it first, and whether it is still the one that a key was meant for. */
import type { Room } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Filter, Store } from '../../../shared/store.js';
import { MAX_KEY_ID_LENGTH } from './limits.js';
import { keyIdOf } from './sealedKey.js';

/** What is to be known of a room before a key is stored in it. */
export type KeyedRoom = Pick<Room, '_id' | 'e2eKeyId' | 'e2eReset'>;

/** Whether a value can be a key id. */
export function isKeyId(value: unknown): value is string {
	return typeof value === 'string' && value !== '' && value.length <= MAX_KEY_ID_LENGTH;
}

/** @throws ClientError `error-invalid-key-id` for an empty key id, or one that is too long */
export function requireValidKeyId(keyID: string, methodName: string): void {
	if (!isKeyId(keyID)) throw clientError('invalidKeyId', { method: methodName });
}

/**
 * Names the key of a room that has none yet. The filter is the rule: it is tested and written in one step, so of any
 * number of callers one succeeds. Older releases of Rocket.Chat left null or an empty string where a room has no key.
 * While a reset of the room is about to name one, nobody else does.
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
 * Whether the key of a room was reset, or is being reset, since the room was looked at: a key stored meanwhile may be
 * one that the reset has passed by.
 */
export function wasReset(before: KeyedRoom, after: KeyedRoom | null, key: string): boolean {
	if (after === null) return false;
	const isNewest = keyIdOf(key) === after.e2eKeyId;
	const { e2eReset } = after;
	if (e2eReset && e2eReset.until.getTime() > Date.now()) {
		// Once it has named the new key, it leaves those alone that are of it.
		return !(isNewest && e2eReset.keyId === after.e2eKeyId);
	}
	return !!before.e2eKeyId && after.e2eKeyId !== before.e2eKeyId && !isNewest;
}
