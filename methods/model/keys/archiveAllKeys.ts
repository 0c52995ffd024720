/** A member loses all keys of a room at once: after a reset of the room, or with a new identity key. */
import type { Subscription } from '../../../shared/documents.js';
import type { MethodContext } from '../../../shared/method.js';
import { applyTransition, clear } from './memberKeys.js';
import { notifyMember } from './membership.js';

/**
 * Archives a member's key and removes what was offered, in one write. The member is notified. Nothing happens where there is
 * neither.
 * @param membership as it was read; if its keys have changed meanwhile it is read again
 * @param mayArchive asked each time it was read; false leaves it as it is
 * @returns the membership after it; null where nothing changed, or the membership is gone
 */
export async function archiveAllKeys(
	context: Pick<MethodContext, 'store' | 'events'>,
	membership: Subscription,
	e2eKeyId: string | null | undefined,
	mayArchive: (membership: Subscription) => boolean | Promise<boolean> = () => true,
): Promise<Subscription | null> {
	const { store } = context;
	const after = await applyTransition({ store }, membership, async (keys, seen) =>
		(await mayArchive(seen)) ? clear({ e2eKeyId })(keys) : null,
	);
	if (after) notifyMember(context, after);
	return after;
}
