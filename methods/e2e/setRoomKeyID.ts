/** `e2e.setRoomKeyID` (`test/contract/rocketchat-e2e.md` 4.1): sets the key id of a room; the first caller wins. */
import { clientError } from '../../shared/errors.js';
import { Nothing } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_WRITE } from '../kinds.js';
import { enqueue, isQueued } from '../model/keys/queue.js';
import { claimKeyId } from '../model/keys/roomKeyId.js';
import { requireValidKeyId } from '../model/keys/sealedKey.js';
import { requireRoomAccess } from '../model/rooms/access.js';

export const setRoomKeyID = method({
	name: 'e2e.setRoomKeyID',
	args: { rid: String, keyID: String },
	...KEY_WRITE,
	// A winner that did not receive the answer would otherwise assume that it lost, and discard the only key.
	once: true,
	summary: 'Sets the end-to-end encryption key id of a room that has none yet',
	returns: Nothing,
	errors: ['error-invalid-room', 'error-room-e2e-key-already-exists', 'error-invalid-key-id'],
	async run({ rid, keyID }, context) {
		const { userId, store } = context;
		requireValidKeyId(keyID);
		const seen = await requireRoomAccess(store, rid, userId);
		// A key id is never removed, so a room that has one needs no write to decide the race.
		const room = seen.e2eKeyId ? null : await claimKeyId(store, rid, keyID);
		if (!room) {
			// The loser of the race needs the winner's key: the key holders are notified immediately (issue 36731 of
			// Rocket.Chat).
			if (seen.encrypted && !isQueued(seen, userId)) await enqueue(store, rid, userId);
			throw clientError('keyIdExists');
		}
	},
});
