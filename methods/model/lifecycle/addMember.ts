/** Creates memberships (`test/contract/beyond.md` E10). */
import type { Room, Subscription, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { MethodContext } from '../../../shared/method.js';
import { isDuplicateKey, type Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { enqueue } from '../keys/queue.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';
import { isEncryptionShown } from '../rooms/clientRoom.js';

type Context = Pick<MethodContext, 'store' | 'events'>;

/** A user who becomes a member. */
export type Newcomer = Pick<User, '_id' | 'username' | 'name'>;

/** A reference to a user, as other documents contain it. */
export function refOf({ _id, username, name }: Newcomer): Subscription['u'] {
	return { _id, ...(username !== undefined && { username }), ...(name !== undefined && { name }) };
}

function newMembership(
	{ _id: rid, t, name, fname }: Room,
	newcomer: Newcomer,
	more: Partial<Subscription>,
): Subscription {
	const now = new Date();
	return {
		_id: randomId(),
		rid,
		u: refOf(newcomer),
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
		...more,
	};
}

/** A new membership, or the membership of an invited user who has accepted. */
interface NewMembership {
	readonly membership: Subscription;
	readonly action: 'inserted' | 'updated';
}

/** An additional unique index of the database would reject every attempt. */
const MAX_ATTEMPTS = 5;

/** Inserts the membership; the unique index accepts it once. Null if the user is a member already. */
function insertOrAccept(store: Store, membership: Subscription): Promise<NewMembership | null> {
	return retryOnConflict(async (attempt) => {
		try {
			await store.subscriptions.insertOne(membership, { silent: true });
			return { membership, action: 'inserted' };
		} catch (error) {
			if (!isDuplicateKey(error) || attempt === MAX_ATTEMPTS) throw error;
		}
		const own = { rid: membership.rid, 'u._id': membership.u._id };
		const accepted = await store.subscriptions.findOneAndUpdate(
			{ ...own, status: 'INVITED' },
			{ $set: { open: true, ts: new Date() }, $unset: { status: 1 } },
			{ returnDocument: 'after', silent: true },
		);
		if (accepted) return { membership: accepted, action: 'updated' };
		return (await exists(store.subscriptions, own)) ? null : CONFLICT;
	});
}

/**
 * Makes a user a member of a room; does nothing if they are one. Notifies the user, but neither notifies the room nor
 * changes its member count.
 * @param more additional fields of the membership, such as `roles`
 * @param stays whether the room still exists, called after the membership is stored: the deletion of a room only
 * removes the memberships that were stored before
 * @returns whether the membership is new
 * @throws ClientError `error-room-not-found`, `error-invalid-user` if the room or the user was deleted meanwhile
 */
export async function addMembership(
	store: Store,
	room: Room,
	newcomer: Newcomer,
	more: Partial<Subscription> = {},
	stays: () => Promise<boolean> = async () => true,
): Promise<boolean> {
	const taken = await insertOrAccept(store, newMembership(room, newcomer, more));
	if (!taken) return false;
	const { membership, action } = taken;
	const user = await store.users.updateOne(
		{ _id: newcomer._id },
		{ $addToSet: { __rooms: room._id } },
		{ silent: true },
	);
	const isThere = user.matchedCount > 0 && (await stays());
	const forgetRoom = () =>
		store.users.updateOne({ _id: newcomer._id, __rooms: room._id }, { $pull: { __rooms: room._id } }, { silent: true });
	if (!isThere) {
		const { deletedCount } = await store.subscriptions.deleteOne({ _id: membership._id }, { silent: true });
		// Another call that removed it meanwhile has decremented the count.
		if (deletedCount === 0) await store.rooms.updateOne({ _id: room._id }, { $inc: { usersCount: 1 } });
		await forgetRoom();
		throw clientError(user.matchedCount > 0 ? 'roomNotFound' : 'invalidUser');
	}
	// A user who was removed meanwhile has been notified of the removal. A later notification of the membership would be
	// wrong.
	if (!(await exists(store.subscriptions, { _id: membership._id }))) {
		await forgetRoom();
		return false;
	}
	await store.subscriptions.announce(action, membership);
	return true;
}

/**
 * Makes a user a member of an existing room and notifies the members. In an encrypted room the new member is queued,
 * and the others are asked for the key (`test/contract/rocketchat-e2e.md` 5.7, 10.4). Sends no notification if the user
 * is a member already.
 *
 * The room's member count is incremented after each new membership: a crash in between leaves it one too low. Nothing
 * depends on this count; lists count the memberships.
 * @throws ClientError as `addMembership`
 */
export async function addMember(context: Context, room: Room, newcomer: Newcomer): Promise<void> {
	const { store, events } = context;
	let now: Room | null = null;
	const isNew = await addMembership(store, room, newcomer, {}, async () => {
		now = await store.rooms.findOneAndUpdate(
			{ _id: room._id },
			{ $inc: { usersCount: 1 } },
			{ returnDocument: 'after', silent: true },
		);
		return now !== null;
	});
	const { _id: rid, encrypted, e2eKeyId } = (now as Room | null) ?? room;
	const isOn = await isEncryptionShown(store);
	// Needed for an existing member too: a crash may have prevented the queueing. Does nothing for members who are queued
	// or have the key.
	const isNotified = isOn && !!encrypted && (await enqueue(store, rid, newcomer._id));
	if (now && !isNotified) await store.rooms.announce('updated', now);
	if (isOn && isNew && e2eKeyId) {
		events.emit('notify', { stream: 'notify-room', eventName: `${rid}/e2e.keyRequest`, args: [e2eKeyId] });
	}
}
