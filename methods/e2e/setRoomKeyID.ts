/** `e2e.setRoomKeyID` (`test/contract/rocketchat-e2e.md` 4.1): the first to name the key of a room wins. */
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { claimKeyId, requireValidKeyId } from '../model/keys/keyId.js';
import { KEY_CALLS } from '../model/keys/limits.js';
import { enqueue } from '../model/keys/queue.js';
import { requireRoomAccess } from '../model/rooms/access.js';

export const setRoomKeyID = method({
	name: 'e2e.setRoomKeyID',
	args: { rid: String, keyID: String },
	rest: 'POST',
	limit: KEY_CALLS,
	// The winner that lost the answer would take itself for a loser, and throw the only key away.
	once: true,
	summary: 'Sets the end-to-end encryption key id of a room that has none yet',
	async run({ rid, keyID }, context) {
		const { name, userId, store, events } = context;
		requireValidKeyId(keyID, name);
		const seen = await requireRoomAccess(store, rid, userId, name);
		// A key id is never taken away: where one is seen, nothing need be written to know who was first.
		const room = seen.e2eKeyId ? null : await claimKeyId(store, rid, keyID);
		if (!room) {
			// Whoever loses the race needs the winner's key: those who hold it are told at once (issue 36731 of Rocket.Chat).
			if (seen.encrypted) await enqueue(context, rid, userId);
			throw clientError('keyIdExists', { method: name });
		}
		events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	},
});
