/** Who holds the key of a room, and what it means when the last of them gives it up (`test/contract/beyond.md` E2, E11). */
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { membershipsOf } from '../memberships/members.js';
import { keyedRoom } from './keyId.js';
import { holdsKey } from './offers.js';

/** What of a membership says whether its member holds the key. */
const HELD = { E2EKey: 1, e2eKnownKeys: 1 } as const;

/** Those of some users who may log in: nobody else can give a key to others. */
export async function activeUserIds(store: Store, userIds: readonly string[]): Promise<Set<string>> {
	if (userIds.length === 0) return new Set();
	const active = { _id: { $in: [...userIds] }, active: { $ne: false } };
	const users = await store.users.find(active, { projection: { _id: 1 } }).toArray();
	return new Set(users.map(({ _id }) => _id));
}

/**
 * Whether anybody holds the present key of a room, other than this user. One sealed under another key id does not count,
 * nor who may not log in, or whose account is gone.
 */
export async function hasHolder(store: Store, rid: string, otherThan = ''): Promise<boolean> {
	const room = (await keyedRoom(store, rid)) ?? {};
	const only = { 'u._id': { $ne: otherThan }, E2EKey: { $exists: true } };
	for await (const page of membershipsOf(store, rid, only, HELD, 100)) {
		const holders = page.filter((place) => holdsKey(place, room)).map(({ u }) => u._id);
		if ((await activeUserIds(store, holders)).size > 0) return true;
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
 * Lets a last holder go on who means it.
 * @throws ClientError `error-last-key-holder` where the server demands that they confirm, and they did not
 */
export function requireConfirmation(
	{ name, settings }: Pick<MethodContext, 'name' | 'settings'>,
	confirm: boolean | undefined,
): void {
	if (settings.confirmLastKeyHolder && confirm !== true) throw clientError('lastKeyHolder', { method: name });
}

/** Tells a room that the last one who held its key has given it up. */
export function tellNoHolder({ events }: Pick<MethodContext, 'events'>, rid: string, userId: string): void {
	events.emit('notify', { stream: 'notify-room', eventName: `${rid}/e2e.noKeyHolder`, args: [userId] });
}
