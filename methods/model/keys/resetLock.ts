/**
 * The right to reset the key of a room, which one call at a time has, in whatever process (`test/contract/rocketchat-e2e.md`
 * 6.1). It is written in the room, and given back at the end; that of a call that was broken off runs out.
 */
import type { Room } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { Filter, Store, UpdateFilter } from '../../../shared/store.js';

/** How long it is good for without being renewed, in ms: far longer than a batch takes, or the clocks of servers differ. */
const LOCK_MS = 30_000;

export interface Lease {
	readonly rid: string;
	/** The key id the room had before this reset, whether or not that was begun by this call. */
	readonly formerKeyId: string | null | undefined;
	/** Shows that it is still ours. @throws ClientError `error-e2e-key-reset-failed` where another call has it by now; so do the others */
	renew(): Promise<void>;
	/** Writes to the room. @returns it as it was before */
	write(update: UpdateFilter<Room>): Promise<Room>;
	/** Gives it back. @returns the room */
	giveBack(): Promise<Room>;
	/** Leaves the work undone: whoever began it may go on, and everybody else begin anew, at once. @returns the room, if it was still ours */
	abandon(): Promise<Room | null>;
}

/**
 * Takes the lease for resetting a room's key to this key id. Whoever began that and was broken off takes it up again.
 * @throws ClientError `error-e2e-key-reset-in-progress` while another has it; `error-e2e-key-reset-failed` where the
 * room is gone or not encrypted; `error-room-e2e-key-already-exists` where it has this key id already
 */
export async function takeLease(
	store: Store,
	{ rid, userId, keyId }: { rid: string; userId: string; keyId: string },
	methodName: string,
): Promise<Lease> {
	const id = randomId();
	for (;;) {
		const room = await store.rooms.findOne({ _id: rid });
		if (room?.encrypted !== true) throw clientError('resetFailed');
		const present = resetOf(room);
		const isResumed = beganIt(room, userId, keyId);
		if (present && present.until > new Date() && !isResumed) throw clientError('resetInProgress');
		if (room.e2eKeyId === keyId && !isResumed) throw clientError('keyIdExists', { method: methodName });
		const formerKeyId = isResumed && room.e2eKeyId === keyId ? present?.formerKeyId : room.e2eKeyId;
		const until = new Date(Date.now() + LOCK_MS);
		const { matchedCount } = await store.rooms.updateOne(
			{
				_id: rid,
				encrypted: true,
				// Null stands for an absent one, too.
				e2eKeyId: room.e2eKeyId ?? null,
				...(present
					? { 'e2eReset.id': present.id, 'e2eReset.until': present.until }
					: { 'e2eReset.until': { $not: { $gt: new Date(0) } } }),
			},
			{ $set: { e2eReset: { id, userId, keyId, ...(formerKeyId && { formerKeyId }), until } } },
		);
		// Otherwise somebody else was quicker: it is asked again who may.
		if (matchedCount === 1) return leaseOf(store, rid, id, formerKeyId);
	}
}

/** The reset that stands in a room; what somebody else may have put there is none. */
function resetOf({ e2eReset }: Room): Room['e2eReset'] {
	return typeof e2eReset?.id === 'string' && e2eReset.until instanceof Date ? e2eReset : undefined;
}

/** Whether a reset to this key id is under way, or was broken off, that this user began. */
export function beganIt({ e2eReset }: Pick<Room, 'e2eReset'>, userId: string, keyId: string): boolean {
	return e2eReset?.userId === userId && e2eReset.keyId === keyId;
}

function leaseOf(store: Store, rid: string, id: string, formerKeyId: Lease['formerKeyId']): Lease {
	const ours: Filter<Room> = { _id: rid, 'e2eReset.id': id };

	async function write(update: UpdateFilter<Room>, returnDocument: 'before' | 'after' = 'before'): Promise<Room> {
		const room = await store.rooms.findOneAndUpdate(ours, update, { returnDocument });
		if (!room) throw clientError('resetFailed');
		return room;
	}

	return {
		rid,
		formerKeyId,
		async renew() {
			const until = new Date(Date.now() + LOCK_MS);
			const { matchedCount } = await store.rooms.updateOne(ours, { $set: { 'e2eReset.until': until } });
			if (matchedCount === 0) throw clientError('resetFailed');
		},
		write,
		giveBack: () => write({ $unset: { e2eReset: 1 } }, 'after'),
		abandon: () =>
			store.rooms.findOneAndUpdate(ours, { $set: { 'e2eReset.until': new Date() } }, { returnDocument: 'after' }),
	};
}
