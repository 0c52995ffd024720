/** The part of a room that clients may see. */
import type { Room } from '../../../shared/documents.js';
import type { Store } from '../../../shared/store.js';
import { createYielder } from '../../../shared/yielding.js';
import { workspaceSetting } from '../settings/workspace.js';

/**
 * The fields of a room that clients receive. Secrets are left out, such as the join code and the token of a livechat
 * visitor.
 */
const FIELDS = [
	'_id _updatedAt t name fname u usernames uids usersCount default msgs ts lm lastMessage ro reactWhenReadOnly sysMes',
	'topic description announcement announcementDetails customFields archived broadcast muted unmuted featured retention',
	'encrypted e2eKeyId usersWaitingForE2EKeys e2eToggled e2eStale prid teamId teamMain joinCodeRequired federated',
	'servedBy departmentId open avatarETag autoTranslateLanguage',
].flatMap((line) => line.split(' '));

export const CLIENT_ROOM_FIELDS = Object.fromEntries(FIELDS.map((field) => [field, 1])) as Record<string, 1>;

/** Without `lastMessage`, for admins: they may see all rooms, but messages only as members. */
export const ADMIN_ROOM_FIELDS = Object.fromEntries(
	FIELDS.filter((field) => field !== 'lastMessage').map((field) => [field, 1]),
) as Record<string, 1>;

/** After this many rooms the conversion may yield to the event loop. */
const CHECK_EVERY = 50;

/** A room as clients receive it. */
export type ClientRoom = Omit<Room, 'e2eReset'>;

/**
 * Whether encryption is switched on for the server. While it is off, clients receive no encryption fields, and new
 * members are not queued for keys.
 */
export function isEncryptionEnabled(store: Store): Promise<boolean> {
	return workspaceSetting(store, 'E2E_Enable');
}

/**
 * Leaves out `e2eReset`, the lock of a key reset. If encryption is off, leaves out the encryption fields too, because
 * clients that see them ask for the encryption password (`test/contract/beyond.md` E13).
 * @param encryptionEnabled what `isEncryptionEnabled` returns
 */
export function partialClientRoom<R extends Partial<Room>>(room: R, encryptionEnabled: boolean): Omit<R, 'e2eReset'> {
	const { e2eReset, ...visible } = room;
	if (encryptionEnabled) return visible;
	const { encrypted, e2eKeyId, usersWaitingForE2EKeys, e2eToggled, e2eStale, ...withoutEncryption } =
		visible as Partial<Room>;
	return withoutEncryption as Omit<R, 'e2eReset'>;
}

function toClientRoom(room: Room, encryptionEnabled: boolean): ClientRoom {
	const visibleFields = Object.entries(room).filter(([field]) => Object.hasOwn(CLIENT_ROOM_FIELDS, field));
	return partialClientRoom(Object.fromEntries(visibleFields) as unknown as Room, encryptionEnabled);
}

export async function clientRoom(store: Store, room: Room): Promise<ClientRoom> {
	return toClientRoom(room, await isEncryptionEnabled(store));
}

/** Rooms as clients receive them. Yields to the event loop. */
export async function clientRooms(store: Store, rooms: readonly Room[]): Promise<ClientRoom[]> {
	const encryptionEnabled = await isEncryptionEnabled(store);
	const visible: ClientRoom[] = [];
	const pause = createYielder(CHECK_EVERY);
	for (const room of rooms) {
		await pause();
		visible.push(toClientRoom(room, encryptionEnabled));
	}
	return visible;
}
