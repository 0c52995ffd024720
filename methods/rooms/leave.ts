/** `channels.leave`, `groups.leave`, `channels.kick`, `groups.kick`. */
import type { Room } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { WRITE } from '../kinds.js';
import { LAST_KEY_HOLDER_ANSWER, RoomAnswer } from '../model/answers.js';
import { requireConfirmation } from '../model/keys/keyHolders.js';
import type { StaleReason } from '../model/keys/staleKey.js';
import { endMembership, wouldLeaveRoomWithoutHolder } from '../model/lifecycle/endMembership.js';
import { removeMember } from '../model/lifecycle/removeMember.js';
import { requireOtherOwner } from '../model/lifecycle/requireOtherOwner.js';
import { hasRoomPermission } from '../model/memberships/roomPermission.js';
import { hasPermission } from '../model/permissions/permissions.js';
import { clientRoom } from '../model/rooms/clientRoom.js';
import {
	findCaller,
	findRoom,
	forBothKinds,
	type Kind,
	roomAnswer,
	WHICH_ROOM,
	WHICH_ROOM_ERRORS,
} from '../model/rooms/findRoom.js';
import { findNamedUsers, WHICH_USERS } from '../model/users/findNamedUsers.js';

/**
 * Needed only if the last holder of a key leaves and the server requires a confirmation (`test/contract/beyond.md`
 * E11).
 */
const CONFIRM = Match.Optional(Boolean);

interface Removal {
	readonly userId: string;
	readonly reason: StaleReason;
	readonly confirm: boolean | undefined;
	/** The call also succeeds if the user is not a member any more. */
	readonly mayBeGone?: boolean;
}

/**
 * Removes a member, if the rules allow it.
 * @returns the answer: `lastKeyHolder: true` if no remaining member holds the key; the room, if it is a channel
 */
async function remove(
	context: MethodContext,
	kind: Kind,
	room: Room,
	{ userId, reason, confirm, mayBeGone = false }: Removal,
): Promise<Record<string, unknown>> {
	const { store } = context;
	const rid = room._id;
	const membership = await store.subscriptions.findOne({ rid, 'u._id': userId }, { projection: { _id: 1 } });
	if (!membership && !mayBeGone) throw clientError('userNotInRoom');
	if (membership && (await wouldLeaveRoomWithoutHolder(store, rid, userId))) requireConfirmation(context, confirm);
	await requireOtherOwner(store, rid, userId);
	// Without a membership, the rest of an interrupted call may still be pending.
	const { lastKeyHolder, isRoomGone } = membership
		? await removeMember(context, room, userId, reason)
		: { ...(await endMembership(context, room, userId, reason)), isRoomGone: false };
	const channel = async () =>
		isRoomGone ? { [kind.single]: await clientRoom(store, room) } : roomAnswer(store, kind, rid);
	return { ...(kind.t === 'c' && (await channel())), ...(lastKeyHolder && { lastKeyHolder }) };
}

/** The answer and the errors of methods that end a membership. */
const outcomesOf = (kind: Kind) => ({
	returns: { ...(kind.t === 'c' && { channel: RoomAnswer }), ...LAST_KEY_HOLDER_ANSWER },
	errors: [
		...WHICH_ROOM_ERRORS,
		'error-not-allowed',
		'error-user-not-in-room',
		'error-you-are-last-owner',
		'error-last-key-holder',
	],
});

/** `POST groups.leave` {roomId | roomName, confirm?} → {lastKeyHolder?: true} */
export const leaveMethods = forBothKinds((kind) =>
	method({
		name: `${kind.plural}.leave`,
		args: { ...WHICH_ROOM, confirm: CONFIRM },
		...WRITE,
		once: true,
		summary: `Ends the caller's membership of a ${kind.single}`,
		...outcomesOf(kind),
		async run({ confirm, ...which }, context) {
			const { store, userId } = context;
			const room = await findRoom(context, which, kind);
			if (!(await hasPermission(store, await findCaller(context), `leave-${kind.t}`)))
				throw clientError('actionNotAllowed');
			return remove(context, kind, room, { userId, reason: 'member-left', confirm });
		},
	}),
);

/**
 * `POST groups.kick` {roomId | roomName, userId | username | user, confirm?} → {lastKeyHolder?: true}
 *
 * For callers who may kick from any room it also succeeds if the user is not a member, as in Rocket.Chat.
 */
export const kickMethods = forBothKinds((kind) =>
	method({
		name: `${kind.plural}.kick`,
		args: {
			...WHICH_ROOM,
			userId: WHICH_USERS.userId,
			username: WHICH_USERS.username,
			user: WHICH_USERS.user,
			confirm: CONFIRM,
		},
		...WRITE,
		once: true,
		summary: `Removes a member from a ${kind.single}`,
		...outcomesOf(kind),
		async run({ confirm, ...args }, context) {
			const { store } = context;
			const fromAny = `kick-user-from-any-${kind.t}-room`;
			const room = await findRoom(context, args, kind, fromAny);
			const caller = await findCaller(context);
			const mayKickFromAny = await hasPermission(store, caller, fromAny);
			if (!mayKickFromAny && !(await hasRoomPermission(store, caller, 'remove-user', room._id)))
				throw clientError('actionNotAllowed');
			const [member] = await findNamedUsers(context, args);
			if (!member) throw clientError('invalidUser');
			const removal = { userId: member._id, reason: 'member-removed', confirm, mayBeGone: mayKickFromAny } as const;
			return remove(context, kind, room, removal);
		},
	}),
);
