/** `channels.leave`, `groups.leave`, `channels.kick`, `groups.kick`: end the caller's or another user's membership. */

import type { Room } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { LAST_KEY_HOLDER_ANSWER, RoomAnswer } from '../model/answers.js';
import { requireConfirmation } from '../model/keys/keyHolders.js';
import type { StaleReason } from '../model/keys/staleKey.js';
import { completeDeletion } from '../model/lifecycle/deleteRoom.js';
import { endMembership, isLastHolderWithOthers } from '../model/lifecycle/endMembership.js';
import { removeMember } from '../model/lifecycle/removeMember.js';
import { requireOtherOwner } from '../model/lifecycle/requireOtherOwner.js';
import { hasRoomPermission } from '../model/memberships/roomPermission.js';
import { hasPermission } from '../model/permissions/permissions.js';
import { clientRoom } from '../model/rooms/clientRoom.js';
import {
	type ChannelOrGroup,
	findCaller,
	findRoom,
	forChannelsAndGroups,
	ROOM_ARGS,
	ROOM_ARGS_ERRORS,
	roomAnswer,
} from '../model/rooms/findRoom.js';
import { USER_ARGS } from '../model/users/findUser.js';
import { findUsersOfCall } from '../model/users/findUsersOfCall.js';

/**
 * True: the caller accepts that the room loses its last key holder. Needed only if the server requires a confirmation
 * (`test/contract/beyond.md` E11).
 */
const CONFIRM = Match.Optional(Boolean);

interface Removal {
	readonly userId: string;
	readonly reason: StaleReason;
	readonly confirm: boolean | undefined;
	/** True: the call also succeeds if the user is not a member. */
	readonly allowNonMember?: boolean;
}

/** Removes a member, if the rules for key holders and owners allow it. @returns the answer of the method */
async function checkAndRemove(
	context: MethodContext,
	kind: ChannelOrGroup,
	room: Room,
	{ userId, reason, confirm, allowNonMember = false }: Removal,
): Promise<Record<string, unknown>> {
	const { store } = context;
	const rid = room._id;
	const membership = await store.subscriptions.findOne({ rid, 'u._id': userId }, { projection: { _id: 1 } });
	if (!membership && !allowNonMember) throw clientError('userNotInRoom');
	if (membership) await requireConfirmation(context, confirm, () => isLastHolderWithOthers(store, rid, userId));
	await requireOtherOwner(store, rid, userId);
	// Without a membership, `endMembership` removes what an interrupted call has left, such as the entry in the queue.
	const { lostLastHolder, roomDeleted } = membership
		? await removeMember(context, room, userId, reason)
		: { ...(await endMembership(context, room, userId, reason)), roomDeleted: false };
	const lastKeyHolder = lostLastHolder && { lastKeyHolder: true };
	if (kind.t !== 'c') return { ...lastKeyHolder };
	const channel = roomDeleted ? { [kind.single]: await clientRoom(store, room) } : await roomAnswer(store, kind, rid);
	return { ...channel, ...lastKeyHolder };
}

const answerAndErrors = (kind: ChannelOrGroup) => ({
	returns: { ...(kind.t === 'c' && { channel: RoomAnswer }), ...LAST_KEY_HOLDER_ANSWER },
	errors: [
		...ROOM_ARGS_ERRORS,
		'error-not-allowed',
		'error-user-not-in-room',
		'error-you-are-last-owner',
		'error-last-key-holder',
	],
});

export const leaveMethods = forChannelsAndGroups((kind) =>
	method({
		name: `${kind.plural}.leave`,
		args: { ...ROOM_ARGS, confirm: CONFIRM },
		...WRITE_DEFAULTS,
		once: true,
		summary: `Ends the caller's membership of a ${kind.single}`,
		...answerAndErrors(kind),
		async run({ confirm, ...roomArgs }, context) {
			const { store, userId } = context;
			// An earlier call may have begun to delete the room when its last member left, and been interrupted.
			if (await completeDeletion(context, roomArgs.roomId)) throw clientError('roomNotFound');
			const room = await findRoom(context, roomArgs, kind);
			if (!(await hasPermission(store, await findCaller(context), `leave-${kind.t}`)))
				throw clientError('errorNotAllowed');
			return checkAndRemove(context, kind, room, { userId, reason: 'member-left', confirm });
		},
	}),
);

/** As in Rocket.Chat, the call also succeeds for a user who is not a member, if the caller may kick from any room. */
export const kickMethods = forChannelsAndGroups((kind) =>
	method({
		name: `${kind.plural}.kick`,
		audit: true,
		args: {
			...ROOM_ARGS,
			...USER_ARGS,
			confirm: CONFIRM,
		},
		...WRITE_DEFAULTS,
		once: true,
		summary: `Removes a member from a ${kind.single}`,
		...answerAndErrors(kind),
		errors: [...answerAndErrors(kind).errors, 'error-users-params-not-provided'],
		async run({ confirm, ...args }, context) {
			const { store } = context;
			const anyRoomPermission = `kick-user-from-any-${kind.t}-room`;
			const room = await findRoom(context, args, kind, anyRoomPermission);
			const caller = await findCaller(context);
			const mayKickFromAny = await hasPermission(store, caller, anyRoomPermission);
			if (!mayKickFromAny && !(await hasRoomPermission(store, caller, 'remove-user', room._id)))
				throw clientError('errorNotAllowed');
			const [member] = await findUsersOfCall(context, args);
			if (!member) throw clientError('invalidUser');
			const removal = {
				userId: member._id,
				reason: 'member-removed',
				confirm,
				allowNonMember: mayKickFromAny,
			} as const;
			return checkAndRemove(context, kind, room, removal);
		},
	}),
);
