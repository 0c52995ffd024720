/** `e2e.acceptSuggestedGroupKey` (`test/contract/rocketchat-e2e.md` 4.8): a member takes an offered key. */
import type { Subscription } from '../../shared/documents.js';
import { ClientError, clientError } from '../../shared/errors.js';
import { Nothing } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { applyTransition } from '../model/keys/applyTransition.js';
import { enqueueAndDropOffer } from '../model/keys/offers.js';
import { endReservations } from '../model/keys/providerReservation.js';
import { removeServedUsers } from '../model/keys/queue.js';
import { type RoomKeyFields, readRoomKeyFields } from '../model/keys/roomKeyId.js';
import { keyIdOf } from '../model/keys/sealedKey.js';
import { offeredKeyOf } from '../model/keys/storedKeys.js';
import { archiveMismatchedKey, failIfResetMeanwhile } from '../model/keys/storeMemberKey.js';
import * as transitions from '../model/keys/transitions.js';
import { requireMembership } from '../model/memberships/members.js';

/**
 * Whether an offered key is the key that the room had before a reset. The reset has set the new key id, but is not
 * completed: it is in progress, or was interrupted.
 */
function isOfferLeftByReset(key: string | undefined, { e2eKeyId, e2eReset }: RoomKeyFields): boolean {
	if (!e2eReset?.formerKeyId) return false;
	const hasSetNewId = e2eReset.keyId === e2eKeyId;
	return hasSetNewId && key !== undefined && keyIdOf(key) === e2eReset.formerKeyId;
}

/**
 * Accepts the offer in a membership. An unusable offer is removed, and the member is queued for another one.
 * @throws ClientError `error-key-id-mismatch` for an offer from before a reset; `error-key-in-use` if another
 * membership has the same key; `error-no-suggested-key-available` if another call has taken the offer
 */
async function acceptOffer(
	context: MethodContext,
	membership: Subscription,
	room: RoomKeyFields,
): Promise<Subscription> {
	// The membership that the last attempt of `applyTransition` has read.
	let latest = membership;
	try {
		const updated = await applyTransition(context.store, membership, (keys, current) => {
			latest = current;
			if (isOfferLeftByReset(offeredKeyOf(current), room)) throw clientError('keyIdMismatch');
			return transitions.accept(room)(keys);
		});
		if (updated) return updated;
	} catch (error) {
		if (error instanceof ClientError) {
			// If the member also has an own key that is not the room's, that one is archived first, because only members
			// without a key can be queued.
			await archiveMismatchedKey(context.store, latest, room);
			await enqueueAndDropOffer(context.store, latest);
		}
		throw error;
	}
	throw clientError('noSuggestedKey');
}

export const acceptSuggestedGroupKey = method({
	name: 'e2e.acceptSuggestedGroupKey',
	args: { rid: String },
	...KEY_WRITE_DEFAULTS,
	once: true,
	summary: 'Takes the key of a room that another member has offered',
	returns: Nothing,
	errors: [
		'error-subscription-not-found',
		'error-no-suggested-key-available',
		'error-key-id-mismatch',
		'error-key-in-use',
	],
	async run({ rid }, context) {
		const { userId, store } = context;
		const membership = await requireMembership(store, rid, userId);
		if (offeredKeyOf(membership) === undefined) {
			// A call that was interrupted after it stored the key leaves the member in the queue.
			if (membership.E2EKey) await removeServedUsers(store, rid, [userId]);
			throw clientError('noSuggestedKey');
		}
		const room = (await readRoomKeyFields(store, rid)) ?? { _id: rid };
		const updated = await acceptOffer(context, membership, room);
		await failIfResetMeanwhile(store, updated, room, updated.E2EKey as string);
		await endReservations(store, rid, [userId]);
		await removeServedUsers(store, rid, [userId]);
	},
});
