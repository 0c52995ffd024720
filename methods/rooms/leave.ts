/** How a member goes, whether they leave, are removed, or their account is deleted. */
import type { Room, Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import type { MethodContext } from '../../shared/method.js';
import type { Filter, Store } from '../../shared/store.js';
import { hasHolder, isLastHolder, tellNoHolder } from '../model/keys/holders.js';
import { holdsKey } from '../model/keys/memberKeys.js';
import { dequeue } from '../model/keys/queue.js';
import { markStale, type StaleReason } from '../model/keys/stale.js';
import { keyIn, offered, oldKeysIn, sameKey } from '../model/keys/storedKeys.js';
import { CONFLICT, retryOnConflict } from '../model/retryOnConflict.js';
import { MEMBER } from './members.js';
import { noteRemoval } from './trash.js';

type Context = Pick<MethodContext, 'store' | 'events' | 'settings' | 'name'>;

/** In ms. */
const MAX_CALL_MS = 60_000;

/** What it means for the key of a room that a member goes: whether nobody of those who stay holds it any more. */
export async function wouldLoseLastKey(store: Store, rid: string, userId: string): Promise<boolean> {
	return (await hasOthers(store, rid, userId)) && isLastHolder(store, rid, userId);
}

async function hasOthers(store: Store, rid: string, userId: string): Promise<boolean> {
	const others: Filter<Subscription> = { rid, 'u._id': { $ne: userId }, ...MEMBER };
	return (await store.subscriptions.findOne(others, { projection: { _id: 1 } })) !== null;
}

/**
 * Makes sure that a room keeps an owner, whoever else goes at that moment; an owner who is alone has to delete it. Each
 * notes in their place that they are about to go before they look for an owner who stays, so that no two can rely on each
 * other. The note goes with the place; one that a crash left behind counts for as long as a call may take.
 * @throws ClientError `error-you-are-last-owner`
 */
export async function requireOtherOwner(
	{ store, name }: Pick<Context, 'store' | 'name'>,
	rid: string,
	userId: string,
): Promise<void> {
	const own: Filter<Subscription> = { rid, 'u._id': userId };
	const note = { id: randomId(), until: new Date(Date.now() + MAX_CALL_MS) };
	const { matchedCount } = await store.subscriptions.updateOne(
		{ ...own, roles: 'owner' },
		{ $push: { departures: note } },
	);
	if (matchedCount === 0) return;
	const other = {
		rid,
		'u._id': { $ne: userId },
		roles: 'owner',
		departures: { $not: { $elemMatch: { until: { $gt: new Date() } } } },
		...MEMBER,
	} as Filter<Subscription>;
	if (await store.subscriptions.findOne(other, { projection: { _id: 1 } })) return;
	await store.subscriptions.updateOne(own, { $pull: { departures: { id: note.id } } });
	await store.subscriptions.updateOne({ ...own, departures: { $size: 0 } }, { $unset: { departures: 1 } });
	throw clientError('lastOwner', { method: name });
}

/** Whether a member knows the key of a room, be it among the old ones, as after new identity keys of theirs. */
function knowsKey(place: Subscription, { e2eKeyId }: Room): boolean {
	if (keyIn(place) !== undefined || offered(place) !== '') return true;
	const old = [...oldKeysIn(place.oldRoomKeys), ...oldKeysIn(place.suggestedOldRoomKeys)];
	return !!e2eKeyId && old.some((key) => key.e2eKeyId === e2eKeyId);
}

/** A filter for the place with the very keys that were seen in it. */
function unchanged({ _id, E2EKey, E2ESuggestedKey }: Subscription): Filter<Subscription> {
	return {
		_id,
		...sameKey('E2EKey', E2EKey),
		...sameKey('E2ESuggestedKey', E2ESuggestedKey),
	} as Filter<Subscription>;
}

/**
 * Takes a member out of a room: their place with its keys and roles, and their turn in the queue. They and the room are
 * told. Where they know the key, it is stale from then on (`test/contract/beyond.md` E12); where nobody who
 * stays holds it, the room learns that too (E11). Whether they may go, or must confirm, is asked before.
 *
 * The place goes last of all that is not merely told, so that a call that was broken off can be repeated. Nothing happens
 * where they have no place.
 */
export async function removeMember(
	context: Context,
	room: Room,
	userId: string,
	reason: StaleReason,
): Promise<{ lastKeyHolder: boolean }> {
	const { store, events } = context;
	const rid = room._id;
	await dequeue(context, rid, [userId]);
	return retryOnConflict(async () => {
		const place = await store.subscriptions.findOne({ rid, 'u._id': userId });
		if (!place) return { lastKeyHolder: false };
		if (knowsKey(place, room)) await markStale(context, rid, reason);
		await noteRemoval(store, 'subscription', place);
		await store.users.updateOne({ _id: userId, __rooms: rid }, { $pull: { __rooms: rid } });
		// If the member was given a key since it was read, that key must be marked as stale first.
		const { deletedCount } = await store.subscriptions.deleteOne(unchanged(place));
		if (deletedCount === 0) return CONFLICT;
		// A call that was adding the user at that moment may have noted the room since.
		await store.users.updateOne({ _id: userId, __rooms: rid }, { $pull: { __rooms: rid } });
		const { _id, u, t = room.t } = place;
		events.emit('changed', { collection: 'subscriptions', action: 'removed', document: { _id, rid, u, t } });
		const told = await dequeue(context, rid, [userId]);
		if (place.status !== 'INVITED') await countOneLess(context, rid, told);
		// Asked now, because the last two members may leave at once.
		const lastKeyHolder =
			holdsKey(place, room) && !(await hasHolder(store, rid)) && (await hasOthers(store, rid, userId));
		if (lastKeyHolder) tellNoHolder(context, rid, userId);
		return { lastKeyHolder };
	});
}

async function countOneLess({ store, events }: Context, rid: string, isTold: boolean): Promise<void> {
	const now = await store.rooms.findOneAndUpdate(
		{ _id: rid, usersCount: { $gt: 0 } },
		{ $inc: { usersCount: -1 } },
		{ returnDocument: 'after' },
	);
	const room = now ?? (isTold ? null : await store.rooms.findOne({ _id: rid }));
	if (room) events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
}
