/** `users.delete` (`test/contract/beyond.md` E10): deletes an account, its memberships and tokens, and the rooms left empty. */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { LONG_WORK_MS } from '../limits.js';
import { WRITE_DEFAULTS } from '../methodDefaults.js';
import { LAST_KEY_HOLDER_ANSWER } from '../model/answers.js';
import { forEachInParallel } from '../model/inParallel.js';
import { deleteHistory } from '../model/keys/identityHistory.js';
import { requireConfirmation } from '../model/keys/keyHolders.js';
import { dequeue } from '../model/keys/queue.js';
import { deleteOrphanedMemberships } from '../model/lifecycle/deleteRoom.js';
import { isLastHolderWithOthers } from '../model/lifecycle/endMembership.js';
import { handOverRooms, requireHandOverConfirmation } from '../model/lifecycle/handOverRooms.js';
import { removeMember } from '../model/lifecycle/removeMember.js';
import { membershipsOfUser } from '../model/memberships/roomsOfUser.js';
import { requirePermission } from '../model/permissions/permissions.js';
import { setActive } from '../model/users/activity.js';
import { requireNotLastAdmin } from '../model/users/admins.js';
import { findUser, USER_ARGS } from '../model/users/findUser.js';
import { revokeTokensOf } from '../model/users/revokeTokens.js';

type Context = Pick<MethodContext, 'store' | 'events' | 'signal'>;

/** The memberships of a user, with invitations. */
function allMemberships({ store, signal }: Context, userId: string): AsyncIterable<Subscription[]> {
	return membershipsOfUser(store, userId, {}, { projection: { rid: 1 }, signal });
}

async function isLastHolderWithOthersAnywhere(context: Context, userId: string): Promise<boolean> {
	let isLastHolder = false;
	const check = async ({ rid }: Subscription) => {
		if (await isLastHolderWithOthers(context.store, rid, userId)) isLastHolder = true;
	};
	await forEachInParallel(allMemberships(context, userId), check, context.signal);
	return isLastHolder;
}

/**
 * Ends all memberships of a user, and removes the user from the queues of all other rooms.
 * @returns `deletedRooms`: ids of the rooms whose last member was the user
 */
async function leaveAllRooms(
	context: Context,
	userId: string,
): Promise<{ lostLastHolder: boolean; deletedRooms: readonly string[] }> {
	const { store } = context;
	const deletedRooms: string[] = [];
	let lostLastHolder = false;
	const leave = async ({ rid }: Subscription) => {
		const room = await store.rooms.findOne({ _id: rid });
		if (!room) return deleteOrphanedMemberships(context, rid, { 'u._id': userId });
		const result = await removeMember(context, room, userId, 'user-deleted');
		lostLastHolder ||= result.lostLastHolder;
		if (result.roomDeleted) deletedRooms.push(rid);
	};
	await forEachInParallel(allMemberships(context, userId), leave, context.signal);
	const queued = store.rooms.find({ 'usersWaitingForE2EKeys.userId': userId }, { projection: { _id: 1 } });
	for await (const { _id } of queued) await dequeue(store, _id, [userId]);
	return { lostLastHolder, deletedRooms };
}

export const deleteUser = method({
	name: 'users.delete',
	audit: true,
	args: {
		...USER_ARGS,
		/** True: rooms of which the user is the only owner get a new owner; rooms without other members are deleted. */
		confirmRelinquish: Match.Optional(Boolean),
		/** True: room keys that only this user holds may be lost (`test/contract/beyond.md` E11). */
		confirm: Match.Optional(Boolean),
	},
	...WRITE_DEFAULTS,
	once: true,
	timeout: LONG_WORK_MS,
	summary: 'Deletes an account with its memberships and tokens; requires delete-user',
	returns: { deletedRooms: [String], ...LAST_KEY_HOLDER_ANSWER },
	errors: [
		'error-unauthorized',
		'error-user-param-not-provided',
		'error-action-not-allowed',
		'error-last-key-holder',
		'user-last-owner',
	],
	async run({ confirmRelinquish, confirm, ...userArgs }, context) {
		const { store } = context;
		await requirePermission(context, 'delete-user');
		const user = await findUser(context, userArgs, { roles: 1, active: 1 });
		if (!user) throw clientError('userNotFound');
		await requireConfirmation(context, confirm, () => isLastHolderWithOthersAnywhere(context, user._id));
		const handOverOptions = { isLeaving: true, confirmed: confirmRelinquish };
		const ridsToHandOver = await requireHandOverConfirmation(store, user._id, handOverOptions);
		await requireNotLastAdmin(store, user);
		// From here on only `setActive` can refuse the call, if no other admin is left by then.
		await handOverRooms(store, user._id, ridsToHandOver);
		// Ends all sessions. The user document is deleted last, so that a repeated call completes an interrupted one.
		const wasDeactivated = await setActive(context, user, false);
		// Another program may have left tokens of a user who was inactive already.
		if (!wasDeactivated) await revokeTokensOf(context, user._id);
		const firstPass = await leaveAllRooms(context, user._id);
		await deleteHistory(store, user._id);
		await store.users.deleteOne({ _id: user._id });
		// Repeated: a concurrent call that added the user to a room may not have seen the deletion.
		const secondPass = await leaveAllRooms(context, user._id);
		const deletedRooms = [...firstPass.deletedRooms, ...secondPass.deletedRooms];
		const lostLastHolder = firstPass.lostLastHolder || secondPass.lostLastHolder;
		return { deletedRooms, ...(lostLastHolder && { lastKeyHolder: true }) };
	},
});
