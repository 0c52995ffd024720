/** `e2e.rejectSuggestedGroupKey` (`test/contract/rocketchat-e2e.md` 4.8): a member does not want the key that was offered. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { KEY_CALLS } from '../model/keys/limits.js';
import { findPlace } from '../model/keys/memberKeys.js';
import { dropOffer, offered } from '../model/keys/offers.js';
import { endLeases } from '../model/keys/providerReservation.js';

export const rejectSuggestedGroupKey = method({
	name: 'e2e.rejectSuggestedGroupKey',
	args: { rid: String },
	rest: 'POST',
	limit: KEY_CALLS,
	once: true,
	summary: 'Refuses the key of a room that another member has offered, and waits for another',
	async run({ rid }, context) {
		const { name, userId, store } = context;
		const place = await findPlace(store, rid, userId);
		if (!place) throw clientError('subscriptionNotFound', { method: name });
		if (offered(place) === '') throw clientError('noSuggestedKey', { method: name });
		endLeases(store, rid, [userId]);
		await dropOffer(context, place);
	},
});
