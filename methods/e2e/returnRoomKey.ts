/** `e2e.returnRoomKey` (`test/contract/beyond.md` E16): a member returns a room key that does not work. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { LAST_KEY_HOLDER_ANSWER } from '../model/answers.js';
import { applyTransition } from '../model/keys/applyTransition.js';
import { hasHolder, notifyNoHolder } from '../model/keys/keyHolders.js';
import { holdsKey } from '../model/keys/memberKeys.js';
import { endReservations } from '../model/keys/providerReservation.js';
import { enqueue } from '../model/keys/queue.js';
import { readRoomKeyFields } from '../model/keys/roomKeyId.js';
import * as transitions from '../model/keys/transitions.js';
import { hasIdentity } from '../model/keys/usersWithIdentity.js';
import { requireMembership } from '../model/memberships/members.js';

export const returnRoomKey = method({
	name: 'e2e.returnRoomKey',
	args: { rid: String },
	...KEY_WRITE_DEFAULTS,
	once: true,
	summary:
		"Archives the caller's key of a room because it does not work, and queues the caller for a key from another member",
	returns: Match.OneOf(undefined, LAST_KEY_HOLDER_ANSWER),
	errors: ['error-subscription-not-found', 'error-no-room-key'],
	async run({ rid }, context): Promise<{ lastKeyHolder: true } | undefined> {
		const { userId, store } = context;
		const membership = await requireMembership(store, rid, userId);
		const room = (await readRoomKeyFields(store, rid)) ?? { _id: rid };
		let wasHolder = false;
		const updated = await applyTransition(store, membership, (keys, current) => {
			wasHolder = holdsKey(current, room);
			return transitions.returnKey(room)(keys);
		});
		await endReservations(store, rid, [userId]);
		// Queued even if there was no key: an earlier call may have been interrupted before this step.
		await enqueue(store, rid, userId);
		if (!updated) throw clientError('noRoomKey');
		// A caller without identity keys was no holder.
		const gaveUpKey = wasHolder && (await hasIdentity(store, userId));
		if (!gaveUpKey || (await hasHolder(store, rid))) return undefined;
		notifyNoHolder(context, rid, userId);
		return { lastKeyHolder: true };
	},
});
