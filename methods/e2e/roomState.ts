/** `e2e.roomState` (`test/contract/beyond.md` E2): the state of a room's key, and the members who hold or lack it. */
import type { Room, Subscription } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { createYielder } from '../../shared/yielding.js';
import { KEY_READ } from '../kinds.js';
import { RoomStateAnswer } from '../model/answers.js';
import { returnedOffers as returnedIn } from '../model/keys/knownKeys.js';
import { stateOf as keyStateOf } from '../model/keys/memberKeys.js';
import { type UserState, userStates } from '../model/keys/usersWithIdentity.js';
import { listOf } from '../model/lists.js';
import { isMember, MEMBER, membershipsOf } from '../model/memberships/members.js';
import { Page } from '../model/paging.js';
import { requireRoomAccess } from '../model/rooms/access.js';
import { isEncryptionShown } from '../model/rooms/clientRoom.js';

/** Default and maximum number of members in one answer. */
const USUAL_COUNT = 50;
const MAX_COUNT = 500;

/**
 * The state of a member with respect to the room's key. `unfit-key`: no room key can be sealed for their public key;
 * `inactive`: may not log in, with or without the key.
 */
type MemberState = 'holder' | 'offered' | 'waiting' | 'no-identity-key' | 'unfit-key' | 'inactive';

interface Member {
	readonly _id: string;
	readonly username: string | undefined;
	readonly state: MemberState;
	/** True if their public key is unusable for sealing, with or without the room key. */
	readonly unfitKey?: true;
}

/**
 * A returned key of the present key id: the member who offered it, the member who returned it, and the time of the
 * return.
 */
interface ReturnedOffer {
	readonly by: string;
	readonly to: string;
	readonly at: Date;
}

const FIELDS = { 'u.username': 1, E2EKey: 1, E2ESuggestedKey: 1, e2eKnownKeys: 1 } as const;

export const roomState = method({
	name: 'e2e.roomState',
	args: { rid: String, ...Page },
	...KEY_READ,
	summary: 'Shows which members of a room hold its key, have an offer, wait for it, or cannot receive it',
	returns: RoomStateAnswer,
	errors: ['error-invalid-room'],
	async run({ rid, count = USUAL_COUNT, offset = 0 }, { userId, store }) {
		const room = await requireRoomAccess(store, rid, userId);
		if (!(await isMember(store, rid, userId))) throw clientError('invalidRoom');
		const numbers = { holder: 0, offered: 0, waiting: 0, 'no-identity-key': 0, 'unfit-key': 0, inactive: 0 };
		const members: Member[] = [];
		const wanted = Math.min(count, MAX_COUNT);
		let total = 0;
		const returnedOffers: ReturnedOffer[] = [];
		const pause = createYielder();
		for await (const page of membersOf(store, room)) {
			await pause();
			for (const { member, returned } of page) {
				returnedOffers.push(...returned.slice(0, MAX_COUNT - returnedOffers.length));
				numbers[member.state]++;
				if (total++ >= offset && members.length < wanted) members.push(member);
			}
		}
		return {
			rid,
			...describe(room, await isEncryptionShown(store)),
			hasHolder: numbers.holder > 0,
			holders: numbers.holder,
			offered: numbers.offered,
			waiting: numbers.waiting,
			withoutIdentityKey: numbers['no-identity-key'],
			unfitKeys: numbers['unfit-key'],
			inactive: numbers.inactive,
			...(returnedOffers.length > 0 && { returnedOffers }),
			members,
			count: members.length,
			offset,
			total,
		};
	},
});

/**
 * The encryption state of the room; empty if encryption is switched off (E13). A key id of null means that it has no
 * key.
 */
function describe({ encrypted = false, e2eKeyId, e2eToggled, e2eStale }: Room, isOn: boolean) {
	if (!isOn) return {};
	return {
		encrypted,
		keyID: e2eKeyId || null,
		...(e2eToggled && { toggled: e2eToggled }),
		...(e2eStale && { stale: e2eStale }),
	};
}

/** All members in pages, in the order of their ids, each with the offers they have returned. */
async function* membersOf(store: Store, room: Room) {
	for await (const page of membershipsOf(store, room._id, MEMBER, FIELDS)) {
		const users = await userStates(
			store,
			page.map(({ u }) => u._id),
		);
		yield page.map((membership) => ({
			member: memberFrom(membership, room, users.get(membership.u._id)),
			returned: returnedOffersOf(membership, room),
		}));
	}
}

function memberFrom(membership: Subscription, room: Room, user: UserState | undefined): Member {
	const { _id, username } = membership.u;
	const state = user?.isActive ? stateOf(membership, room, user) : 'inactive';
	return { _id, username, state, ...(user?.hasIdentity && !user.isFit && { unfitKey: true as const }) };
}

function stateOf(membership: Subscription, room: Room, { hasIdentity, isFit }: UserState): MemberState {
	const state = keyStateOf(membership, room);
	if (state === 'holder' || state === 'offered') return state;
	if (!hasIdentity) return 'no-identity-key';
	return isFit ? 'waiting' : 'unfit-key';
}

function returnedOffersOf(membership: Subscription, { e2eKeyId }: Room): ReturnedOffer[] {
	return returnedIn(listOf(membership.e2eKnownKeys), e2eKeyId).map(({ by, ts }) => ({
		by: by as string,
		to: membership.u._id,
		at: ts,
	}));
}
