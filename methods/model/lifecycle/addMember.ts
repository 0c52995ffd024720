/** Makes users members of rooms (`test/contract/beyond.md` E10). */

import type { Room, Subscription, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { isDuplicateKey } from '../../../shared/storeErrors.js';
import { exists } from '../exists.js';
import { enqueue } from '../keys/queue.js';
import { addRoomToUser, removeRoomFromUser } from '../memberships/members.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';
import { isEncryptionEnabled } from '../rooms/clientRoom.js';

type Context = Pick<MethodContext, 'store' | 'events'>;

/** A user who becomes a member. */
export type Newcomer = Pick<User, '_id' | 'username' | 'name'>;

/** A reference to a user, as other documents contain it. */
export function userRefOf({ _id, username, name }: Newcomer): Subscription['u'] {
	return { _id, ...(username !== undefined && { username }), ...(name !== undefined && { name }) };
}

/** A membership with the values that Rocket.Chat gives a new one. */
function newMembership(
	{ _id: rid, t, name, fname }: Room,
	newcomer: Newcomer,
	extraFields: Partial<Subscription>,
): Subscription {
	const now = new Date();
	return {
		_id: randomId(),
		rid,
		u: userRefOf(newcomer),
		t,
		...(name !== undefined && { name }),
		...(fname !== undefined && { fname }),
		open: true,
		alert: false,
		unread: 0,
		userMentions: 0,
		groupMentions: 0,
		ts: now,
		ls: now,
		...extraFields,
	};
}

/** A new membership, or the membership of an invited user who has accepted. */
interface NewMembership {
	readonly membership: Subscription;
	readonly action: 'inserted' | 'updated';
}

/** Maximum number of attempts, because an additional unique index of the database could reject every insert. */
const MAX_ATTEMPTS = 5;

/**
 * Inserts the membership, or accepts the user's invitation. The unique index allows one membership for each user and
 * room.
 * @returns null if the user is a member already
 */
function insertOrAccept(store: Store, membership: Subscription): Promise<NewMembership | null> {
	return retryOnConflict(async (attemptNumber) => {
		try {
			await store.subscriptions.insertOne(membership, { silent: true });
			return { membership, action: 'inserted' };
		} catch (error) {
			if (!isDuplicateKey(error) || attemptNumber === MAX_ATTEMPTS) throw error;
		}
		const whereOwn = { rid: membership.rid, 'u._id': membership.u._id };
		const accepted = await store.subscriptions.findOneAndUpdate(
			{ ...whereOwn, status: 'INVITED' },
			{ $set: { open: true, ts: new Date() }, $unset: { status: 1 } },
			{ returnDocument: 'after', silent: true },
		);
		if (accepted) return { membership: accepted, action: 'updated' };
		return (await exists(store.subscriptions, whereOwn)) ? null : CONFLICT;
	});
}

interface Named {
	readonly room: Pick<Room, 'name' | 'fname'>;
	readonly newcomer: Pick<User, 'username'>;
}

/**
 * Replaces the names in a new membership, if the room or the user was renamed before the membership was stored. A later
 * change of a name finds the membership (`renameRoom`, `propagateNames`).
 */
async function renameIfOutdated(store: Store, { _id }: Subscription, read: Named, present: Named): Promise<void> {
	const { name, fname = name } = present.room;
	if (name !== undefined && read.room.name !== undefined && name !== read.room.name)
		await store.subscriptions.updateOne({ _id, name: read.room.name }, { $set: { name, fname } }, { silent: true });
	const { username } = present.newcomer;
	const former = read.newcomer.username;
	if (username !== undefined && former !== undefined && username !== former)
		await store.subscriptions.updateOne(
			{ _id, 'u.username': former },
			{ $set: { 'u.username': username } },
			{ silent: true },
		);
}

/**
 * Makes a user a member of a room, unless they are one already. Notifies the user. The calling code notifies the room
 * and changes its member count.
 * @param extraFields additional fields of the membership, such as `roles`
 * @param updateRoom called after the membership was stored. Returns the present room, or null if it was deleted. Then
 * the membership is removed again
 * @returns whether the user has become a member
 * @throws ClientError `error-room-not-found` if the room does not exist any more; `error-invalid-user` if the user does
 * not
 */
export async function addMembership(
	store: Store,
	room: Room,
	newcomer: Newcomer,
	extraFields: Partial<Subscription> = {},
	updateRoom: () => Promise<Room | null> = async () => room,
): Promise<boolean> {
	const created = await insertOrAccept(store, newMembership(room, newcomer, extraFields));
	if (!created) return false;
	const { membership, action } = created;
	const presentUser = await addRoomToUser(store, newcomer._id, room._id);
	const presentRoom = presentUser && (await updateRoom());
	if (!presentRoom) {
		const { deletedCount } = await store.subscriptions.deleteOne({ _id: membership._id }, { silent: true });
		// If another call has removed the membership first, it has decremented the member count. This is undone, because
		// the calling code changes the count.
		if (deletedCount === 0) await store.rooms.updateOne({ _id: room._id }, { $inc: { usersCount: 1 } });
		await removeRoomFromUser(store, newcomer._id, room._id);
		throw clientError(presentUser ? 'roomNotFound' : 'invalidUser');
	}
	await renameIfOutdated(store, membership, { room, newcomer }, { room: presentRoom, newcomer: presentUser });
	// Another call may have removed the membership already, and notified the user. No notification of the new membership
	// may follow.
	if (!(await exists(store.subscriptions, { _id: membership._id }))) {
		await removeRoomFromUser(store, newcomer._id, room._id);
		return false;
	}
	await store.subscriptions.announce(action, membership);
	return true;
}

/**
 * Makes a user a member of an existing room and notifies the members. In an encrypted room the user is queued. In a
 * room with a key id, encrypted or not, the others are asked for the key (`test/contract/rocketchat-e2e.md` 5.7, 10.4).
 * A crash can leave the member count one too low; no rule depends on this count.
 * @throws ClientError as `addMembership` does
 */
export async function addMember(context: Context, room: Room, newcomer: Newcomer): Promise<void> {
	const { store, events } = context;
	let updated: Room | null = null;
	const isNew = await addMembership(store, room, newcomer, {}, async () => {
		updated = await store.rooms.findOneAndUpdate(
			{ _id: room._id },
			{ $inc: { usersCount: 1 } },
			{ returnDocument: 'after', silent: true },
		);
		return updated;
	});
	// TypeScript does not see the assignment in the callback.
	const { _id: rid, encrypted, e2eKeyId } = (updated as Room | null) ?? room;
	const encryptionEnabled = await isEncryptionEnabled(store);
	// Also for an existing member: an earlier call may have crashed before it queued the member.
	const roomNotified = encryptionEnabled && !!encrypted && (await enqueue(store, rid, newcomer._id));
	if (updated && !roomNotified) await store.rooms.announce('updated', updated);
	if (encryptionEnabled && isNew && e2eKeyId) {
		events.emit('notify', { stream: 'notify-room', eventName: `${rid}/e2e.keyRequest`, args: [e2eKeyId] });
	}
}
