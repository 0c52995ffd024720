/** Who holds the key of a room, and what it means when the last of them gives it up (`contract/beyond.md` E2, E11). */
import { refusal } from '../../shared/errors.js';
import type { MethodContext } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';

/** Whether anybody holds the key of a room, other than this user. */
export async function hasHolder(store: Store, rid: string, otherThan = ''): Promise<boolean> {
	const filter = { rid, 'u._id': { $ne: otherThan }, E2EKey: { $exists: true } };
	return (await store.subscriptions.findOne(filter, { projection: { _id: 1 } })) !== null;
}

/** Whether the user holds the key of a room and nobody else does. */
export async function isLastHolder(store: Store, rid: string, userId: string): Promise<boolean> {
	const own = await store.subscriptions.findOne(
		{ rid, 'u._id': userId, E2EKey: { $exists: true } },
		{ projection: { _id: 1 } },
	);
	return own !== null && !(await hasHolder(store, rid, userId));
}

/**
 * Lets a last holder go on who means it.
 * @throws ClientError `error-last-key-holder` where the server demands that they confirm, and they did not
 */
export function demandConfirmation(
	{ name, settings }: Pick<MethodContext, 'name' | 'settings'>,
	confirm: boolean | undefined,
): void {
	if (settings.confirmLastKeyHolder && confirm !== true) throw refusal('lastKeyHolder', { method: name });
}

/** Tells a room that the last one who held its key has given it up. */
export function tellNoHolder({ events }: Pick<MethodContext, 'events'>, rid: string, userId: string): void {
	events.emit('notify', { stream: 'notify-room', eventName: `${rid}/e2e.noKeyHolder`, args: [userId] });
}
