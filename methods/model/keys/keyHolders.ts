/** The members who hold the key of a room, and the loss of the last one (`test/contract/beyond.md` E2, E11). */
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import { exists } from '../exists.js';
import { membershipsOf } from '../memberships/members.js';
import { membershipsOfUser } from '../memberships/roomsOfUser.js';
import { holdsKey } from './memberKeys.js';
import { readRoomKeyFields } from './roomKeyId.js';
import { whereIdentity } from './usersWithIdentity.js';

const PAGE_SIZE = 100;

const HOLDER_FIELDS = { E2EKey: 1, e2eKnownKeys: 1 } as const;

/**
 * Whether any of these users, who have a room key, is active and has identity keys. Other users cannot seal the key.
 */
async function canAnyProvide(store: Store, userIds: readonly string[]): Promise<boolean> {
	if (userIds.length === 0) return false;
	return exists(store.users, { ...whereIdentity({ $in: [...userIds] }), active: { $ne: false } });
}

/**
 * Whether any active user with identity keys holds the present key of a room.
 * @param exceptUserId this user does not count; an empty id excludes nobody
 */
export async function hasHolder(store: Store, rid: string, exceptUserId = ''): Promise<boolean> {
	const room = (await readRoomKeyFields(store, rid)) ?? {};
	const others = { 'u._id': { $ne: exceptUserId }, E2EKey: { $exists: true } };
	for await (const page of membershipsOf(store, rid, others, HOLDER_FIELDS, PAGE_SIZE)) {
		const holders = page.filter((membership) => holdsKey(membership, room)).map(({ u }) => u._id);
		if (await canAnyProvide(store, holders)) return true;
	}
	return false;
}

/** Whether the user holds the present key of a room, and no other active user with identity keys does. */
export async function isLastHolder(store: Store, rid: string, userId: string): Promise<boolean> {
	const ownMembership = await store.subscriptions.findOne({ rid, 'u._id': userId }, { projection: HOLDER_FIELDS });
	const room = (await readRoomKeyFields(store, rid)) ?? {};
	if (!ownMembership || !holdsKey(ownMembership, room)) return false;
	return !(await hasHolder(store, rid, userId));
}

/**
 * Refuses a call without a confirmation, if it would make a room lose its last key holder.
 * @param wouldLoseHolder called only if the server requires a confirmation and the caller has not confirmed
 * @throws ClientError `error-last-key-holder`
 */
export async function requireConfirmation(
	{ settings }: Pick<MethodContext, 'settings'>,
	confirm: boolean | undefined,
	wouldLoseHolder: () => Promise<boolean>,
): Promise<void> {
	if (settings.confirmLastKeyHolder && confirm !== true && (await wouldLoseHolder()))
		throw clientError('lastKeyHolder');
}

/** Notifies a room that no active member holds its key any more; `userId` was the last. */
export function notifyNoHolder({ events }: Pick<MethodContext, 'events'>, rid: string, userId: string): void {
	events.emit('notify', { stream: 'notify-room', eventName: `${rid}/e2e.noKeyHolder`, args: [userId] });
}

/** Whether there is a room whose key only this user holds. */
export async function isLastHolderAnywhere(store: Store, userId: string): Promise<boolean> {
	const pause = createYielder();
	const withKey = { E2EKey: { $exists: true } };
	for await (const page of membershipsOfUser(store, userId, withKey, { projection: { rid: 1 } })) {
		for (const { rid } of page) {
			await pause();
			if (await isLastHolder(store, rid, userId)) return true;
		}
	}
	return false;
}
