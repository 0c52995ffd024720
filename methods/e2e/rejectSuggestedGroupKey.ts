/** `e2e.rejectSuggestedGroupKey` (`test/contract/rocketchat-e2e.md` 4.8): a member rejects an offered key. */
import { clientError } from '../../shared/errors.js';
import { Nothing } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { enqueueAndDropOffer } from '../model/keys/offers.js';
import { endReservations } from '../model/keys/providerReservation.js';
import { offeredKeyOf } from '../model/keys/storedKeys.js';
import { requireMembership } from '../model/memberships/members.js';

export const rejectSuggestedGroupKey = method({
	name: 'e2e.rejectSuggestedGroupKey',
	args: { rid: String },
	...KEY_WRITE_DEFAULTS,
	once: true,
	summary: 'Rejects the room key that another member has offered, and queues the caller for another offer',
	returns: Nothing,
	errors: ['error-subscription-not-found', 'error-no-suggested-key-available'],
	async run({ rid }, context) {
		const { userId, store } = context;
		const membership = await requireMembership(store, rid, userId);
		if (offeredKeyOf(membership) === undefined) throw clientError('noSuggestedKey');
		await endReservations(store, rid, [userId]);
		await enqueueAndDropOffer(store, membership);
	},
});
