/** Renames a channel or a group. */
import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { isDuplicateKey } from '../../../shared/storeErrors.js';
import { forEachInParallel } from '../inParallel.js';
import { membershipsOf } from '../memberships/members.js';

/** The characters are those of Rocket.Chat. The limit of length is Roomkey's, because names are part of URLs. */
const NAME = /^[\w.-]{1,120}$/;

/** @throws ClientError `error-invalid-room-name` */
export function requireRoomName(roomName: string): void {
	if (!NAME.test(roomName)) throw clientError('invalidRoomName');
}

/**
 * Renames a room, and then its memberships that have another name. A repeated call completes an interrupted one. If a
 * concurrent call renames the room again, the memberships get that name.
 * @throws ClientError `error-duplicate-channel-name`
 */
export async function renameRoom(
	{ store, signal }: Pick<MethodContext, 'store' | 'signal'>,
	rid: string,
	roomName: string,
): Promise<void> {
	let names = { name: roomName, fname: roomName };
	try {
		await store.rooms.updateOne({ _id: rid, name: { $ne: roomName } }, { $set: names });
	} catch (error) {
		throw isDuplicateKey(error) ? clientError('duplicateRoomName') : error;
	}
	for (;;) {
		const withOtherName = membershipsOf(store, rid, { name: { $ne: names.name } }, { _id: 1 });
		const rename = async ({ _id }: Subscription) => {
			await store.subscriptions.updateOne({ _id }, { $set: names });
		};
		await forEachInParallel(withOtherName, rename, signal);
		const room = await store.rooms.findOne({ _id: rid }, { projection: { name: 1, fname: 1 } });
		if (room?.name === undefined || room.name === names.name) return;
		names = { name: room.name, fname: room.fname ?? room.name };
	}
}
