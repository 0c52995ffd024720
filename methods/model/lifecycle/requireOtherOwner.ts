/** The rule that a room always keeps an owner. */
import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { Filter, Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { MEMBER } from '../memberships/members.js';

/** How long a departure note is valid, in ms. Needed if its call crashes before it removes the membership or the note. */
const MAX_CALL_MS = 60_000;

/**
 * Refuses to let the only owner leave a room. Several owners may leave at the same time: each call first notes the
 * departure in the membership of its user, then looks for another owner without such a note. So no two of them can rely
 * on each other. The note is removed with the membership. Does nothing for a user who is not an owner.
 * @throws ClientError `error-you-are-last-owner`
 */
export async function requireOtherOwner(store: Store, rid: string, userId: string): Promise<void> {
	const own: Filter<Subscription> = { rid, 'u._id': userId };
	const note = { id: randomId(), until: new Date(Date.now() + MAX_CALL_MS) };
	const isOwner = { ...own, roles: 'owner' };
	const { matchedCount } = await store.subscriptions.updateOne(
		isOwner,
		{ $push: { departures: note } },
		{ silent: true },
	);
	if (matchedCount === 0) return;
	const other = {
		rid,
		'u._id': { $ne: userId },
		roles: 'owner',
		departures: { $not: { $elemMatch: { until: { $gt: new Date() } } } },
		...MEMBER,
	};
	if (await exists(store.subscriptions, other)) return;
	await store.subscriptions.updateOne(own, { $pull: { departures: { id: note.id } } }, { silent: true });
	const isEmpty = { ...own, departures: { $size: 0 } };
	await store.subscriptions.updateOne(isEmpty, { $unset: { departures: 1 } }, { silent: true });
	throw clientError('lastOwner');
}
