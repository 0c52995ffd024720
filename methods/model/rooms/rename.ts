/** Renames a channel or a group. */
import type { Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { isDuplicateKey } from '../../../shared/storeErrors.js';
import { forEachInParallel } from '../inParallel.js';
import { membershipsOf } from '../memberships/members.js';

/**
 * ASCII letters, digits, `_`, `.` and `-`, as in Rocket.Chat. The limit of 120 characters is Roomkey's, because names are
 * part of URLs.
 */
const NAME = /^[\w.-]{1,120}$/;

/** @throws ClientError `error-invalid-room-name` */
export function requireRoomName(roomName: string): void {
	if (!NAME.test(roomName)) throw clientError('invalidRoomName');
}

/**
 * Renames a room, and then the memberships that still have another name. So a repeated call completes an interrupted one.
 * If a concurrent call has renamed the room again, the memberships get that name. Notifies the members of all changes.
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
