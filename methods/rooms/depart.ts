/** `channels.leave`, `groups.leave`, `channels.kick`, `groups.kick`. */
import type { Room } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { WRITES } from '../limits.js';
import { requireConfirmation } from '../model/keys/holders.js';
import type { StaleReason } from '../model/keys/stale.js';
import { findNamedUsers, WHICH_USERS } from '../model/users/findNamedUsers.js';
import { hasPermission, hasRoomPermission } from '../permissions.js';
import { findCaller, findRoom, forBoth, type Kind, roomAnswer, WHICH_ROOM } from './kinds.js';
import { takeOut } from './last.js';
import { removeMember, requireOtherOwner, wouldLoseLastKey } from './leave.js';
import { publishedRoom } from './published.js';

/** Only where the last holder of a key goes, and the server asks for it (`test/contract/beyond.md` E11). */
const CONFIRM = Match.Optional(Boolean);

interface Departure {
	readonly userId: string;
	readonly reason: StaleReason;
	readonly confirm: boolean | undefined;
	/** That whoever is not there any more is no fault. */
	readonly mayBeGone?: boolean;
}

/**
 * Lets somebody go, if rules allow it.
 * @returns the answer: `lastKeyHolder: true` where nobody who stays holds the key; a channel, which can still be seen, or
 * was the last member's
 */
async function depart(
	context: MethodContext,
	kind: Kind,
	room: Room,
	{ userId, reason, confirm, mayBeGone = false }: Departure,
): Promise<Record<string, unknown>> {
	const { store, name } = context;
	const rid = room._id;
	const place = await store.subscriptions.findOne({ rid, 'u._id': userId }, { projection: { _id: 1 } });
	if (!place && !mayBeGone) throw clientError('userNotInRoom', { method: name });
	if (place && (await wouldLoseLastKey(store, rid, userId))) requireConfirmation(context, confirm);
	await requireOtherOwner(context, rid, userId);
	// Who is not there may have been removed by a call that was broken off.
	const { lastKeyHolder, isRoomGone } = place
		? await takeOut(context, room, userId, reason)
		: { ...(await removeMember(context, room, userId, reason)), isRoomGone: false };
	const channel = async () =>
		isRoomGone ? { [kind.single]: await publishedRoom(store, room) } : roomAnswer(context, kind, rid);
	return {
		...(kind.t === 'c' && (await channel())),
		...(lastKeyHolder && { lastKeyHolder }),
	};
}

/** `POST groups.leave` {roomId | roomName, confirm?} → {lastKeyHolder?: true} */
export const leaveMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.leave`,
		args: { ...WHICH_ROOM, confirm: CONFIRM },
		rest: 'POST',
		once: true,
		limit: WRITES,
		summary: `Ends the caller's membership of a ${kind.single}`,
		async run({ confirm, ...which }, context) {
			const { store, name, userId } = context;
			const room = await findRoom(context, which, kind);
			if (!(await hasPermission(store, await findCaller(context), `leave-${kind.t}`)))
				throw clientError('actionNotAllowed', { method: name });
			return depart(context, kind, room, { userId, reason: 'member-left', confirm });
		},
	}),
);

/**
 * `POST groups.kick` {roomId | roomName, userId | username | user, confirm?} → {lastKeyHolder?: true}
 *
 * For those who may kick from any room it succeeds also where the user is no member, as in Rocket.Chat: they need not see
 * who is one.
 */
export const kickMethods = forBoth((kind) =>
	method({
		name: `${kind.plural}.kick`,
		args: {
			...WHICH_ROOM,
			userId: WHICH_USERS.userId,
			username: WHICH_USERS.username,
			user: WHICH_USERS.user,
			confirm: CONFIRM,
		},
		rest: 'POST',
		once: true,
		limit: WRITES,
		summary: `Removes a member from a ${kind.single}`,
		async run({ confirm, ...args }, context) {
			const { store, name } = context;
			const fromAny = `kick-user-from-any-${kind.t}-room`;
			const room = await findRoom(context, args, kind, fromAny);
			const caller = await findCaller(context);
			const mayKickFromAny = await hasPermission(store, caller, fromAny);
			if (!mayKickFromAny && !(await hasRoomPermission(store, caller, 'remove-user', room._id)))
				throw clientError('actionNotAllowed', { method: name });
			const [member] = await findNamedUsers(context, args);
			if (!member) throw clientError('invalidUser', { method: name });
			const departure = { userId: member._id, reason: 'member-removed', confirm, mayBeGone: mayKickFromAny } as const;
			return depart(context, kind, room, departure);
		},
	}),
);
