/**
 * `e2e.updateGroupKey` (`test/contract/rocketchat-e2e.md` 4.4): a member stores a room key sealed for themselves, or
 * offers one sealed for another member.
 */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { type MethodContext, method, type UserContext } from '../../shared/method.js';
import { KEY_WRITE_DEFAULTS } from '../methodDefaults.js';
import { SkippedAnswer } from '../model/answers.js';
import { type OfferRefusal, offerKey, withdraw } from '../model/keys/offers.js';
import { endReservations } from '../model/keys/providerReservation.js';
import { removeServedUsers } from '../model/keys/queue.js';
import { type RoomKeyFields, readRoomKeyFields, wasResetMeanwhile } from '../model/keys/roomKeyId.js';
import { isOfKeyId, requireSealedKey } from '../model/keys/sealedKey.js';
import { archiveMismatchedKey, failIfResetMeanwhile, storeMemberKey } from '../model/keys/storeMemberKey.js';
import { findMembership } from '../model/memberships/members.js';

async function storeOwn(
	context: MethodContext,
	membership: Subscription,
	room: RoomKeyFields,
	key: string,
): Promise<undefined> {
	const { rid, u } = membership;
	const updated = await storeMemberKey(context.store, membership, room, key);
	if (updated) {
		// A concurrent reset may have missed the stored key.
		await failIfResetMeanwhile(context.store, updated, room, key);
		await endReservations(context.store, rid, [u._id]);
	}
	// Even if nothing was stored: an earlier call may have been interrupted before this step.
	await removeServedUsers(context.store, rid, [u._id]);
}

/** The answer if the offer was not stored, in the form of `e2e.provideUsersSuggestedGroupKeys`. */
interface NotStored {
	readonly skipped: readonly [{ readonly rid: string; readonly _id: string; readonly reason: OfferRefusal }];
}

/** Offers the key to another member. Does nothing if the user is not a member. */
async function offerTo(
	context: UserContext,
	room: RoomKeyFields,
	uid: string,
	key: string,
): Promise<NotStored | undefined> {
	const { store, userId } = context;
	const rid = room._id;
	const membership = await findMembership(store, rid, uid);
	if (!membership) return undefined;
	const outcome = await offerKey(store, membership, room, { key, by: userId });
	if (typeof outcome === 'string') return { skipped: [{ rid, _id: uid, reason: outcome }] };
	// A concurrent reset may have missed the new offer.
	if (wasResetMeanwhile(room.e2eKeyId, await readRoomKeyFields(store, rid), key)) {
		await withdraw(store, outcome);
		throw clientError('keyIdMismatch');
	}
	await endReservations(store, rid, [uid]);
	return undefined;
}

export const updateGroupKey = method({
	name: 'e2e.updateGroupKey',
	args: { rid: String, uid: String, key: String },
	...KEY_WRITE_DEFAULTS,
	summary: 'Stores the key of a room for the caller, or offers it to another member who has none',
	returns: SkippedAnswer,
	errors: ['error-invalid-key', 'error-key-id-mismatch', 'error-key-in-use'],
	async run({ rid, uid, key }, context) {
		const { userId, store, settings } = context;
		requireSealedKey(key);
		const ownMembership = await findMembership(store, rid, userId);
		const room = ownMembership && (await readRoomKeyFields(store, rid));
		if (!ownMembership || !room) return undefined;
		// An offer is stored as it was sent, but accepting the offer trims its key.
		const isOwn = uid === userId;
		const checkedKey = isOwn ? key : key.trim();
		if (settings.strictKeyIds && !isOfKeyId(checkedKey, room.e2eKeyId)) {
			// The caller's stored key may not match the room's key id either, if an earlier call was interrupted.
			if (isOwn) await archiveMismatchedKey(store, ownMembership, room);
			throw clientError('keyIdMismatch');
		}
		return isOwn ? storeOwn(context, ownMembership, room, key) : offerTo(context, room, uid, key);
	},
});
