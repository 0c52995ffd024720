/** `e2e.setRoomKeyID` (`test/contract/rocketchat-e2e.md` 4.1): sets the key id of a room that has none. */
import { clientError } from '../../shared/errors.js';
import { Nothing } from '../../shared/match.js';
import { method } from '../../shared/method.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { exists } from '../model/exists.js';
import { enqueue, isQueued } from '../model/keys/queue.js';
import { claimKeyId } from '../model/keys/roomKeyId.js';
import { requireValidKeyId } from '../model/keys/sealedKey.js';
import { requireRoomAccess } from '../model/rooms/access.js';

export const setRoomKeyID = method({
	name: 'e2e.setRoomKeyID',
	args: { rid: String, keyID: String },
	...KEY_WRITE_DEFAULTS,
	// A client that did not receive the answer repeats the call. Without `once` it would get the error
	// `error-room-e2e-key-already-exists` and discard the only key of the room.
	once: true,
	summary: 'Sets the end-to-end encryption key id of a room that has none yet',
	returns: Nothing,
	errors: ['error-invalid-room', 'error-room-e2e-key-already-exists', 'error-invalid-key-id'],
	async run({ rid, keyID }, context) {
		const { userId, store } = context;
		requireValidKeyId(keyID);
		const before = await requireRoomAccess(store, rid, userId);
		// A key id may be replaced, but is never removed. If the room had one, the claim would fail, so no write is tried.
		// A claim also fails during a reset of the key, and if the room was deleted. The error is the same.
		const claimed = before.e2eKeyId ? null : await claimKeyId(store, rid, keyID);
		if (!claimed) {
			// The room may have been deleted meanwhile.
			if (!before.e2eKeyId && !(await exists(store.rooms, { _id: rid }))) throw clientError('invalidRoom');
			// Queueing the caller notifies the key holders at once (issue 36731 of Rocket.Chat).
			if (before.encrypted && !isQueued(before, userId)) await enqueue(store, rid, userId);
			throw clientError('keyIdExists');
		}
	},
});
