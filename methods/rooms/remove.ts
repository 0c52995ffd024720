/** How a room goes, with all places in it. */
import type { Room, Subscription } from '../../shared/documents.js';
import type { MethodContext } from '../../shared/method.js';
import type { Filter } from '../../shared/store.js';
import { throwIfAborted } from '../model/signal.js';
import { placesOf } from './members.js';
import { noteRemoval } from './trash.js';

type Context = Pick<MethodContext, 'store' | 'events'> & { readonly signal?: AbortSignal };

/** Memberships removed at once. */
const BATCH = 100;

/**
 * Deletes a room; each member learns that the room and their place are gone (`test/contract/rocketchat-e2e.md` 10.2).
 *
 * The place of who deletes it goes last: they still have it after a crash, and may repeat the call. Whoever comes to the
 * room meanwhile either finds it gone, or is found by the second look.
 * @param deleterId whoever deletes it, member or not
 */
export async function removeRoom(context: Context, room: Room, deleterId: string): Promise<void> {
	const { store, events } = context;
	const { _id, t, name } = room;
	await removePlaces(context, room, { 'u._id': { $ne: deleterId } });
	await noteRemoval(store, 'room', { _id });
	await store.rooms.deleteOne({ _id });
	// A direct room may have been made again in that moment, with the same id.
	if (!(await store.rooms.findOne({ _id }, { projection: { _id: 1 } }))) await removePlaces(context, room, {});
	const document = { _id, t, ...(name !== undefined && { name }) };
	events.emit('changed', { collection: 'rooms', action: 'removed', document });
}

/** Removes the places in a room that is gone, or some of them: what is left of a deletion that was broken off. */
export async function removePlacesOfNoRoom(
	context: Context,
	rid: string,
	which: Filter<Subscription> = {},
): Promise<void> {
	await removePlaces(context, { _id: rid }, which);
}

async function removePlaces(
	context: Context,
	room: Pick<Room, '_id'> & Partial<Room>,
	which: Filter<Subscription>,
): Promise<void> {
	for await (const page of placesOf(context.store, room._id, which, { rid: 1, u: 1, t: 1 })) {
		for (let i = 0; i < page.length; i += BATCH) {
			throwIfAborted(context.signal);
			await removeBatch(context, room, page.slice(i, i + BATCH));
		}
	}
}

async function removeBatch(
	{ store, events }: Context,
	{ _id: rid, t, name }: Pick<Room, '_id'> & Partial<Room>,
	places: readonly Subscription[],
): Promise<void> {
	await Promise.all(places.map((place) => noteRemoval(store, 'subscription', place)));
	const userIds = places.map(({ u }) => u._id);
	await store.users.updateMany({ _id: { $in: userIds }, __rooms: rid }, { $pull: { __rooms: rid } });
	await store.subscriptions.deleteMany({ _id: { $in: places.map(({ _id }) => _id) } });
	const room = { _id: rid, ...(t && { t }), ...(name !== undefined && { name }) };
	for (const place of places) {
		const { _id, u } = place;
		const document = { _id, rid, u, ...((place.t ?? t) && { t: place.t ?? t }) } as Subscription;
		events.emit('changed', { collection: 'subscriptions', action: 'removed', document });
		// A user without a membership is not found when the room's own change is published.
		events.emit('notify', { stream: 'notify-user', eventName: `${u._id}/rooms-changed`, args: ['removed', room] });
	}
}
