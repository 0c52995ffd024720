import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { randomId } from '../../../shared/ids.js';
import type { Filter, Store } from '../../../shared/store.js';
import { exists } from '../exists.js';
import { MEMBER } from '../memberships/members.js';

/**
 * How long the note of an owner who is leaving (see `requireOtherOwner`) is valid, in ms. A call that crashes leaves its
 * note, which must not count for ever.
 */
const NOTE_TTL_MS = 60_000;

/**
 * Refuses to let the only owner leave a room. Does nothing for a user who is not an owner.
 *
 * Several owners may leave at the same time. Each call first stores a note in its user's membership, which says that
 * this owner is leaving. Then it looks for another owner without such a note, so no two calls rely on each other's user.
 * The note is removed with the membership, or here if there is no other owner.
 * @throws ClientError `error-you-are-last-owner`
 */
export async function requireOtherOwner(store: Store, rid: string, userId: string): Promise<void> {
	const whereOwn: Filter<Subscription> = { rid, 'u._id': userId };
	const note = { id: randomId(), until: new Date(Date.now() + NOTE_TTL_MS) };
	const { matchedCount } = await store.subscriptions.updateOne(
		{ ...whereOwn, roles: 'owner' },
		{ $push: { departures: note } },
		{ silent: true },
	);
	if (matchedCount === 0) return;
	const whereOtherStays = {
		rid,
		'u._id': { $ne: userId },
		roles: 'owner',
		departures: { $not: { $elemMatch: { until: { $gt: new Date() } } } },
		...MEMBER,
	};
	if (await exists(store.subscriptions, whereOtherStays)) return;
	await store.subscriptions.updateOne(whereOwn, { $pull: { departures: { id: note.id } } }, { silent: true });
	const whereNoNoteLeft = { ...whereOwn, departures: { $size: 0 } };
	await store.subscriptions.updateOne(whereNoNoteLeft, { $unset: { departures: 1 } }, { silent: true });
	throw clientError('lastOwner');
}
