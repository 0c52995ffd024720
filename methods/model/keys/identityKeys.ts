/**
 * The identity keys of a user, and the follow-up work when the public key changes (`test/contract/beyond.md` E4, E15).
 * This work takes several writes. The first sets a marker in the user document, and the last removes it. A call that
 * finds a marker repeats all steps, because an earlier call may have been interrupted.
 *
 * | Marker | Set when | Follow-up work |
 * |---|---|---|
 * | `e2eRekeying` | the user had another public key before | archive all room keys of the user as former keys, and queue the user in all encrypted rooms |
 * | `e2eQueueing` | the user had no public key before | the same, but keys that the user has stored stay |
 *
 * The reset of identity keys (`resetIdentity.ts`) sets `e2eRekeying` by `removeIdentity`, and does the work itself.
 *
 * As in Rocket.Chat, a user without identity keys can have room keys. When the first public key is stored, only the
 * user's own device can have sealed room keys for it.
 */
import type { KeyLogin, Room, Subscription, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { inParallel } from '../inParallel.js';
import { membershipsOfUser } from '../memberships/roomsOfUser.js';
import { CONFLICT, retryOnConflict } from '../retryOnConflict.js';
import { listOf } from '../storedLists.js';
import { applyTransition } from './applyTransition.js';
import {
	appendEntriesUpdate,
	missingHistoryEntries,
	moveEarlierEntries,
	nextEntryTime,
	whereHistoryUnchanged,
} from './identityHistory.js';
import { hasHolder, isLastHolderAnywhere, notifyNoHolder, requireConfirmation } from './keyHolders.js';
import { offererOf } from './knownKeys.js';
import { holdsKey, type MemberKeys } from './memberKeys.js';
import { notifyIdentityChanged } from './notifyIdentityChanged.js';
import { isSamePublicKey } from './publicKey.js';
import { enqueueEverywhere } from './queue.js';
import * as transitions from './transitions.js';

/** The two identity keys of a user. */
export interface KeyPair {
	public_key: string;
	private_key: string;
}

type Context = Pick<MethodContext, 'store' | 'events'>;

const IDENTITY_FIELDS = {
	'e2e.public_key': 1,
	'e2e.private_key': 1,
	e2eKeyHistory: 1,
	e2eRekeying: 1,
	e2eQueueing: 1,
} as const;

/** @throws ClientError `error-invalid-user` if the user does not exist any more */
async function readIdentity({ store }: Context, userId: string): Promise<User> {
	const user = await store.users.findOne({ _id: userId }, { projection: IDENTITY_FIELDS });
	if (!user) throw clientError('invalidUser');
	return user;
}

function whereIdentityUnchanged(user: User): Filter<User> {
	const { _id, e2e, e2eRekeying, e2eQueueing } = user;
	return {
		_id,
		'e2e.public_key': e2e?.public_key ?? null,
		'e2e.private_key': e2e?.private_key ?? null,
		...whereHistoryUnchanged(user),
		e2eRekeying: e2eRekeying ?? null,
		e2eQueueing: e2eQueueing ?? null,
	};
}

function isFollowUpPending({ e2eRekeying, e2eQueueing }: User): boolean {
	return !!e2eRekeying || !!e2eQueueing;
}

/** How a caller who gave no proof is logged in. */
async function loginOf(store: Store, userId: string, hashedToken: string | null): Promise<KeyLogin> {
	if (hashedToken === null) return 'server';
	const projection = { 'services.resume.loginTokens.hashedToken': 1, 'services.resume.loginTokens.type': 1 } as const;
	const user = await store.users.findOne({ _id: userId }, { projection });
	const token = listOf(user?.services?.resume?.loginTokens).find((entry) => entry.hashedToken === hashedToken);
	return token?.type === 'personalAccessToken' ? 'personal-access-token' : 'session';
}

/** Options for storing a key pair. */
export interface StoreOptions {
	/** True: existing keys may be overwritten. */
	readonly force: boolean;
	/** True: the caller accepts that rooms may lose their last key holder (`test/contract/beyond.md` E11). */
	readonly confirm: boolean | undefined;
	/**
	 * Requires a second factor or the password of the caller before keys are overwritten. Returns the kind of proof; null
	 * if none was required.
	 */
	prove(): Promise<KeyLogin | null>;
}

/**
 * Stores the identity keys of a user, and completes the follow-up work. A pair that is already stored is not written
 * again.
 * @returns whether any room has lost its last key holder
 * @throws ClientError `error-keys-already-set` without `force`; `error-invalid-user` if the user does not exist any
 * more; `error-last-key-holder` without a confirmation; what `prove` throws
 */
export async function storeKeyPair(
	context: Context & Pick<MethodContext, 'settings' | 'hashedToken'>,
	userId: string,
	pair: KeyPair,
	{ force, confirm, prove }: StoreOptions,
): Promise<boolean> {
	const { store, hashedToken } = context;
	let proof: KeyLogin | null = null;
	const attempt = async () => {
		const user = await readIdentity(context, userId);
		const { public_key, private_key } = user.e2e ?? {};
		const isIdentical = pair.public_key === public_key && pair.private_key === private_key;
		// Without `force`, identical keys are refused too, as in Rocket.Chat, unless they complete an interrupted call.
		const completesFollowUp = isIdentical && isFollowUpPending(user);
		const hasKeys = !!public_key && !!private_key;
		if (hasKeys && !force && !completesFollowUp) throw clientError('keysAlreadySet');
		if (isIdentical) return user;
		const isNewPublicKey = !isSamePublicKey(pair.public_key, public_key);
		// `e2eRekeying` without a public key comes from an unfinished reset, which may not have archived all room keys yet.
		const mayHoldRoomKeys = !!public_key || !!user.e2eRekeying;
		const hadPublicKey = mayHoldRoomKeys || listOf(user.e2eKeyHistory).length > 0;
		const marker = hadPublicKey ? 'e2eRekeying' : 'e2eQueueing';
		// A user without identity keys is no holder (`hasHolder`), and so gives up no copy of a room key.
		if (isNewPublicKey && mayHoldRoomKeys)
			await requireConfirmation(context, confirm, () => isLastHolderAnywhere(store, userId));
		// A second-factor code can be used only once, so a repeated attempt keeps the first proof.
		if (hasKeys) proof ??= await prove();
		const login = proof ?? (await loginOf(store, userId, hashedToken));
		const updated = await store.users.findOneAndUpdate(
			whereIdentityUnchanged(user),
			appendEntriesUpdate(user, missingHistoryEntries(user, pair.public_key, login), {
				'e2e.public_key': pair.public_key,
				'e2e.private_key': pair.private_key,
				...(isNewPublicKey && { [marker]: nextEntryTime(user) }),
			}),
			{ returnDocument: 'after', projection: IDENTITY_FIELDS },
		);
		return updated ?? CONFLICT;
	};
	const stored = await retryOnConflict(attempt);
	if (!isFollowUpPending(stored)) return false;
	return completeFollowUpWork(context, stored);
}

/**
 * Performs the follow-up work, and removes the marker unless another call has set a newer one. Other users are notified
 * early, because the later steps may take long.
 * @returns whether any room has lost its last key holder
 */
async function completeFollowUpWork(context: Context, user: User): Promise<boolean> {
	const { _id, e2eKeyHistory, e2eRekeying, e2eQueueing } = user;
	if (listOf(e2eKeyHistory).length > 1) await moveEarlierEntries(context.store, _id);
	const latest = listOf(e2eKeyHistory).at(-1);
	// A user's first key, whose entry has an empty `previous`, replaces none.
	if (latest?.previous) await notifyIdentityChanged(context, _id, latest);
	const lostLastHolder = await archiveKeysEverywhere(context, _id, { keepsOwn: !e2eRekeying });
	await enqueueEverywhere(context.store, _id);
	await context.store.users.updateOne(
		{ _id, e2eRekeying: e2eRekeying ?? null, e2eQueueing: e2eQueueing ?? null },
		{ $unset: { e2eRekeying: 1, e2eQueueing: 1 } },
		{ silent: true },
	);
	return lostLastHolder;
}

/**
 * Removes a user's identity keys and sets the marker `e2eRekeying`. The calling code must then archive the room keys
 * and remove the marker.
 * @returns the marker: the time of this call, or of the interrupted call that has set one
 */
export async function removeIdentity(context: Context, userId: string): Promise<Date> {
	return retryOnConflict(async () => {
		const user = await readIdentity(context, userId);
		if (!user.e2e && user.e2eRekeying) return user.e2eRekeying;
		const marker = nextEntryTime(user);
		const updated = await context.store.users.findOneAndUpdate(
			whereIdentityUnchanged(user),
			{
				...appendEntriesUpdate(user, missingHistoryEntries(user), { e2eRekeying: marker }),
				$unset: { e2e: 1, e2eQueueing: 1 },
			},
			{ returnDocument: 'after', projection: { _id: 1 } },
		);
		return updated ? marker : CONFLICT;
	});
}

const WITH_KEYS: Filter<Subscription> = {
	$or: [
		{ E2EKey: { $exists: true } },
		{ E2ESuggestedKey: { $exists: true } },
		{ suggestedOldRoomKeys: { $exists: true } },
		{ e2eKnownKeys: { $exists: true } },
	],
};

/** Whether the member has a key that no other member had offered. */
function isOwn({ key, records }: MemberKeys): boolean {
	return key !== undefined && offererOf(records, key) === undefined;
}

/**
 * Archives all room keys of a user, and removes all offers to the user. Notifies the user of each changed membership,
 * and each room that has lost its last key holder.
 * @param options `keepsOwn` true: keys that the user has stored, and not accepted from another member, stay
 * @returns whether any room has lost its last key holder
 */
export async function archiveKeysEverywhere(
	context: Pick<MethodContext, 'store' | 'events'>,
	userId: string,
	{ keepsOwn = false }: { readonly keepsOwn?: boolean } = {},
): Promise<boolean> {
	const { store } = context;
	let lostLastHolder = false;
	for await (const page of membershipsOfUser(store, userId, WITH_KEYS)) {
		const rooms = store.rooms.find({ _id: { $in: page.map(({ rid }) => rid) } }, { projection: { e2eKeyId: 1 } });
		const keyIds = new Map<string, Room['e2eKeyId']>();
		for await (const { _id, e2eKeyId } of rooms) keyIds.set(_id, e2eKeyId);
		await inParallel(page, async (membership) => {
			const { rid } = membership;
			const e2eKeyId = keyIds.get(rid);
			let wasHolder = false;
			const updated = await applyTransition(store, membership, (keys, current) => {
				// With `keepsOwn`, the user had no identity keys, and so was no holder.
				wasHolder = !keepsOwn && holdsKey(current, { e2eKeyId });
				return keepsOwn && isOwn(keys) ? transitions.drop(keys.offer)(keys) : transitions.clear({ e2eKeyId })(keys);
			});
			if (!updated) return;
			// After the write: if the last two holders lose their keys concurrently, at least one call sees no holder.
			if (!wasHolder || (await hasHolder(store, rid))) return;
			lostLastHolder = true;
			notifyNoHolder(context, rid, userId);
		});
	}
	return lostLastHolder;
}
