/** `users.delete` (`test/contract/beyond.md` E10): an account goes, and with it every place, every token and every room it leaves empty. */
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { revokeOtherTokens } from '../accounts/tokens.js';
import { requireConfirmation } from '../e2e/holders.js';
import { dequeue } from '../e2e/queue.js';
import { WRITES } from '../limits.js';
import { pagesOf } from '../model/pages.js';
import { requirePermission } from '../permissions.js';
import { takeOut } from '../rooms/last.js';
import { wouldLoseLastKey } from '../rooms/leave.js';
import { removePlacesOfNoRoom } from '../rooms/remove.js';
import { setActive } from './activity.js';
import { requireOtherAdmin } from './admins.js';
import { handOverRooms, roomsToHandOver } from './owners.js';
import { filterFor, Whom } from './shown.js';

type Context = Pick<MethodContext, 'store' | 'events' | 'settings' | 'name'>;

/** Ids of the rooms in which a user has a membership. */
async function* roomsOf({ store }: Context, userId: string): AsyncIterable<string> {
	const pages = pagesOf(store.subscriptions, { 'u._id': userId }, { projection: { rid: 1 } });
	for await (const page of pages) for (const { rid } of page) yield rid;
}

async function holdsLastKey(context: Context, userId: string): Promise<boolean> {
	for await (const rid of roomsOf(context, userId)) {
		if (await wouldLoseLastKey(context.store, rid, userId)) return true;
	}
	return false;
}

/**
 * Takes a user out of every room, and out of the queues of rooms they have no place in any more.
 * @returns whether nobody holds the key of one of the rooms any more because of it; ids of the rooms whose last member
 * they were, and which are gone
 */
async function leaveEverything(
	context: Context,
	userId: string,
): Promise<{ lost: boolean; deletedRooms: readonly string[] }> {
	const { store } = context;
	const deletedRooms: string[] = [];
	let lost = false;
	for await (const rid of roomsOf(context, userId)) {
		const room = await store.rooms.findOne({ _id: rid });
		if (!room) {
			await removePlacesOfNoRoom(context, rid, { 'u._id': userId });
			continue;
		}
		const { lastKeyHolder, isRoomGone } = await takeOut(context, room, userId, 'user-deleted');
		lost ||= lastKeyHolder;
		if (isRoomGone) deletedRooms.push(rid);
	}
	const queued = store.rooms.find({ 'usersWaitingForE2EKeys.userId': userId }, { projection: { _id: 1 } });
	for await (const { _id } of queued) await dequeue(context, _id, [userId]);
	return { lost, deletedRooms };
}

export const deleteUser = method({
	name: 'users.delete',
	args: {
		...Whom,
		/** That rooms of which they are the only owner go to another member, and those where they are alone go. */
		confirmRelinquish: Match.Optional(Boolean),
		/** That the keys which nobody else holds may be lost (`test/contract/beyond.md` E11). */
		confirm: Match.Optional(Boolean),
	},
	rest: 'POST',
	once: true,
	limit: WRITES,
	summary: 'Deletes an account with its places and tokens; for those who may delete-user',
	async run({ confirmRelinquish, confirm, ...whom }, context) {
		const { store, events, name } = context;
		await requirePermission(context, 'delete-user');
		const user = await store.users.findOne(filterFor(whom, name), { projection: { roles: 1, active: 1 } });
		if (!user) throw clientError('userNotFound', { method: name });
		if (await holdsLastKey(context, user._id)) requireConfirmation(context, confirm);
		const rids = await roomsToHandOver(store, user._id, true, confirmRelinquish);
		await requireOtherAdmin(store, user, name);
		// Now all has been asked that could be a reason to refuse.
		await handOverRooms(context, user._id, rids);
		// From here on nobody is logged in as them, and nobody can be. The user is the last to go, so that whatever is
		// broken off in between can be completed by the same call.
		if (!(await setActive(context, user, false))) await revokeOtherTokens(context, user._id, null);
		const first = await leaveEverything(context, user._id);
		await store.users.deleteOne({ _id: user._id });
		events.emit('changed', { collection: 'users', action: 'removed', document: { _id: user._id } });
		// Whoever was adding them to a room just then may have been too late to see it.
		const second = await leaveEverything(context, user._id);
		const deletedRooms = [...first.deletedRooms, ...second.deletedRooms];
		return { deletedRooms, ...((first.lost || second.lost) && { lastKeyHolder: true }) };
	},
});
