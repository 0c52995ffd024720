/**
 * The lock on resetting the key of a room (`test/contract/rocketchat-e2e.md` 6.1). One call at a time has it, over all
 * processes. It is stored in the room and released at the end. The lock of an interrupted call expires.
 */
import type { Room } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { Filter, Store, UpdateFilter } from '../../../shared/store.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';

/**
 * How long the lock is valid without renewal, in ms: far longer than a batch takes, and than the clock skew between
 * servers.
 */
const LOCK_MS = 30_000;

export interface ResetLock {
	readonly rid: string;
	/** The key id the room had before this reset, whether this call or an earlier one began it. */
	readonly formerKeyId: string | null | undefined;
	/**
	 * Extends the lock. @throws ClientError `error-e2e-key-reset-failed` if another call has taken it; `write` and
	 * `release` throw it too
	 */
	renew(): Promise<void>;
	/** Writes to the room silently, if the lock is still held. @returns the room before the write */
	write(update: UpdateFilter<Room>): Promise<Room>;
	/** Ends the reset. The members are notified. */
	release(): Promise<void>;
	/**
	 * Ends the lock without completing the reset: the caller may resume it, and any other caller may begin a new one.
	 * Silent. @returns the room, if the lock was still held
	 */
	abandon(): Promise<Room | null>;
}

/**
 * Takes the lock for resetting a room's key to this key id. A caller whose reset was interrupted resumes it.
 * @throws ClientError `error-e2e-key-reset-in-progress` while another caller has it; `error-e2e-key-reset-failed` if
 * the room does not exist or is not encrypted; `error-room-e2e-key-already-exists` if it already has this key id
 */
export function takeResetLock(
	store: Store,
	{ rid, userId, keyId }: { rid: string; userId: string; keyId: string },
): Promise<ResetLock> {
	const id = randomId();
	return retryOnConflict(async () => {
		const room = await store.rooms.findOne({ _id: rid });
		if (room?.encrypted !== true) throw clientError('resetFailed');
		const present = resetOf(room);
		const isResumed = hasBegun(room, userId, keyId);
		if (present && present.until > new Date() && !isResumed) throw clientError('resetInProgress');
		if (room.e2eKeyId === keyId && !isResumed) throw clientError('keyIdExists');
		const formerKeyId = isResumed && room.e2eKeyId === keyId ? present?.formerKeyId : room.e2eKeyId;
		const until = new Date(Date.now() + LOCK_MS);
		const { matchedCount } = await store.rooms.updateOne(
			{
				_id: rid,
				encrypted: true,
				// Null also matches an absent field.
				e2eKeyId: room.e2eKeyId ?? null,
				...(present
					? { 'e2eReset.id': present.id, 'e2eReset.until': present.until }
					: { 'e2eReset.until': { $not: { $gt: new Date(0) } } }),
			},
			{ $set: { e2eReset: { id, userId, keyId, ...(formerKeyId && { formerKeyId }), until } } },
			{ silent: true },
		);
		return matchedCount === 1 ? lockOf(store, rid, id, formerKeyId) : CONFLICT;
	});
}

/** The reset that is stored in a room; undefined if the field is absent or malformed. */
function resetOf({ e2eReset }: Room): Room['e2eReset'] {
	return typeof e2eReset?.id === 'string' && e2eReset.until instanceof Date ? e2eReset : undefined;
}

/** Whether this user has begun a reset to this key id that is still in progress or was interrupted. */
export function hasBegun({ e2eReset }: Pick<Room, 'e2eReset'>, userId: string, keyId: string): boolean {
	return e2eReset?.userId === userId && e2eReset.keyId === keyId;
}

function lockOf(store: Store, rid: string, id: string, formerKeyId: ResetLock['formerKeyId']): ResetLock {
	const whileLocked: Filter<Room> = { _id: rid, 'e2eReset.id': id };

	async function write(update: UpdateFilter<Room>, silent = true): Promise<Room> {
		const room = await store.rooms.findOneAndUpdate(whileLocked, update, { returnDocument: 'before', silent });
		if (!room) throw clientError('resetFailed');
		return room;
	}

	return {
		rid,
		formerKeyId,
		async renew() {
			const until = new Date(Date.now() + LOCK_MS);
			const extended = { $set: { 'e2eReset.until': until } };
			const { matchedCount } = await store.rooms.updateOne(whileLocked, extended, { silent: true });
			if (matchedCount === 0) throw clientError('resetFailed');
		},
		write,
		async release() {
			await write({ $unset: { e2eReset: 1 } }, false);
		},
		abandon: () =>
			store.rooms.findOneAndUpdate(
				whileLocked,
				{ $set: { 'e2eReset.until': new Date() } },
				{ returnDocument: 'after', silent: true },
			),
	};
}
