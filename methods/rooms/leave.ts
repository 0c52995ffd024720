/** How a member goes: the queue first, then the place, then what the others must know. */
import type { Room } from '../../shared/documents.js';
import type { MethodContext } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { isLastHolder, tellNoHolder } from '../e2e/holders.js';
import { dequeue } from '../e2e/queue.js';
import { markStale, type StaleReason } from '../e2e/stale.js';

/** What it means for the key of a room that a member goes: whether nobody of those who stay holds it any more. */
export async function takesLastKey(store: Store, rid: string, userId: string): Promise<boolean> {
	const others = { rid, 'u._id': { $ne: userId }, status: { $ne: 'INVITED' } };
	const stays = await store.subscriptions.findOne(others, { projection: { _id: 1 } });
	return stays !== null && isLastHolder(store, rid, userId);
}

/**
 * Takes a member out of a room.
 * @returns whether nobody holds the key of the room any more because of it
 */
export async function removeMember(
	context: Pick<MethodContext, 'store' | 'events' | 'settings' | 'name'>,
	room: Room,
	userId: string,
	reason: StaleReason,
): Promise<{ lastKeyHolder: boolean }> {
	const { store, events } = context;
	const place = await store.subscriptions.findOne({ rid: room._id, 'u._id': userId });
	if (!place) return { lastKeyHolder: false };
	const lastKeyHolder = await takesLastKey(store, room._id, userId);
	await dequeue(context, room._id, [userId]);
	if (place.E2EKey !== undefined) await markStale(context, room._id, reason);
	await store.subscriptions.deleteOne({ _id: place._id });
	events.emit('changed', { collection: 'subscriptions', action: 'removed', document: place });
	if (lastKeyHolder) tellNoHolder(context, room._id, userId);
	return { lastKeyHolder };
}
