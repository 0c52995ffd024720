/** The places for keys in a subscription, and how a key leaves its own: never without a copy among the old ones. */
import type { OldRoomKey, Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { sameLength } from '../lists.js';
import { MEMBER } from '../memberships/members.js';
import { keyIdOf } from './sealedKey.js';
import { keyIn, oldKeysIn, sameKey } from './storedKeys.js';

/** Most former keys a member keeps. */
export const MAX_OLD_KEYS = 10;

type Context = Pick<MethodContext, 'store' | 'events'>;

type Keyed = Pick<Subscription, 'E2EKey' | 'oldRoomKeys'>;

/** The place of a member in a room; null for who is no member. */
export function findPlace(store: Store, rid: string, userId: string): Promise<Subscription | null> {
	return store.subscriptions.findOne({ rid, 'u._id': userId, ...MEMBER });
}

/**
 * The old keys of a member once their present key has joined them, the newest first. Where there are too many, those go
 * first that are copies of a key with the same id; only then the oldest.
 * @param roomKeyId key id of the room, for keys that do not tell theirs
 * @param next the key that takes its place, if there is one
 */
export function archiveCurrentKey(place: Keyed, roomKeyId: string | null | undefined, next?: string): OldRoomKey[] {
	const E2EKey = keyIn(place);
	const old = oldKeysIn(place.oldRoomKeys);
	if (!E2EKey || E2EKey === next || old.some((entry) => entry.E2EKey === E2EKey)) return old;
	const keys = [{ e2eKeyId: keyIdOf(E2EKey) ?? roomKeyId ?? '', ts: new Date(), E2EKey }, ...old];
	const nextId = next === undefined ? null : keyIdOf(next);
	while (keys.length > MAX_OLD_KEYS) keys.splice(leastNeeded(keys, nextId), 1);
	return keys;
}

/** The same where the member takes an offer: the old keys that came with it are for who has none. */
export function withOffered(place: Subscription, roomKeyId: string | null | undefined, next: string): OldRoomKey[] {
	const own = oldKeysIn(place.oldRoomKeys);
	const oldRoomKeys = own.length > 0 ? own : oldKeysIn(place.suggestedOldRoomKeys);
	return archiveCurrentKey({ ...place, oldRoomKeys }, roomKeyId, next);
}

/** A member who seals the same key again and again must not lose by it those of other times. */
function leastNeeded(keys: readonly OldRoomKey[], nextId: string | null): number {
	const isCopy = ({ e2eKeyId, returned }: OldRoomKey, i: number) =>
		returned === true || e2eKeyId === nextId || keys.findIndex((key) => key.e2eKeyId === e2eKeyId) < i;
	const copy = keys.findLastIndex(isCopy);
	return copy === -1 ? keys.length - 1 : copy;
}

/** Finds a place as long as its own keys are those that were seen. Whoever writes by it loses none that came meanwhile. */
export function sameKeys({ _id, E2EKey, oldRoomKeys }: Subscription): Filter<Subscription> {
	return {
		_id,
		...sameKey('E2EKey', E2EKey),
		...sameLength('oldRoomKeys', oldRoomKeys),
	} as Filter<Subscription>;
}

/** Tells a member what has changed in their place. */
export function tellMember({ events }: Pick<Context, 'events'>, place: Subscription): void {
	events.emit('changed', { collection: 'subscriptions', action: 'updated', document: place });
}

/**
 * Empties the places of a member, in one write: the key goes to the old ones, what was offered is dropped. The member is
 * told. Nothing happens where the places are empty.
 * @param place as it was read; if its key has changed meanwhile it is read again
 * @param mayEmpty asked each time it was read; false leaves it as it is
 * @returns the subscription as it is then; null where there was nothing to empty, or there is no such place any more
 */
export async function archiveAllKeys(
	{ store, events }: Context,
	place: Subscription,
	roomKeyId: string | null | undefined,
	mayEmpty: (place: Subscription) => boolean | Promise<boolean> = () => true,
): Promise<Subscription | null> {
	for (let seen: Subscription | null = place; seen; seen = await store.subscriptions.findOne({ _id: place._id })) {
		if (!(await mayEmpty(seen))) return null;
		const { E2EKey, E2ESuggestedKey, suggestedOldRoomKeys, e2eKnownKeys } = seen;
		const isEmpty = E2EKey === undefined && E2ESuggestedKey === undefined;
		if (isEmpty && !suggestedOldRoomKeys && !e2eKnownKeys) return null;
		const after = await store.subscriptions.findOneAndUpdate(
			sameKeys(seen),
			{
				...(E2EKey !== undefined && { $set: { oldRoomKeys: archiveCurrentKey(seen, roomKeyId) } }),
				$unset: { E2EKey: 1, E2ESuggestedKey: 1, suggestedOldRoomKeys: 1, e2eKnownKeys: 1 },
			},
			{ returnDocument: 'after' },
		);
		if (!after) continue;
		tellMember({ events }, after);
		return after;
	}
	return null;
}

/**
 * Puts one key of a member away among the old ones and leaves the rest of their place as it is. The member is told.
 * @param key nothing happens if another has taken its place
 */
export async function archiveKey(
	context: Context,
	placeId: string,
	key: string,
	roomKeyId: string | null | undefined,
): Promise<void> {
	const { store } = context;
	for (;;) {
		const seen = await store.subscriptions.findOne({ _id: placeId, E2EKey: key });
		if (!seen) return;
		const after = await store.subscriptions.findOneAndUpdate(
			sameKeys(seen),
			{ $set: { oldRoomKeys: archiveCurrentKey(seen, roomKeyId) }, $unset: { E2EKey: 1 } },
			{ returnDocument: 'after' },
		);
		if (after) return tellMember(context, after);
	}
}
