/** `e2e.setRoomKeyID` (`test/contract/rocketchat-e2e.md` 4.1): the first to name the key of a room wins. */

import { clientError } from '../../shared/errors.js';
import { Nothing } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_CALLS } from '../limits.js';
import { claimKeyId } from '../model/keys/keyId.js';
import { enqueue } from '../model/keys/queue.js';
import { requireValidKeyId } from '../model/keys/sealedKey.js';
import { requireRoomAccess } from '../model/rooms/access.js';

export const setRoomKeyID = method({
	name: 'e2e.setRoomKeyID',
	args: { rid: String, keyID: String },
	rest: 'POST',
	limit: KEY_CALLS,
	// The winner that lost the answer would take itself for a loser, and throw the only key away.
	once: true,
	summary: 'Sets the end-to-end encryption key id of a room that has none yet',
	returns: Nothing,
	errors: ['error-invalid-room', 'error-room-e2e-key-already-exists', 'error-invalid-key-id'],
	async run({ rid, keyID }, context) {
		const { name, userId, store, events } = context;
		requireValidKeyId(keyID, name);
		const seen = await requireRoomAccess(store, rid, userId, name);
		// A key id is never taken away: where one is seen, nothing need be written to know who was first.
		const room = seen.e2eKeyId ? null : await claimKeyId(store, rid, keyID);
		if (!room) {
			// The loser of the race needs the winner's key: its holders are notified at once (issue 36731 of Rocket.Chat).
			if (seen.encrypted) await enqueue(context, rid, userId);
			throw clientError('keyIdExists', { method: name });
		}
		events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	},
});
