/**
 * Whether a new room is encrypted, and how encryption is switched on or off (`test/contract/rocketchat-e2e.md` 5.7).
 */
import type { Room, RoomType, Subscription, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Store } from '../../../shared/store.js';
import { forEachInParallel } from '../inParallel.js';
import { enqueueKeyless } from '../keys/queue.js';
import { membershipsOf } from '../memberships/members.js';
import { mayToggleEncryption } from '../rooms/mayToggleEncryption.js';
import { workspaceSetting } from '../settings/workspace.js';
import { userRefOf } from './addMember.js';

type Context = Pick<MethodContext, 'store' | 'signal'>;

/** Types of rooms that may be encrypted: private groups and direct rooms. Public channels may not. */
const ENCRYPTABLE: readonly RoomType[] = ['p', 'd'];

async function isEncryptionForced(store: Store, { t, federated }: Pick<Room, 't' | 'federated'>): Promise<boolean> {
	if (t !== 'p' || federated || !(await workspaceSetting(store, 'E2E_Enable'))) return false;
	return workspaceSetting(store, 'E2E_Force_Encryption_For_Private_Rooms');
}

/**
 * Whether a new room is encrypted; undefined if the creator specifies nothing and no setting switches encryption on.
 * @param requested the value that the creator sends
 * @throws ClientError `error-encrypted-private-rooms-enforced` if the creator sends false but a setting forces
 * encryption; `error-action-not-allowed` if an encrypted channel is requested
 */
export async function encryptionOfNewRoom(
	store: Store,
	t: RoomType,
	requested: boolean | undefined,
): Promise<boolean | undefined> {
	if (requested && !ENCRYPTABLE.includes(t)) throw clientError('onlyPrivateEncrypted');
	if (await isEncryptionForced(store, { t })) {
		if (requested === false) throw clientError('privateRoomsEncrypted');
		return true;
	}
	if (requested !== undefined || !ENCRYPTABLE.includes(t)) return requested;
	if (!(await workspaceSetting(store, 'E2E_Enable'))) return undefined;
	const defaultSetting = t === 'd' ? 'E2E_Enabled_Default_DirectRooms' : 'E2E_Enabled_Default_PrivateRooms';
	return (await workspaceSetting(store, defaultSetting)) || undefined;
}

/** Turns automatic translation off for all members. */
async function endTranslation({ store, signal }: Context, rid: string): Promise<void> {
	const turnOff = async ({ _id }: Subscription) => {
		await store.subscriptions.updateOne({ _id }, { $unset: { autoTranslate: 1 } });
	};
	const translated = membershipsOf(store, rid, { autoTranslate: { $exists: true } }, { _id: 1 });
	await forEachInParallel(translated, turnOff, signal);
}

/**
 * Switches the encryption of a room on or off. The key id and all keys stay. The room records the user and the time
 * (`test/contract/beyond.md` E14). If a crash comes before the members are queued, their clients ask for the key at the
 * next login.
 * @param encrypted the wanted state
 * @throws ClientError `error-action-not-allowed` for callers without the permission, for channels, and if encryption is
 * switched off on the server; `error-encrypted-private-rooms-enforced` if a setting forces the room to be encrypted
 */
export async function switchEncryption(
	context: Context,
	room: Room,
	user: Pick<User, '_id' | 'username' | 'name' | 'roles'>,
	encrypted: boolean,
): Promise<void> {
	const { store } = context;
	const details = { action: 'Change_Room_Encrypted' };
	if (!(await workspaceSetting(store, 'E2E_Enable'))) throw clientError('encryptionIsOff', details);
	if (encrypted && !ENCRYPTABLE.includes(room.t)) throw clientError('onlyPrivateEncrypted', details);
	if (!(await mayToggleEncryption(store, user, room))) throw clientError('toggleNotAllowed', details);
	if (!encrypted && (await isEncryptionForced(store, room))) throw clientError('privateRoomsEncrypted');
	// The server cannot translate encrypted messages. Translation ends before the room is written, so that a repeated
	// call completes the work after a crash.
	if (encrypted) await endTranslation(context, room._id);
	const { matchedCount } = await store.rooms.updateOne(
		{ _id: room._id, encrypted: encrypted ? { $ne: true } : true },
		{ $set: { encrypted, e2eToggled: { encrypted, by: userRefOf(user), at: new Date() } } },
	);
	if (matchedCount > 0 && encrypted) await enqueueKeyless(store, room._id);
}
