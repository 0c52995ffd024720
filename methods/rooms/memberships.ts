/** A place in a room: how somebody gets one, whichever way they come (`test/contract/beyond.md` E10). */
import type { Room, Subscription, User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import type { MethodContext } from '../../shared/method.js';
import { isDuplicateKey } from '../../shared/store.js';
import { enqueue } from '../model/keys/queue.js';
import { CONFLICT, retryOnConflict } from '../model/retryOnConflict.js';
import { isEncryptionShown } from './shown.js';

type Context = Pick<MethodContext, 'store' | 'events' | 'name'>;

/** Who comes. */
export type Newcomer = Pick<User, '_id' | 'username' | 'name'>;

/** How somebody is named in other documents. */
export function refOf({ _id, username, name }: Newcomer): Subscription['u'] {
	return { _id, ...(username !== undefined && { username }), ...(name !== undefined && { name }) };
}

function newPlace({ _id: rid, t, name, fname }: Room, newcomer: Newcomer, more: Partial<Subscription>): Subscription {
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

/** How a place came to be: made anew, or one of somebody who was only asked in so far. */
interface Taken {
	readonly place: Subscription;
	readonly action: 'inserted' | 'updated';
}

/** Unique indexes that a database has beside ours would be met in every attempt. */
const MAX_ATTEMPTS = 5;

/** One insert, which the unique index lets through once; null for who is a member already. */
function insertOrAccept({ store }: Context, place: Subscription): Promise<Taken | null> {
	return retryOnConflict(async (attempt) => {
		try {
			await store.subscriptions.insertOne(place);
			return { place, action: 'inserted' };
		} catch (error) {
			if (!isDuplicateKey(error) || attempt === MAX_ATTEMPTS) throw error;
		}
		const own = { rid: place.rid, 'u._id': place.u._id };
		const accepted = await store.subscriptions.findOneAndUpdate(
			{ ...own, status: 'INVITED' },
			{ $set: { open: true, ts: new Date() }, $unset: { status: 1 } },
			{ returnDocument: 'after' },
		);
		if (accepted) return { place: accepted, action: 'updated' };
		return (await store.subscriptions.findOne(own, { projection: { _id: 1 } })) ? null : CONFLICT;
	});
}

/**
 * Gives somebody a place in a room; nothing happens where they have one. They are told; the room is not, and does not
 * count them.
 * @param more fields of the place, such as `roles`
 * @param stays whether the room is still there, asked once the place is: a room that is deleted meanwhile takes along the
 * places that were there before it went
 * @returns whether the place is new
 * @throws ClientError `error-room-not-found`, `error-invalid-user` where room or user went meanwhile
 */
export async function givePlace(
	context: Context,
	room: Room,
	newcomer: Newcomer,
	more: Partial<Subscription> = {},
	stays: () => Promise<boolean> = async () => true,
): Promise<boolean> {
	const { store, events, name } = context;
	const taken = await insertOrAccept(context, newPlace(room, newcomer, more));
	if (!taken) return false;
	const { place, action } = taken;
	const user = await store.users.updateOne({ _id: newcomer._id }, { $addToSet: { __rooms: room._id } });
	const isThere = user.matchedCount > 0 && (await stays());
	const forgetRoom = () =>
		store.users.updateOne({ _id: newcomer._id, __rooms: room._id }, { $pull: { __rooms: room._id } });
	if (!isThere) {
		const { deletedCount } = await store.subscriptions.deleteOne({ _id: place._id });
		// Whoever took it away meanwhile has counted one less.
		if (deletedCount === 0) await store.rooms.updateOne({ _id: room._id }, { $inc: { usersCount: 1 } });
		await forgetRoom();
		throw clientError(user.matchedCount > 0 ? 'roomNotFound' : 'invalidUser', { method: name });
	}
	// Who was removed at that moment has heard so, and must not hear after it that they have come.
	if (!(await store.subscriptions.findOne({ _id: place._id }, { projection: { _id: 1 } }))) {
		await forgetRoom();
		return false;
	}
	events.emit('changed', { collection: 'subscriptions', action, document: place });
	return true;
}

/**
 * Makes somebody a member of a room that is in use. Members are told; in an encrypted room the new one waits for its key,
 * and the others are asked for it (`test/contract/rocketchat-e2e.md` 5.7, 10.4). Nothing is told where they are a member.
 *
 * The room counts its members by adding one for each new place: after a crash between the two it is one off. Nothing
 * depends on that figure; lists count the places.
 * @throws ClientError as `givePlace`
 */
export async function addMember(context: Context, room: Room, newcomer: Newcomer): Promise<void> {
	const { store, events } = context;
	let now: Room | null = null;
	const isNew = await givePlace(context, room, newcomer, {}, async () => {
		now = await store.rooms.findOneAndUpdate(
			{ _id: room._id },
			{ $inc: { usersCount: 1 } },
			{ returnDocument: 'after' },
		);
		return now !== null;
	});
	const { _id: rid, encrypted, e2eKeyId } = (now as Room | null) ?? room;
	const isOn = await isEncryptionShown(store);
	// Also for who is a member already: a crash may have kept them from the queue. Who waits, or has the key, stays so.
	const isTold = isOn && !!encrypted && (await enqueue(context, rid, newcomer._id));
	if (now && !isTold) events.emit('changed', { collection: 'rooms', action: 'updated', document: now });
	if (isOn && isNew && e2eKeyId) {
		events.emit('notify', { stream: 'notify-room', eventName: `${rid}/e2e.keyRequest`, args: [e2eKeyId] });
	}
}
