/** `e2e.roomState` (`test/contract/beyond.md` E2): the state of a room's key, and the members who hold or lack it. */
import type { Room, Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { createYielder } from '../../shared/yielding.js';
import { KEY_READ_DEFAULTS } from '../methodDefaults.js';
import { RoomStateAnswer } from '../model/answers.js';
import { returnedOffers as recordsOfReturnedOffers } from '../model/keys/knownKeys.js';
import { stateOf as keyStateOf } from '../model/keys/memberKeys.js';
import { type UserState, userStates } from '../model/keys/usersWithIdentity.js';
import { isMember, MEMBER, membershipsOf } from '../model/memberships/members.js';
import { Page } from '../model/paging.js';
import { requireRoomAccess } from '../model/rooms/access.js';
import { isEncryptionEnabled } from '../model/rooms/clientRoom.js';
import { listOf } from '../model/storedLists.js';

/** Default and maximum number of members listed in one answer. The maximum also limits `returnedOffers`. */
const DEFAULT_COUNT = 50;
const MAX_COUNT = 500;

/**
 * The state of a member. `holder`: has the room's key. `offered`: has an offer of the key. `waiting`: has neither, but
 * can receive an offer. `unfit-key`: has neither, and no key can be sealed with the member's public key.
 * `no-identity-key`: has no identity keys, with or without a room key. `inactive`: a deactivated or deleted user, with
 * or without a room key.
 */
type MemberState = 'holder' | 'offered' | 'waiting' | 'no-identity-key' | 'unfit-key' | 'inactive';

interface Member {
	readonly _id: string;
	readonly username: string | undefined;
	readonly state: MemberState;
	/** True if no room key can be sealed with the member's public key. Also for a member who holds the room key. */
	readonly unfitKey?: true;
}

/** An offer of the room's present key, which the member `to` has accepted and later returned. */
interface ReturnedOffer {
	/** Id of the member who offered the key. */
	readonly by: string;
	readonly to: string;
	readonly at: Date;
}

const FIELDS = { 'u.username': 1, E2EKey: 1, E2ESuggestedKey: 1, e2eKnownKeys: 1 } as const;

export const roomState = method({
	name: 'e2e.roomState',
	args: { rid: String, ...Page },
	...KEY_READ_DEFAULTS,
	summary: 'Shows which members of a room hold its key, have an offer, wait for it, or cannot receive it',
	returns: RoomStateAnswer,
	errors: ['error-invalid-room'],
	async run({ rid, count = DEFAULT_COUNT, offset = 0 }, { userId, store }) {
		const room = await requireRoomAccess(store, rid, userId);
		if (!(await isMember(store, rid, userId))) throw clientError('invalidRoom');
		const countByState = { holder: 0, offered: 0, waiting: 0, 'no-identity-key': 0, 'unfit-key': 0, inactive: 0 };
		const members: Member[] = [];
		const maxMembers = Math.min(count, MAX_COUNT);
		let total = 0;
		const returnedOffers: ReturnedOffer[] = [];
		const pause = createYielder();
		for await (const page of membersOf(store, room)) {
			await pause();
			for (const { member, returned } of page) {
				returnedOffers.push(...returned.slice(0, MAX_COUNT - returnedOffers.length));
				countByState[member.state]++;
				const index = total++;
				if (index >= offset && members.length < maxMembers) members.push(member);
			}
		}
		return {
			rid,
			...encryptionState(room, await isEncryptionEnabled(store)),
			hasHolder: countByState.holder > 0,
			holders: countByState.holder,
			offered: countByState.offered,
			waiting: countByState.waiting,
			withoutIdentityKey: countByState['no-identity-key'],
			unfitKeys: countByState['unfit-key'],
			inactive: countByState.inactive,
			...(returnedOffers.length > 0 && { returnedOffers }),
			members,
			count: members.length,
			offset,
			total,
		};
	},
});

/**
 * The encryption state of the room; empty if encryption is switched off on the server (`test/contract/beyond.md` E13).
 */
function encryptionState({ encrypted = false, e2eKeyId, e2eToggled, e2eStale }: Room, encryptionEnabled: boolean) {
	if (!encryptionEnabled) return {};
	return {
		encrypted,
		keyID: e2eKeyId || null,
		...(e2eToggled && { toggled: e2eToggled }),
		...(e2eStale && { stale: e2eStale }),
	};
}

/** All members in pages, ordered by id. */
async function* membersOf(store: Store, room: Room) {
	for await (const page of membershipsOf(store, room._id, MEMBER, FIELDS)) {
		const users = await userStates(
			store,
			page.map(({ u }) => u._id),
		);
		yield page.map((membership) => ({
			member: toMember(membership, room, users.get(membership.u._id)),
			returned: returnedOffersOf(membership, room),
		}));
	}
}

function toMember(membership: Subscription, room: Room, user: UserState | undefined): Member {
	const { _id, username } = membership.u;
	const state = user?.isActive ? stateOf(membership, room, user) : 'inactive';
	return { _id, username, state, ...(user?.hasIdentity && !user.hasFitKey && { unfitKey: true as const }) };
}

function stateOf(membership: Subscription, room: Room, { hasIdentity, hasFitKey }: UserState): MemberState {
	if (!hasIdentity) return 'no-identity-key';
	const state = keyStateOf(membership, room);
	if (state === 'holder' || state === 'offered') return state;
	return hasFitKey ? 'waiting' : 'unfit-key';
}

function returnedOffersOf(membership: Subscription, { e2eKeyId }: Room): ReturnedOffer[] {
	return recordsOfReturnedOffers(listOf(membership.e2eKnownKeys), e2eKeyId).map(({ by, ts }) => ({
		by: by as string,
		to: membership.u._id,
		at: ts,
	}));
}
