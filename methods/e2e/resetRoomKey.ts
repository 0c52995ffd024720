/** `e2e.resetRoomKey` (`test/contract/rocketchat-e2e.md` 5.6, 6.1): gives a room a new key. */
import type { Room } from '../../shared/documents.js';
import { clientError, isClientSafe } from '../../shared/errors.js';
import { Nothing } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { LONG_WORK_MS } from '../limits.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { hasHolder } from '../model/keys/keyHolders.js';
import { enqueue, removeServedUsers } from '../model/keys/queue.js';
import { hasBegunReset, takeResetLock } from '../model/keys/resetLock.js';
import {
	archiveFormerKeysOfOthers,
	archiveUnusedKey,
	type NewKey,
	type ResetContext,
	setNewKeyId,
	storeNewKey,
} from '../model/keys/roomReset.js';
import { requireMatchingKeyId, requireSealedKey, requireValidKeyId } from '../model/keys/sealedKey.js';
import { hasIdentity } from '../model/keys/usersWithIdentity.js';
import { isMember } from '../model/memberships/members.js';
import { maySeeRoom } from '../model/rooms/access.js';
import { mayToggleEncryption } from '../model/rooms/mayToggleEncryption.js';

export const resetRoomKey = method({
	name: 'e2e.resetRoomKey',
	audit: true,
	args: { rid: String, e2eKey: String, e2eKeyId: String },
	...KEY_WRITE_DEFAULTS,
	// A caller who did not receive the answer repeats the call. For some time `once` gives the repeated call the first
	// answer. After that, `isComplete` recognizes the repetition.
	once: true,
	timeout: LONG_WORK_MS,
	summary: "Gives a room a new key; the members' present keys are archived",
	returns: Nothing,
	errors: [
		'error-not-allowed',
		'error-invalid-key-id',
		'error-room-e2e-key-already-exists',
		'error-invalid-key',
		'error-key-id-mismatch',
		'error-key-in-use',
		'error-e2e-key-reset-failed',
		'error-e2e-key-reset-in-progress',
	],
	async run(newKey, context) {
		const { userId, store } = context;
		const { rid, e2eKey, e2eKeyId } = newKey;
		const room = await store.rooms.findOne({ _id: rid });
		if (room && (await isComplete(store, room, userId, newKey))) return;
		if (!(await mayReset(store, rid, room, userId, e2eKeyId))) throw clientError('resetPermissionMissing');
		if (!(await maySeeRoom(store, rid, userId))) throw clientError('resetAccessMissing');
		requireValidKeyId(e2eKeyId);
		requireSealedKey(e2eKey);
		requireMatchingKeyId(e2eKey, e2eKeyId);
		await requireCanStore(store, userId, newKey);
		await reset(newKey, context, userId);
	},
});

/** Whether this call repeats a completed call: the room and the caller already have the new key. */
async function isComplete(store: Store, room: Room, userId: string, { e2eKey, e2eKeyId }: NewKey): Promise<boolean> {
	// `e2eReset` is the lock of a reset that is in progress or was interrupted.
	if (room.e2eKeyId !== e2eKeyId || room.e2eReset) return false;
	const ownMembership = await store.subscriptions.findOne(
		{ rid: room._id, 'u._id': userId },
		{ projection: { E2EKey: 1 } },
	);
	return ownMembership?.E2EKey === e2eKey;
}

/** Whether the user may reset the key of a room (`test/contract/beyond.md` E2, E3). */
async function mayReset(
	store: Store,
	rid: string,
	room: Room | null,
	userId: string,
	e2eKeyId: string,
): Promise<boolean> {
	const user = await store.users.findOne({ _id: userId }, { projection: { roles: 1 } });
	if (!user) return false;
	// An unknown room is treated as a private group. Users with the global permission pass here, and `maySeeRoom` then
	// refuses them.
	if (await mayToggleEncryption(store, user, room ?? { _id: rid, t: 'p' })) return true;
	if (!room) return false;
	if (hasBegunReset(room, userId, e2eKeyId)) return true;
	return (await isMember(store, rid, userId)) && (await hasIdentity(store, userId)) && !(await hasHolder(store, rid));
}

/** Checks before the first write that the caller's new key can be stored. */
async function requireCanStore(store: Store, userId: string, { rid, e2eKey }: NewKey): Promise<void> {
	const onlyId = { projection: { _id: 1 as const } };
	// A caller who sees a public channel, but is not a member, has no membership to store the key in.
	const ownMembership = await store.subscriptions.findOne({ rid, 'u._id': userId }, onlyId);
	if (!ownMembership) throw clientError('resetAccessMissing');
	// Not `hasIdentity`, which looks for the public key only.
	const whereBothKeys = { 'e2e.public_key': { $exists: true }, 'e2e.private_key': { $exists: true } };
	if (!(await store.users.findOne({ _id: userId, ...whereBothKeys }, onlyId))) throw clientError('resetFailed');
	// Keys are unique over all memberships. Without this check, `storeNewKey` would fail after other keys were archived.
	const membershipWithKey = await store.subscriptions.findOne({ E2EKey: e2eKey }, onlyId);
	if (membershipWithKey && membershipWithKey._id !== ownMembership._id) throw clientError('resetFailed');
}

/** Resets the key in steps. After an interruption, a call with the same key id resumes the reset. */
async function reset(newKey: NewKey, context: MethodContext, userId: string): Promise<void> {
	const { rid, e2eKey, e2eKeyId } = newKey;
	const { store, signal, log } = context;
	const lock = await takeResetLock(store, { rid, userId, keyId: e2eKeyId });
	const resetContext: ResetContext = { store, signal, userId, lock };
	try {
		await archiveFormerKeysOfOthers(resetContext, e2eKeyId);
		// Also queues the members whose keys were just archived.
		await setNewKeyId(resetContext, e2eKeyId);
		await storeNewKey(resetContext, e2eKey);
		// A concurrent call may have queued the caller, who had no key before. If that call replaced the caller's identity
		// keys, the new key may be sealed for the former ones. The server cannot know that, and so stores it. A caller who
		// cannot open it returns it (`e2e.returnRoomKey`).
		await removeServedUsers(store, rid, [userId]);
		// Members who stored a key under the former key id during the steps above.
		const lateMemberIds = await archiveFormerKeysOfOthers(resetContext, e2eKeyId);
		for (const uid of lateMemberIds) await enqueue(store, rid, uid);
		await lock.release();
	} catch (thrown) {
		// Null if another call has taken the lock, or if the store fails.
		const room = await lock.abandon().catch(() => null);
		// The members must learn the new key id. A repeated call stores the new key if it is missing.
		if (room?.e2eKeyId === e2eKeyId) await store.rooms.announce('updated', room);
		// The caller may have the new key although the room has another key id.
		else await archiveUnusedKey(resetContext, newKey).catch(() => null);
		if (isClientSafe(thrown)) throw thrown;
		log.error({ err: thrown, rid }, 'The reset of the key of a room was interrupted');
		throw clientError('resetFailed');
	}
}
