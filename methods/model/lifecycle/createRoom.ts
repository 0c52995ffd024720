/** Creates channels and private groups. */

import type { Room } from '../../../shared/documents.js';
import { clientError, isClientSafe } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { MethodContext } from '../../../shared/method.js';
import { exists } from '../exists.js';
import { insertIfAbsent } from '../insertIfAbsent.js';
import { enqueueKeyless } from '../keys/queue.js';
import { isEncryptionEnabled } from '../rooms/clientRoom.js';
import { throwIfAborted } from '../signal.js';
import { addMembership, type Newcomer, userRefOf } from './addMember.js';
import { deleteOrphanedMemberships, deleteRoom } from './deleteRoom.js';

/** A room that still has no membership after this time, in ms, was left by an interrupted creation. */
const MAX_CREATION_MS = 60_000;

type Context = Pick<MethodContext, 'store' | 'events' | 'signal'>;

/** The fields of a new room that the caller chooses. */
export type NewRoom = Required<Pick<Room, 't' | 'name'>> & Partial<Room>;

/** Removes the room with the same name and owner, if its creation was interrupted before the first membership. */
async function removeInterrupted({ store }: Context, { name, t, u }: Room): Promise<void> {
	// A team's main room and a default channel are kept even without members (`lastMember.ts`).
	const isKept = [{ teamMain: true }, { default: true }];
	const existing = await store.rooms.findOne({ name: name as string, t, 'u._id': u?._id as string, $nor: isKept });
	if (!existing?.ts || existing.ts.getTime() > Date.now() - MAX_CREATION_MS) return;
	if (await exists(store.subscriptions, { rid: existing._id })) return;
	await store.rooms.deleteOne({ _id: existing._id });
}

/**
 * Stores a room, if its name is free.
 * @throws ClientError `error-duplicate-channel-name`
 */
async function insertRoom(context: Context, room: Room): Promise<void> {
	if (await insertIfAbsent(context.store.rooms, room, { silent: true })) return;
	await removeInterrupted(context, room);
	if (!(await insertIfAbsent(context.store.rooms, room, { silent: true }))) throw clientError('duplicateRoomName');
}

/** @returns the number of users who could not become members, because they do not exist any more */
async function addFirstMembers(context: Context, room: Room, owner: Newcomer, others: readonly Newcomer[]) {
	await addMembership(context.store, room, owner, { roles: ['owner'] });
	let missingUserCount = 0;
	for (const member of others) {
		throwIfAborted(context.signal);
		try {
			await addMembership(context.store, room, member);
		} catch (error) {
			// A client error means that the user does not exist any more.
			if (!isClientSafe(error)) throw error;
			missingUserCount++;
		}
	}
	return missingUserCount;
}

/**
 * Creates a room with an owner and members, and notifies them. Members of an encrypted room are queued for its key.
 * Users in `others` who do not exist any more are skipped. After another failure, the room is removed again.
 * @param others the members apart from the owner, without duplicates
 * @throws ClientError `error-duplicate-channel-name` for a taken name; `error-invalid-user` if the owner does not exist
 * any more; `error-room-not-found` if another call deletes the new room
 */
export async function createRoom(
	context: Context,
	fields: NewRoom,
	owner: Newcomer,
	others: readonly Newcomer[],
): Promise<Room> {
	const { store, events } = context;
	const room: Room = {
		_id: randomId(),
		fname: fields.name,
		u: userRefOf(owner),
		msgs: 0,
		usersCount: others.length + 1,
		ts: new Date(),
		ro: false,
		default: false,
		sysMes: true,
		customFields: {},
		...fields,
	};
	await insertRoom(context, room);
	let missingUserCount: number;
	try {
		missingUserCount = await addFirstMembers(context, room, owner, others);
	} catch (error) {
		// Without the signal: an aborted call must delete the room too.
		await deleteRoom({ store, events }, room, owner._id);
		throw error;
	}
	// Written even if nobody is missing, because the write sets `_updatedAt`. Clients ask for rooms changed since a time,
	// so `_updatedAt` must be later than the memberships.
	const created = await store.rooms.findOneAndUpdate(
		{ _id: room._id },
		{ $inc: { usersCount: 0 - missingUserCount } },
		{ returnDocument: 'after', silent: true },
	);
	if (!created) {
		await deleteOrphanedMemberships({ store, events }, room._id);
		throw clientError('roomNotFound');
	}
	await store.rooms.announce('inserted', created);
	if (room.encrypted && (await isEncryptionEnabled(store))) await enqueueKeyless(store, room._id);
	return created;
}
