/** The holders of a room's key, and the loss of the last holder (`test/contract/beyond.md` E2, E11). */
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import { exists } from '../exists.js';
import { membershipsOf } from '../memberships/members.js';
import { pagesOf } from '../pages.js';
import { holdsKey } from './memberKeys.js';
import { keyedRoom } from './roomKeyId.js';

/** The fields of a membership that determine whether its member holds the key. */
const HELD = { E2EKey: 1, e2eKnownKeys: 1 } as const;

/** Whether any of these users may log in: other users cannot provide the key. */
async function isAnyActive(store: Store, userIds: readonly string[]): Promise<boolean> {
	if (userIds.length === 0) return false;
	const active = { _id: { $in: [...userIds] }, active: { $ne: false } };
	return exists(store.users, active);
}

/**
 * Whether any other user holds the present key of a room. Keys with another key id do not count, and neither do
 * deactivated or deleted users.
 */
export async function hasHolder(store: Store, rid: string, otherThan = ''): Promise<boolean> {
	const room = (await keyedRoom(store, rid)) ?? {};
	const only = { 'u._id': { $ne: otherThan }, E2EKey: { $exists: true } };
	for await (const page of membershipsOf(store, rid, only, HELD, 100)) {
		const holders = page.filter((membership) => holdsKey(membership, room)).map(({ u }) => u._id);
		if (await isAnyActive(store, holders)) return true;
	}
	return false;
}

/** Whether the user holds the present key of a room and nobody else does. */
export async function isLastHolder(store: Store, rid: string, userId: string): Promise<boolean> {
	const own = await store.subscriptions.findOne({ rid, 'u._id': userId }, { projection: HELD });
	if (!own || !holdsKey(own, (await keyedRoom(store, rid)) ?? {})) return false;
	return !(await hasHolder(store, rid, userId));
}

/**
 * Requires the last holder's confirmation to give up the key.
 * @throws ClientError `error-last-key-holder` if the server requires a confirmation and there is none
 */
export function requireConfirmation({ settings }: Pick<MethodContext, 'settings'>, confirm: boolean | undefined): void {
	if (settings.confirmLastKeyHolder && confirm !== true) throw clientError('lastKeyHolder');
}

/** Notifies a room that the last holder of its key has given it up. */
export function notifyNoHolder({ events }: Pick<MethodContext, 'events'>, rid: string, userId: string): void {
	events.emit('notify', { stream: 'notify-room', eventName: `${rid}/e2e.noKeyHolder`, args: [userId] });
}

/** Whether the user alone holds the key of any room. */
export async function isLastHolderAnywhere(store: Store, userId: string): Promise<boolean> {
	const own = { 'u._id': userId, E2EKey: { $exists: true } };
	const pause = createYielder();
	for await (const page of pagesOf(store.subscriptions, own, { projection: { rid: 1 } })) {
		for (const { rid } of page) {
			await pause();
			if (await isLastHolder(store, rid, userId)) return true;
		}
	}
	return false;
}
