/** `e2e.fetchUsersWaitingForGroupKey` (`test/contract/rocketchat-e2e.md` 5.3): the members who wait for room keys. */
import type { Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import { type MethodContext, method } from '../../shared/method.js';
import { createYielder } from '../../shared/yielding.js';
import { KEY_READ_DEFAULTS } from '../methodDefaults.js';
import { hasReturned } from '../model/keys/knownKeys.js';
import { holdsKey } from '../model/keys/memberKeys.js';
import { reservedForOthers, reserveMembers } from '../model/keys/providerReservation.js';
import { isFitPublicKey } from '../model/keys/publicKey.js';
import { tidyQueue } from '../model/keys/queue.js';
import { readRoomKeyFields } from '../model/keys/roomKeyId.js';
import { WITHOUT_KEY_OR_OFFER } from '../model/keys/storedKeys.js';
import { publicKeysOf, type UserWithPublicKey } from '../model/keys/usersWithIdentity.js';
import { findMembership, MEMBER, membershipsOf } from '../model/memberships/members.js';
import { maySeeRoom } from '../model/rooms/access.js';
import { workspaceSetting } from '../model/settings/workspace.js';
import { listOf } from '../model/storedLists.js';

const MAX_ROOMS = 500;

/** Maximum number of users listed for one room. */
const MAX_LISTED = 50;

interface WaitingMembers {
	/** At most `MAX_LISTED`. */
	readonly users: UserWithPublicKey[];
	/** Ids of the members whose public key cannot be used for sealing, at most `MAX_LISTED`. */
	readonly unfit: string[];
}

/**
 * Lists the members who wait for the key of one room, without the caller. A caller who holds the key is a provider. The
 * `users` of a provider have fit public keys, are reserved for no other provider, and have returned no key of this
 * provider. They are reserved for `leaseTime` ms; 0 reserves nobody. These conditions do not apply to a caller without
 * the key, for whom nobody is reserved.
 */
async function listAndReserve(context: MethodContext, rid: string, userId: string): Promise<WaitingMembers> {
	const { store, settings } = context;
	const { leaseTime } = settings;
	const [caller, room] = await Promise.all([findMembership(store, rid, userId), readRoomKeyFields(store, rid)]);
	const isProvider = caller !== null && room !== null && holdsKey(caller, room);
	const reserves = leaseTime > 0 && isProvider;
	const hasReturnedToCaller = ({ e2eKnownKeys }: Subscription) =>
		isProvider && hasReturned(listOf(e2eKnownKeys), userId, room.e2eKeyId);
	const mayBeListed = (membership: Subscription) => membership.u._id !== userId && !hasReturnedToCaller(membership);
	const users: UserWithPublicKey[] = [];
	const unfit: string[] = [];
	const pause = createYielder();
	for await (const page of membershipsOf(store, rid, { ...WITHOUT_KEY_OR_OFFER, ...MEMBER }, { e2eKnownKeys: 1 })) {
		await pause();
		const eligible = page.filter(mayBeListed).map(({ u }) => u._id);
		const reservedIds = reserves ? await reservedForOthers(store, rid, eligible, userId) : undefined;
		const candidates = reservedIds ? eligible.filter((id) => !reservedIds.has(id)) : eligible;
		const found = await publicKeysOf(store, candidates);
		const fit = new Set(found.filter(({ public_key }) => isFitPublicKey(public_key)));
		for (const user of found) if (unfit.length < MAX_LISTED && !fit.has(user)) unfit.push(user._id);
		const usable = isProvider ? [...fit] : found;
		// Repeated, because another call may reserve some of these members first.
		while (usable.length > 0 && users.length < MAX_LISTED) {
			const next = usable.splice(0, MAX_LISTED - users.length);
			const ids = next.map(({ _id }) => _id);
			const reserved = reserves ? await reserveMembers(store, rid, ids, userId, leaseTime) : undefined;
			users.push(...(reserved ? next.filter(({ _id }) => reserved.has(_id)) : next));
		}
		if (users.length === MAX_LISTED) break;
	}
	return { users, unfit };
}

export const fetchUsersWaitingForGroupKey = method({
	name: 'e2e.fetchUsersWaitingForGroupKey',
	args: { roomIds: [String] },
	// The method reserves members and tidies queues, but runs in parallel, as methods that only read do.
	...KEY_READ_DEFAULTS,
	summary: 'Lists the members who wait for the keys of these rooms, each reserved for one caller for a while',
	returns: {
		usersWaitingForE2EKeys: Match.ObjectWithValues([{ _id: String, public_key: String }]),
		unfitPublicKeys: Match.Optional(Match.ObjectWithValues([String])),
	},
	errors: ['error-too-many-rooms'],
	async run({ roomIds }, context) {
		const { userId, store } = context;
		if (roomIds.length > MAX_ROOMS) throw clientError('tooManyRooms');
		const waiting: [rid: string, users: UserWithPublicKey[]][] = [];
		const unfitKeys: [rid: string, userIds: string[]][] = [];
		if (await workspaceSetting(store, 'E2E_Enable')) {
			for (const rid of new Set(roomIds)) {
				if (!(await maySeeRoom(store, rid, userId))) continue;
				await tidyQueue(store, rid);
				const { users, unfit } = await listAndReserve(context, rid, userId);
				if (users.length > 0) waiting.push([rid, users]);
				if (unfit.length > 0) unfitKeys.push([rid, unfit]);
			}
		}
		return {
			usersWaitingForE2EKeys: Object.fromEntries(waiting),
			...(unfitKeys.length > 0 && { unfitPublicKeys: Object.fromEntries(unfitKeys) }),
		};
	},
});
