/** `stream-notify-room-users`: a member asks all others for the key of their room (10.2, 10.3). */
import { refusal } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';

/** Rocket.Chat relays any name, and so lets a member forge `force_logout`. Here this one passes and no other. */
const RELAYED = 'e2ekeyRequest';

export const notifyRoomUsers = stream({
	name: 'notify-room-users',
	summary: 'Only written: what is written reaches the other members by notify-user',
	mayRead: () => false,
});

export const writeNotifyRoomUsers = method({
	name: 'stream-notify-room-users',
	args: { eventName: String, rid: String, keyId: String },
	summary: "Asks the other members of a room for its key: ('<rid>/e2ekeyRequest', rid, keyId)",
	async run({ eventName, rid, keyId }, { userId, store, events }) {
		if (eventName !== `${rid}/${RELAYED}`) throw refusal('notAllowed');
		const isMember = await store.subscriptions.findOne({ rid, 'u._id': userId }, { projection: { _id: 1 } });
		if (!isMember) throw refusal('notAllowed');
		const others = store.subscriptions.find({ rid, 'u._id': { $ne: userId } }, { projection: { 'u._id': 1 } });
		for await (const { u } of others) {
			events.emit('notify', { stream: 'notify-user', eventName: `${u._id}/${RELAYED}`, args: [rid, keyId] });
		}
	},
});
