/** New memberships, however users come to a room (`test/contract/beyond.md` E10). */
import type { Room, Subscription, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { MethodContext } from '../../../shared/method.js';
import { isDuplicateKey } from '../../../shared/store.js';
import { enqueue } from '../keys/queue.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';
import { isEncryptionShown } from '../rooms/clientRoom.js';

type Context = Pick<MethodContext, 'store' | 'events' | 'name'>;

/** A user who becomes a member. */
export type Newcomer = Pick<User, '_id' | 'username' | 'name'>;

/** A user as other documents refer to them. */
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

/** A membership that was inserted, or that of an invited user who has accepted. */
interface NewMembership {
	readonly membership: Subscription;
	readonly action: 'inserted' | 'updated';
}

/** Unique indexes that a database has beside ours would be met in every attempt. */
const MAX_ATTEMPTS = 5;

/** One insert, which the unique index accepts once; null where the user is a member already. */
function insertOrAccept({ store }: Context, membership: Subscription): Promise<NewMembership | null> {
	return retryOnConflict(async (attempt) => {
		try {
			await store.subscriptions.insertOne(membership);
			return { membership, action: 'inserted' };
		} catch (error) {
			if (!isDuplicateKey(error) || attempt === MAX_ATTEMPTS) throw error;
		}
		const own = { rid: membership.rid, 'u._id': membership.u._id };
		const accepted = await store.subscriptions.findOneAndUpdate(
			{ ...own, status: 'INVITED' },
			{ $set: { open: true, ts: new Date() }, $unset: { status: 1 } },
			{ returnDocument: 'after' },
		);
		if (accepted) return { membership: accepted, action: 'updated' };
		return (await store.subscriptions.findOne(own, { projection: { _id: 1 } })) ? null : CONFLICT;
	});
}

/**
 * Makes a user a member of a room; nothing happens where they are one. The user is notified; the room is not, and its
 * count stays.
 * @param more fields of the membership, such as `roles`
 * @param stays whether the room is still there, asked once the membership is stored: the deletion of a room removes only
 * the memberships that were stored before
 * @returns whether the membership is new
 * @throws ClientError `error-room-not-found`, `error-invalid-user` where room or user went meanwhile
 */
export async function addMembership(
	context: Context,
	room: Room,
	newcomer: Newcomer,
	more: Partial<Subscription> = {},
	stays: () => Promise<boolean> = async () => true,
): Promise<boolean> {
	const { store, events, name } = context;
	const taken = await insertOrAccept(context, newMembership(room, newcomer, more));
	if (!taken) return false;
	const { membership, action } = taken;
	const user = await store.users.updateOne({ _id: newcomer._id }, { $addToSet: { __rooms: room._id } });
	const isThere = user.matchedCount > 0 && (await stays());
	const forgetRoom = () =>
		store.users.updateOne({ _id: newcomer._id, __rooms: room._id }, { $pull: { __rooms: room._id } });
	if (!isThere) {
		const { deletedCount } = await store.subscriptions.deleteOne({ _id: membership._id });
		// Another call that removed it meanwhile has counted one less.
		if (deletedCount === 0) await store.rooms.updateOne({ _id: room._id }, { $inc: { usersCount: 1 } });
		await forgetRoom();
		throw clientError(user.matchedCount > 0 ? 'roomNotFound' : 'invalidUser', { method: name });
	}
	// A user who was removed at that moment was notified of it, and must not be notified of the membership afterwards.
	if (!(await store.subscriptions.findOne({ _id: membership._id }, { projection: { _id: 1 } }))) {
		await forgetRoom();
		return false;
	}
	events.emit('changed', { collection: 'subscriptions', action, document: membership });
	return true;
}

/**
 * Makes a user a member of a room that is in use. Members are notified; in an encrypted room the new one waits for its
 * key, and the others are asked for it (`test/contract/rocketchat-e2e.md` 5.7, 10.4). Nobody is notified where the user is a member
 * already.
 *
 * The room adds one to its count for each new membership: a crash between the two leaves it one off. Nothing depends on
 * that figure; lists count the memberships.
 * @throws ClientError as `addMembership`
 */
export async function addMember(context: Context, room: Room, newcomer: Newcomer): Promise<void> {
	const { store, events } = context;
	let now: Room | null = null;
	const isNew = await addMembership(context, room, newcomer, {}, async () => {
		now = await store.rooms.findOneAndUpdate(
			{ _id: room._id },
			{ $inc: { usersCount: 1 } },
			{ returnDocument: 'after' },
		);
		return now !== null;
	});
	const { _id: rid, encrypted, e2eKeyId } = (now as Room | null) ?? room;
	const isOn = await isEncryptionShown(store);
	// Also for a member already: a crash may have kept them from the queue. Members who wait, or have the key, stay so.
	const isNotified = isOn && !!encrypted && (await enqueue(context, rid, newcomer._id));
	if (now && !isNotified) events.emit('changed', { collection: 'rooms', action: 'updated', document: now });
	if (isOn && isNew && e2eKeyId) {
		events.emit('notify', { stream: 'notify-room', eventName: `${rid}/e2e.keyRequest`, args: [e2eKeyId] });
	}
}
