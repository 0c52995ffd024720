/**
 * The identity keys of a user, and what follows when they change (`test/contract/beyond.md` E4, E15). What follows is more than
 * one write. The first one leaves a mark and the last removes it. A call that finds the mark does all of it again, which
 * changes nothing that is done already.
 */
import type { KeyLogin, User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Store } from '../../../shared/store.js';
import { listOf } from '../lists.js';
import { addedTo, missingEntries, moveEarlier, nextTime, sameHistory } from './history.js';
import { requireConfirmation } from './holders.js';
import { emptyPlaces, isLastHolderAnywhere } from './ownMemberships.js';
import { isSamePublicKey } from './publicKey.js';
import { enqueueEverywhere } from './queue.js';
import { notifyIdentityChanged } from './sharedRoomUsers.js';

/** The two identity keys, as a client made them. */
export interface KeyPair {
	public_key: string;
	private_key: string;
}

type Context = Pick<MethodContext, 'store' | 'events' | 'name'>;

const IDENTITY = {
	'e2e.public_key': 1,
	'e2e.private_key': 1,
	e2eKeyHistory: 1,
	e2eRekeying: 1,
	e2eQueueing: 1,
} as const;

/** What is known of a user's identity. @throws ClientError `error-invalid-user` where the user is gone */
async function readIdentity({ store, name }: Context, userId: string): Promise<User> {
	const user = await store.users.findOne({ _id: userId }, { projection: IDENTITY });
	if (!user) throw clientError('invalidUser', { method: name });
	return user;
}

/** Finds the user as long as nothing of their identity has changed since it was read. */
function asRead(user: User): Filter<User> {
	const { _id, e2e, e2eRekeying, e2eQueueing } = user;
	return {
		_id,
		'e2e.public_key': e2e?.public_key ?? null,
		'e2e.private_key': e2e?.private_key ?? null,
		...sameHistory(user),
		e2eRekeying: e2eRekeying ?? null,
		e2eQueueing: e2eQueueing ?? null,
	} as Filter<User>;
}

/** Whether work of an earlier call on this user is still to be done. */
function unfinished({ e2eRekeying, e2eQueueing }: User): boolean {
	return !!e2eRekeying || !!e2eQueueing;
}

/** Whether a caller came with a login token, with a personal access token, or without one. */
async function loginOf(store: Store, userId: string, hashedToken: string | null): Promise<KeyLogin> {
	if (hashedToken === null) return 'server';
	const tokens = { 'services.resume.loginTokens.hashedToken': 1, 'services.resume.loginTokens.type': 1 } as const;
	const user = await store.users.findOne({ _id: userId }, { projection: tokens });
	const token = listOf(user?.services?.resume?.loginTokens).find((entry) => entry.hashedToken === hashedToken);
	return token?.type === 'personalAccessToken' ? 'personal-access-token' : 'session';
}

/** What else there is to say of a pair that is to be stored. */
export interface StoreOptions {
	/** Whether keys that are there already may be overwritten. */
	readonly force: boolean;
	/** Whether the caller knows that rooms may lose their last holder by it (`test/contract/beyond.md` E11). */
	readonly confirm: boolean | undefined;
	/** Demands the proof for overwriting keys, and tells which it was; null where nothing was asked for. */
	prove(): Promise<KeyLogin | null>;
}

/**
 * Stores the identity keys of a user. Where the public key is another than before, room keys sealed for the former one are
 * archived, and the user is put into the queue of every encrypted room. The pair that is stored already is not stored
 * again; what a crash left undone is done then.
 * @returns whether a room lost its last holder
 * @throws ClientError `error-keys-already-set`, `error-invalid-user`, `error-last-key-holder`, and what `prove` throws
 */
export async function storeKeyPair(
	context: Context & Pick<MethodContext, 'settings' | 'hashedToken'>,
	userId: string,
	pair: KeyPair,
	{ force, confirm, prove }: StoreOptions,
): Promise<boolean> {
	const { store, events, name, settings, hashedToken } = context;
	let login: KeyLogin | undefined;
	for (;;) {
		const user = await readIdentity(context, userId);
		const { public_key, private_key } = user.e2e ?? {};
		const isIdentical = pair.public_key === public_key && pair.private_key === private_key;
		// Rocket.Chat refuses the very same keys too. A caller who repeats an interrupted call may end it.
		const mayStore = force || !public_key || !private_key || (isIdentical && unfinished(user));
		if (!mayStore) throw clientError('keysAlreadySet', { method: name });
		if (isIdentical) return unfinished(user) && finish(context, user);
		const isOther = !isSamePublicKey(pair.public_key, public_key);
		// With a first key nothing can be sealed for a former one, and what is there stays.
		const mark = public_key || user.e2eRekeying ? 'e2eRekeying' : 'e2eQueueing';
		const mayLose = isOther && mark === 'e2eRekeying' && settings.confirmLastKeyHolder;
		if (mayLose && (await isLastHolderAnywhere(store, userId))) requireConfirmation(context, confirm);
		// A code is good once: it is asked for once, however often the keys change meanwhile.
		if (public_key && private_key) login ??= (await prove()) ?? undefined;
		login ??= await loginOf(store, userId, hashedToken);
		const after = await store.users.findOneAndUpdate(
			asRead(user),
			addedTo(user, missingEntries(user, pair.public_key, login), {
				'e2e.public_key': pair.public_key,
				'e2e.private_key': pair.private_key,
				...(isOther && { [mark]: nextTime(user) }),
			}),
			{ returnDocument: 'after', projection: IDENTITY },
		);
		if (!after) continue;
		events.emit('changed', { collection: 'users', action: 'updated', document: { _id: userId } });
		return unfinished(after) && finish(context, after);
	}
}

/**
 * Does what follows from a new public key, and removes the mark, unless yet another key has been stored meanwhile. Those
 * who share a room are notified first: however long the rest takes, they know.
 * @returns whether a room lost its last holder
 */
async function finish(context: Context, user: User): Promise<boolean> {
	const { _id, e2eKeyHistory, e2eRekeying, e2eQueueing } = user;
	if (listOf(e2eKeyHistory).length > 1) await moveEarlier(context.store, _id);
	const latest = listOf(e2eKeyHistory).at(-1);
	if (latest?.previous) await notifyIdentityChanged(context, _id, latest);
	const lastKeyHolder = !!e2eRekeying && (await emptyPlaces(context, _id));
	await enqueueEverywhere(context, _id);
	await context.store.users.updateOne(
		{ _id, e2eRekeying: e2eRekeying ?? null, e2eQueueing: e2eQueueing ?? null } as Filter<User>,
		{ $unset: { e2eRekeying: 1, e2eQueueing: 1 } },
	);
	return lastKeyHolder;
}

/**
 * Removes a user's identity keys and leaves the mark that their memberships are still to be emptied.
 * @returns the mark; that of a call before this one, if that did not come to its end
 */
export async function dropIdentity(context: Context, userId: string): Promise<Date> {
	const { store, events } = context;
	for (;;) {
		const user = await readIdentity(context, userId);
		if (!user.e2e && user.e2eRekeying) return user.e2eRekeying;
		const mark = nextTime(user);
		const after = await store.users.findOneAndUpdate(
			asRead(user),
			{ ...addedTo(user, missingEntries(user), { e2eRekeying: mark }), $unset: { e2e: 1, e2eQueueing: 1 } },
			{ returnDocument: 'after', projection: { _id: 1 } },
		);
		if (!after) continue;
		events.emit('changed', { collection: 'users', action: 'updated', document: { _id: userId } });
		return mark;
	}
}
