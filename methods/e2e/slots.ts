/** The places for keys in a subscription, and how a key leaves its own: never without a copy among the old ones. */
import type { OldRoomKey, Subscription } from '../../shared/documents.js';
import type { MethodContext } from '../../shared/method.js';
import type { Filter } from '../../shared/store.js';
import { keyIdOf } from './sealed.js';

/** Most former keys a member keeps. */
export const MOST_OLD_KEYS = 10;

type Keyed = Pick<Subscription, 'E2EKey' | 'oldRoomKeys'>;

/**
 * The old keys of a member once their present key has joined them, the newest first.
 * @param roomKeyId key id of the room, for keys that do not tell theirs
 */
export function withArchived({ E2EKey, oldRoomKeys = [] }: Keyed, roomKeyId: string | null | undefined): OldRoomKey[] {
	if (E2EKey === undefined || oldRoomKeys.some((old) => old.E2EKey === E2EKey)) return oldRoomKeys;
	const entry = { e2eKeyId: keyIdOf(E2EKey) ?? roomKeyId ?? '', ts: new Date(), E2EKey };
	return [entry, ...oldRoomKeys].slice(0, MOST_OLD_KEYS);
}

/**
 * Empties the places of a member, in one write: the key goes to the old ones, what was offered is dropped. The member is
 * told. Nothing happens where the places are empty.
 * @param place as it was read; if its key has changed meanwhile it is read again
 * @returns the subscription as it is then; null where there was nothing to empty, or there is no such place any more
 */
export async function emptyPlace(
	{ store, events }: Pick<MethodContext, 'store' | 'events'>,
	place: Subscription,
	roomKeyId: string | null | undefined,
): Promise<Subscription | null> {
	for (let seen: Subscription | null = place; seen; seen = await store.subscriptions.findOne({ _id: place._id })) {
		const { E2EKey } = seen;
		if (E2EKey === undefined && seen.E2ESuggestedKey === undefined && !seen.suggestedOldRoomKeys) return null;
		const unchanged: Filter<Subscription> = E2EKey === undefined ? { E2EKey: { $exists: false } } : { E2EKey };
		const after = await store.subscriptions.findOneAndUpdate(
			{ _id: seen._id, ...unchanged },
			{
				...(E2EKey !== undefined && { $set: { oldRoomKeys: withArchived(seen, roomKeyId) } }),
				$unset: { E2EKey: 1, E2ESuggestedKey: 1, suggestedOldRoomKeys: 1 },
			},
			{ returnDocument: 'after' },
		);
		if (!after) continue;
		events.emit('changed', { collection: 'subscriptions', action: 'updated', document: after });
		return after;
	}
	return null;
}
