/**
 * The state machine of a member's keys in one room.
 *
 * A membership stores the member's key, an offer of another member, the former keys that came with the offer, the
 * member's own former keys, and records of the keys' origins. They change only by the transitions below. Each
 * transition is one conditional write, which fails if the keys have changed since they were read.
 *
 * | State | The membership has |
 * |---|---|
 * | `none` | neither a key nor an offer of the room's key |
 * | `offered` | no key of the room's, and an offer of it to decide on |
 * | `mismatched` | a key that is not of the room's, left by an interrupted call, and no offer of the room's key |
 * | `holder` | the room's key |
 *
 * | Transition | From | To | What happens to the keys |
 * |---|---|---|---|
 * | `store` | any | `holder`, `mismatched` | the member's new key takes the place of the present one, which is archived. An offer of the room's key goes |
 * | `offer` | `none`, `mismatched` | `offered` | an offer is stored, unless the member has returned a key to the same member |
 * | `accept` | any | `holder` | the offer becomes the key, and the present one is archived. A member without former keys takes those that came with it |
 * | `drop` | any | any but `offered` | the offer is removed |
 * | `archive` | `holder`, `mismatched` | any | the key is archived or removed. A former key of the room's takes its place |
 * | `returnKey` | `holder`, `mismatched` | `none`, `offered` | the key is archived as returned, with the member who had offered it |
 * | `clear` | any | `none` | the key is archived, the offer is removed |
 *
 * `store` leads to `mismatched` where the key is stored before its id is claimed for the room. Members in `none` and
 * `mismatched` wait in the queue of the room (`queue.ts`).
 */
import type { KnownKey, OldRoomKey, Room, Subscription } from '../../../shared/documents.js';
import { listOf } from '../lists.js';
import { isKnownAs } from './knownKeys.js';
import { isOfKeyId } from './sealedKey.js';
import { offeredKeyOf, oldKeysOf, ownKeyOf } from './storedKeys.js';

export type KeyState = 'none' | 'offered' | 'mismatched' | 'holder';

const ANY: readonly KeyState[] = ['none', 'offered', 'mismatched', 'holder'];

/** The transitions of the table above: the states each may begin in, and those it may end in. */
export const TRANSITIONS = {
	store: { from: ANY, to: ['holder', 'mismatched'] },
	offer: { from: ['none', 'mismatched'], to: ['offered'] },
	accept: { from: ANY, to: ['holder'] },
	drop: { from: ANY, to: ['none', 'mismatched', 'holder'] },
	archive: { from: ['holder', 'mismatched'], to: ANY },
	returnKey: { from: ['holder', 'mismatched'], to: ['none', 'offered'] },
	clear: { from: ANY, to: ['none'] },
} as const satisfies Record<string, { from: readonly KeyState[]; to: readonly KeyState[] }>;

/** The valid keys of a membership. */
export interface MemberKeys {
	readonly key: string | undefined;
	/** As it was stored; accepting it trims it. */
	readonly offer: string | undefined;
	readonly offeredOldKeys: readonly OldRoomKey[];
	/** The newest first. */
	readonly oldKeys: readonly OldRoomKey[];
	readonly known: readonly KnownKey[];
}

/** The fields of a membership that contain keys. */
export type Membership = Pick<
	Subscription,
	'E2EKey' | 'E2ESuggestedKey' | 'suggestedOldRoomKeys' | 'oldRoomKeys' | 'e2eKnownKeys'
>;

/** The key id of a room; absent, null and empty mean that it has none. */
export type KeyIdHolder = Pick<Room, 'e2eKeyId'>;

/** Computes the keys after a transition; null if nothing changes. */
export type Transition = (keys: MemberKeys) => MemberKeys | null;

/** Reads the keys of a membership. */
export function keysOf(membership: Membership): MemberKeys {
	return {
		key: ownKeyOf(membership),
		offer: offeredKeyOf(membership) === '' ? undefined : membership.E2ESuggestedKey,
		offeredOldKeys: oldKeysOf(membership.suggestedOldRoomKeys),
		oldKeys: oldKeysOf(membership.oldRoomKeys),
		known: listOf(membership.e2eKnownKeys),
	};
}

/** Whether a key is one of the room's, by its own key id or by a record. */
export function isOfRoom(key: string | undefined, known: readonly KnownKey[], { e2eKeyId }: KeyIdHolder): boolean {
	return key !== undefined && (isOfKeyId(key, e2eKeyId) || isKnownAs(known, key, e2eKeyId));
}

/** The state of a member, by the table above. */
export function stateOf(membership: Membership, room: KeyIdHolder): KeyState {
	if (holdsKey(membership, room)) return 'holder';
	if (awaitsDecision(membership, room)) return 'offered';
	return ownKeyOf(membership) === undefined ? 'none' : 'mismatched';
}

/** Whether a member holds the present key of the room, judged by its key id. */
export function holdsKey(membership: Pick<Subscription, 'E2EKey' | 'e2eKnownKeys'>, room: KeyIdHolder): boolean {
	return isOfRoom(ownKeyOf(membership), listOf(membership.e2eKnownKeys), room);
}

/**
 * Whether a member has an offer of the room's key to decide on. An offer with another key id, which was not made for
 * the present one, is replaced by the next offer. An interrupted reset, or a Rocket.Chat server on the same database,
 * leaves such offers.
 */
export function awaitsDecision(
	membership: Pick<Subscription, 'E2ESuggestedKey' | 'e2eKnownKeys'>,
	room: KeyIdHolder,
): boolean {
	return isOfRoom(offeredKeyOf(membership) || undefined, listOf(membership.e2eKnownKeys), room);
}
