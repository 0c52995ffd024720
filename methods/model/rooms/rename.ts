/** Renames a channel or a group. */
import type { Room, Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { isDuplicateKey } from '../../../shared/store.js';
import { forEachInParallel } from '../inParallel.js';
import { membershipsOf } from '../memberships/members.js';

/** Rocket.Chat's rule for names, and 1 to 120 characters because names are part of URLs. */
const NAME = /^[\w.-]{1,120}$/;

/** @throws ClientError `error-invalid-room-name` */
export function requireRoomName(roomName: string, methodName: string): void {
	if (!NAME.test(roomName)) throw clientError('invalidRoomName', { method: methodName });
}

/**
 * Renames a room, and then the memberships that still have another name, so that the call can be repeated after a
 * crash. Notifies the members of both changes.
 * @throws ClientError `error-duplicate-channel-name`
 */
export async function renameRoom(
	{ store, events, name, signal }: Pick<MethodContext, 'store' | 'events' | 'name' | 'signal'>,
	rid: string,
	roomName: string,
): Promise<void> {
	const names = { name: roomName, fname: roomName };
	let room: Room | null;
	try {
		room = await store.rooms.findOneAndUpdate(
			{ _id: rid, name: { $ne: roomName } },
			{ $set: names },
			{ returnDocument: 'after' },
		);
	} catch (error) {
		throw isDuplicateKey(error) ? clientError('duplicateRoomName', { method: name }) : error;
	}
	if (room) events.emit('changed', { collection: 'rooms', action: 'updated', document: room });
	const others = membershipsOf(store, rid, { name: { $ne: roomName } }, { _id: 1 });
	const rename = async ({ _id }: Subscription) => {
		const document = await store.subscriptions.findOneAndUpdate({ _id }, { $set: names }, { returnDocument: 'after' });
		if (document) events.emit('changed', { collection: 'subscriptions', action: 'updated', document });
	};
	await forEachInParallel(others, rename, signal);
}
