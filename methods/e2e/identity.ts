/**
 * The identity keys of a user, and what follows when they change (`test/contract/beyond.md` E4, E15). What follows is more than
 * one write. The first one leaves a mark, the last takes it away; whoever finds the mark does all of it again, which
 * changes nothing that is done already.
 */
import type { User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import type { MethodContext } from '../../shared/method.js';
import type { Filter } from '../../shared/store.js';
import { listOf, sameLength } from '../lists.js';
import { addedTo, missingEntries, nextTime } from './history.js';
import { requireConfirmation } from './holders.js';
import { emptyPlaces, isLastHolderAnywhere } from './ownMemberships.js';
import { enqueueEverywhere } from './queue.js';
import { tellIdentityChanged } from './sharedRoomUsers.js';

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
function asRead({ _id, e2e, e2eKeyHistory, e2eRekeying, e2eQueueing }: User): Filter<User> {
	return {
		_id,
		'e2e.public_key': e2e?.public_key ?? null,
		'e2e.private_key': e2e?.private_key ?? null,
		...sameLength('e2eKeyHistory', e2eKeyHistory),
		e2eRekeying: e2eRekeying ?? null,
		e2eQueueing: e2eQueueing ?? null,
	} as Filter<User>;
}

/** The mark that something of this user is still to be done. */
function unfinished({ e2eRekeying, e2eQueueing }: User): boolean {
	return !!e2eRekeying || !!e2eQueueing;
}

/**
 * Stores the identity keys of a user. Where the public key is another than before, room keys sealed for the former one are
 * put away, and the user is put into the queue of every encrypted room. The pair that is stored already is not stored
 * again; what a crash left undone is done then.
 * @param force whether keys that are there already may be overwritten
 * @param confirm whether the caller knows that rooms may lose their last holder by that (`test/contract/beyond.md` E11)
 * @returns whether there was such a room
 * @throws ClientError `error-keys-already-set`, `error-key-history-full`, `error-invalid-user`, `error-last-key-holder`
 */
export async function storeKeyPair(
	context: Context & Pick<MethodContext, 'settings'>,
	userId: string,
	pair: KeyPair,
	{ force = false, confirm }: { force?: boolean | undefined; confirm?: boolean | undefined },
): Promise<boolean> {
	const { store, events, name, settings } = context;
	for (;;) {
		const user = await readIdentity(context, userId);
		const { public_key, private_key } = user.e2e ?? {};
		const isSame = pair.public_key === public_key && pair.private_key === private_key;
		// Rocket.Chat refuses the very same keys too. Who repeats a call that broke off is let through to end it.
		const mayStore = force || !public_key || !private_key || (isSame && unfinished(user));
		if (!mayStore) throw clientError('keysAlreadySet', { method: name });
		if (isSame) return unfinished(user) && finish(context, user);
		const isOther = pair.public_key !== public_key;
		const entries = missingEntries(user, pair.public_key);
		if (isOther && entries.length === 0) throw clientError('keyHistoryFull', { method: name });
		// With a first key nothing can be sealed for a former one, and what is there stays.
		const mark = public_key || user.e2eRekeying ? 'e2eRekeying' : 'e2eQueueing';
		const mayLose = isOther && mark === 'e2eRekeying' && settings.confirmLastKeyHolder;
		if (mayLose && (await isLastHolderAnywhere(store, userId))) requireConfirmation(context, confirm);
		const after = await store.users.findOneAndUpdate(
			asRead(user),
			addedTo(user, entries, {
				'e2e.public_key': pair.public_key,
				'e2e.private_key': pair.private_key,
				...(isOther && { [mark]: entries.at(-1)?.ts }),
			}),
			{ returnDocument: 'after', projection: IDENTITY },
		);
		if (!after) continue;
		events.emit('changed', { collection: 'users', action: 'updated', document: { _id: userId } });
		return unfinished(after) && finish(context, after);
	}
}

/**
 * Does what follows from a new public key, and takes away the mark, unless yet another key has been stored meanwhile.
 * @returns whether a room lost its last holder
 */
async function finish(context: Context, user: User): Promise<boolean> {
	const { _id, e2eKeyHistory, e2eRekeying, e2eQueueing } = user;
	const lastKeyHolder = !!e2eRekeying && (await emptyPlaces(context, _id));
	await enqueueEverywhere(context, _id);
	const [former, latest] = listOf(e2eKeyHistory).slice(-2);
	if (former && latest) await tellIdentityChanged(context, _id, latest);
	await context.store.users.updateOne(
		{ _id, e2eRekeying: e2eRekeying ?? null, e2eQueueing: e2eQueueing ?? null } as Filter<User>,
		{ $unset: { e2eRekeying: 1, e2eQueueing: 1 } },
	);
	return lastKeyHolder;
}

/**
 * Takes a user's identity keys away and leaves the mark that their places are still to be emptied.
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
