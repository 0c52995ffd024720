/** `e2e.setRoomKeyID` (`contract/rocketchat-e2e.md` 4.1): the first to name the key of a room wins. */
import { refusal } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { demandRoomAccess } from '../rooms/access.js';

/** Longest key id, in characters: three times a UUID (13). Rocket.Chat's own are 12 or 36 characters long. */
const LONGEST_KEY_ID = 128;

export const setRoomKeyID = method({
	name: 'e2e.setRoomKeyID',
	args: { rid: String, keyID: String },
	rest: 'POST',
	// A client sets the keys of all its rooms in one go; Rocket.Chat's ten a minute are too few for that.
	limit: { calls: 600, per: 60_000 },
	// The winner that lost the answer would take itself for a loser, and throw the only key away.
	once: true,
	summary: 'Sets the end-to-end encryption key id of a room that has none yet',
	async run({ rid, keyID }, { name, userId, store, events }) {
		if (keyID === '' || keyID.length > LONGEST_KEY_ID) throw refusal('invalidKeyId', { method: name });
		await demandRoomAccess(store, rid, userId, name);
		// The filter is the rule: it is tested and written in one step, so of any number of callers one succeeds. Older
		// releases of Rocket.Chat left null or an empty string where a room has no key.
		const room = await store.rooms.findOneAndUpdate(
			{ _id: rid, $or: [{ e2eKeyId: { $exists: false } }, { e2eKeyId: null }, { e2eKeyId: '' }] },
			{ $set: { e2eKeyId: keyID } },
			{ returnDocument: 'after' },
		);
		if (!room) throw refusal('keyIdExists', { method: name });
		events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	},
});
