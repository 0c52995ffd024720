/** `e2e.resetRoomKey` (`test/contract/rocketchat-e2e.md` 5.6, 6.1): a room gets a new key, the former ones are put away. */
import type { Room } from '../../shared/documents.js';
import { clientError, isClientSafe } from '../../shared/errors.js';
import { type MethodContext, method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { hasHolder } from '../model/keys/holders.js';
import { hasIdentity } from '../model/keys/identities.js';
import { KEY_CALLS, MAX_KEY_ID_LENGTH, MAX_KEY_LENGTH } from '../model/keys/limits.js';
import { enqueue } from '../model/keys/queue.js';
import { beganIt, takeLease } from '../model/keys/resetLock.js';
import {
	emptyOthers,
	type NewKey,
	putOwn,
	type ResetContext,
	renameKey,
	takeOwnBack,
} from '../model/keys/resetMemberships.js';
import { requireKeyId } from '../model/keys/sealedKey.js';
import { MEMBER } from '../model/memberships/members.js';
import { maySeeRoom } from '../model/rooms/access.js';
import { mayToggleEncryption } from '../model/rooms/mayToggleEncryption.js';

export const resetRoomKey = method({
	name: 'e2e.resetRoomKey',
	args: { rid: String, e2eKey: String, e2eKeyId: String },
	rest: 'POST',
	limit: KEY_CALLS,
	// Whoever lost the answer asks again, and would be told that the room has this key id already.
	once: true,
	// A room of 10,000 takes some seconds in memory, and a database may be far away.
	timeout: 5 * 60_000,
	summary: 'Gives a room a new key; the keys its members have are put among their old ones',
	async run(newKey, context) {
		const { name, userId, store } = context;
		const { rid, e2eKey, e2eKeyId } = newKey;
		const room = await store.rooms.findOne({ _id: rid });
		if (room && (await isDone(store, room, userId, newKey))) return;
		if (!(await mayReset(store, rid, room, userId, e2eKeyId))) throw clientError('resetForbidden');
		if (!(await maySeeRoom(store, rid, userId))) throw clientError('resetNotAllowed');
		if (e2eKeyId === '' || e2eKeyId.length > MAX_KEY_ID_LENGTH) throw clientError('invalidKeyId', { method: name });
		if (e2eKey === '' || e2eKey.length > MAX_KEY_LENGTH) throw clientError('invalidKey', { method: name });
		requireKeyId(e2eKey, e2eKeyId, name);
		await requireReady(store, userId, newKey);
		await reset(newKey, context, userId);
	},
});

/** Whether this very reset was made: its caller did not hear so, and asks again. */
async function isDone(store: Store, room: Room, userId: string, { e2eKey, e2eKeyId }: NewKey): Promise<boolean> {
	if (room.e2eKeyId !== e2eKeyId || room.e2eReset) return false;
	const own = await store.subscriptions.findOne({ rid: room._id, 'u._id': userId }, { projection: { E2EKey: 1 } });
	return own?.E2EKey === e2eKey;
}

/**
 * Whether the user may reset the key of a room: by permission, or because they began it and it was broken off, or as any
 * member with identity keys where nobody holds the key (`test/contract/beyond.md` E2, E3).
 */
async function mayReset(
	store: Store,
	rid: string,
	room: Room | null,
	userId: string,
	e2eKeyId: string,
): Promise<boolean> {
	const user = await store.users.findOne({ _id: userId }, { projection: { roles: 1 } });
	if (!user) return false;
	if (await mayToggleEncryption(store, user, room ?? { _id: rid, t: 'p' })) return true;
	if (!room) return false;
	if (beganIt(room, userId, e2eKeyId)) return true;
	const member = { rid, 'u._id': userId, ...MEMBER };
	if (!(await store.subscriptions.findOne(member, { projection: { _id: 1 } }))) return false;
	return (await hasIdentity(store, userId)) && !(await hasHolder(store, rid));
}

/** Demands what can be told before anything is written: that the caller can have the new key, and read it. */
async function requireReady(store: Store, userId: string, { rid, e2eKey }: NewKey): Promise<void> {
	const _id = { projection: { _id: 1 as const } };
	// Whoever sees a public channel without being in it has no place for the key: nobody would hold it.
	const own = await store.subscriptions.findOne({ rid, 'u._id': userId }, _id);
	if (!own) throw clientError('resetNotAllowed');
	const keys = { 'e2e.public_key': { $exists: true }, 'e2e.private_key': { $exists: true } };
	if (!(await store.users.findOne({ _id: userId, ...keys }, _id))) throw clientError('resetFailed');
	// No two places have the same key: the others would be empty by the time this were found out.
	const sameKey = await store.subscriptions.findOne({ E2EKey: e2eKey }, _id);
	if (sameKey && sameKey._id !== own._id) throw clientError('resetFailed');
}

/**
 * The reset itself. Its order makes it safe to be broken off anywhere, and called again with the same key id it goes on:
 * first the others' keys are put away, while the room goes on with the former key; then the room gets the new key id,
 * then the caller the new key. What was written with the former key id meanwhile is put away at the end.
 */
async function reset(newKey: NewKey, context: MethodContext, userId: string): Promise<void> {
	const { rid, e2eKey, e2eKeyId } = newKey;
	const { name, store, events, signal, log } = context;
	const lease = await takeLease(store, { rid, userId, keyId: e2eKeyId }, name);
	const work: ResetContext = { store, events, signal, userId, lease };
	const tell = (document: Room) => events.emit('changed', { collection: 'rooms', action: 'updated', document });
	try {
		await emptyOthers(work, e2eKeyId);
		await renameKey(work, e2eKeyId);
		await putOwn(work, e2eKey);
		for (const uid of await emptyOthers(work, e2eKeyId)) await enqueue(work, rid, uid);
		tell(await lease.giveBack());
	} catch (thrown) {
		const room = await lease.abandon().catch(() => null);
		if (room?.e2eKeyId === e2eKeyId) tell(room);
		else await takeOwnBack(work, newKey).catch(() => null);
		if (isClientSafe(thrown)) throw thrown;
		log.error({ err: thrown, rid }, 'The reset of the key of a room was broken off');
		throw clientError('resetFailed');
	}
}
