/**
 * The lock for resetting the key of a room (`test/contract/rocketchat-e2e.md` 6.1), in the field `e2eReset` of the
 * room. Only one call in all processes has it. The lock of an interrupted call expires, but stays stored: the same
 * caller can resume the reset.
 */
import type { Room } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { Filter, Store, UpdateFilter } from '../../../shared/store.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';

/**
 * How long the lock is valid without renewal, in ms. It exceeds the work between two renewals, and the difference
 * between the clocks of two servers.
 */
const LOCK_MS = 30_000;

export interface ResetLock {
	readonly rid: string;
	/** The key id that the room had before the reset, even if an earlier call began the reset. */
	readonly formerKeyId: string | null | undefined;
	/**
	 * Extends the validity of the lock.
	 * @throws ClientError `error-e2e-key-reset-failed` if another call has taken the lock, or the room was deleted.
	 * `write` and `release` throw it too
	 */
	renew(): Promise<void>;
	/** Updates the room if this call still has the lock. Does not notify the room. @returns the room before the update */
	write(update: UpdateFilter<Room>): Promise<Room>;
	/** Completes the reset and removes the lock. The members of the room are notified. */
	release(): Promise<void>;
	/**
	 * Lets the lock expire now, without completing the reset. The same caller may resume it, and others may begin a new
	 * one. Notifies nobody.
	 * @returns the room; null if this call has lost the lock
	 */
	abandon(): Promise<Room | null>;
}

/**
 * Takes the lock for resetting the key of a room. A caller who has begun a reset to the same key id takes over its
 * lock, valid or expired.
 * @param keyId the new key id
 * @throws ClientError `error-e2e-key-reset-in-progress` while a reset by another caller or to another key id has the
 * lock; `error-e2e-key-reset-failed` if the room does not exist or is not encrypted;
 * `error-room-e2e-key-already-exists` if the room already has this key id and the caller has not begun a reset to it
 */
export function takeResetLock(
	store: Store,
	{ rid, userId, keyId }: { rid: string; userId: string; keyId: string },
): Promise<ResetLock> {
	const id = randomId();
	return retryOnConflict(async () => {
		const room = await store.rooms.findOne({ _id: rid });
		if (room?.encrypted !== true) throw clientError('resetFailed');
		const existing = storedResetOf(room);
		const isResumed = hasBegunReset(room, userId, keyId);
		const isLocked = existing && existing.until > new Date();
		if (isLocked && !isResumed) throw clientError('resetInProgress');
		if (room.e2eKeyId === keyId && !isResumed) throw clientError('keyIdExists');
		// An earlier call of this reset may have set the new key id already. Then only its lock contains the former one.
		const formerKeyId = isResumed && room.e2eKeyId === keyId ? existing?.formerKeyId : room.e2eKeyId;
		const until = new Date(Date.now() + LOCK_MS);
		const { matchedCount } = await store.rooms.updateOne(
			{
				_id: rid,
				encrypted: true,
				// Null also matches an absent field.
				e2eKeyId: room.e2eKeyId ?? null,
				...whereSameLock(room),
			},
			{ $set: { e2eReset: { id, userId, keyId, ...(formerKeyId && { formerKeyId }), until } } },
			{ silent: true },
		);
		return matchedCount === 1 ? lockOf(store, rid, id, formerKeyId) : CONFLICT;
	});
}

/** The lock that is stored in a room, valid or expired; undefined if the field is absent or malformed. */
export function storedResetOf({ e2eReset }: Pick<Room, 'e2eReset'>): Room['e2eReset'] {
	return typeof e2eReset?.id === 'string' && e2eReset.until instanceof Date ? e2eReset : undefined;
}

/** Matches while the room still has the lock that was read, or still has none. */
function whereSameLock(room: Room): Filter<Room> {
	const existing = storedResetOf(room);
	if (existing) return { 'e2eReset.id': existing.id, 'e2eReset.until': existing.until };
	// A malformed lock of another program can have any form, and no filter covers all of them. So it is replaced without a
	// condition. If two calls replace it, the first of them fails when it uses its own lock.
	if (room.e2eReset) return {};
	return { 'e2eReset.until': { $not: { $gt: new Date(0) } } };
}

/** Whether this user has begun a reset to this key id and not completed it. */
export function hasBegunReset(room: Pick<Room, 'e2eReset'>, userId: string, keyId: string): boolean {
	const existing = storedResetOf(room);
	return existing?.userId === userId && existing.keyId === keyId;
}

/** The lock with this id. Its functions change the room only while the stored lock has this id. */
function lockOf(store: Store, rid: string, id: string, formerKeyId: ResetLock['formerKeyId']): ResetLock {
	const whereLocked: Filter<Room> = { _id: rid, 'e2eReset.id': id };

	async function write(update: UpdateFilter<Room>, silent = true): Promise<Room> {
		const room = await store.rooms.findOneAndUpdate(whereLocked, update, { returnDocument: 'before', silent });
		if (!room) throw clientError('resetFailed');
		return room;
	}

	return {
		rid,
		formerKeyId,
		async renew() {
			const until = new Date(Date.now() + LOCK_MS);
			const extended = { $set: { 'e2eReset.until': until } };
			const { matchedCount } = await store.rooms.updateOne(whereLocked, extended, { silent: true });
			if (matchedCount === 0) throw clientError('resetFailed');
		},
		write,
		async release() {
			await write({ $unset: { e2eReset: 1 } }, false);
		},
		abandon: () =>
			store.rooms.findOneAndUpdate(
				whereLocked,
				{ $set: { 'e2eReset.until': new Date() } },
				{ returnDocument: 'after', silent: true },
			),
	};
}
