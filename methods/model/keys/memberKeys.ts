/**
 * The state machine of a member's keys in one room. The keys change only by the transitions below. One exception: the
 * own keys of the member who resets the room's key (`roomReset.ts`). Each change is one conditional write, repeated if
 * the keys have changed since they were read.
 *
 * A key is "of the room" if the key, or a record about it (`knownKeys.ts`), shows the room's present key id. A key that
 * shows no key id always counts as of the room. To archive a key means to add it to the member's former keys.
 *
 * | State | The membership has |
 * |---|---|
 * | `none` | no key, and no offer of the room's key |
 * | `offered` | not the room's key, but an offer of it |
 * | `mismatched` | a key that is not the room's, and no offer of the room's key |
 * | `holder` | the room's key |
 *
 * In each state there may also be an offer of another room key. It does not change the state.
 *
 * | Transition | What happens to the keys |
 * |---|---|
 * | `store` | the present key is archived, the new key replaces it. An offer of the room's key is removed. It stays if the key is stored before its key id is set in the room (`removesOffer` in `transitions.ts`) |
 * | `offer` | the offer is stored |
 * | `accept` | the present key is archived, the offered key replaces it, the offer is removed |
 * | `drop` | the offer is removed |
 * | `archive` | a key that the calling code knows not to be the room's is archived, or discarded if its member was never notified of it. It may be the key of a `holder`: a key that shows no key id counts as the room's until then. If a former key is the room's key, that one becomes the member's key again |
 * | `returnKey` | the key is archived as returned, with the id of the member who had offered it |
 * | `clear` | the key is archived, the offer and all records are removed |
 *
 * If the key that `store` or `accept` sets shows a key id other than the room's, a record is added that says it is of
 * the room. If such a transition removes an offer, a member without former keys takes those that came with it.
 *
 * `store` leads to `mismatched` when `e2e.setOrGetRoomKeyID` stores a key before it sets the room's key id. A
 * `mismatched` member does not enter the room's queue (`queue.ts`).
 */
import type { KnownKey, OldRoomKey, Room, Subscription } from '../../../shared/documents.js';
import { listOf } from '../storedLists.js';
import { isRecordedUnder } from './knownKeys.js';
import { isOfKeyId } from './sealedKey.js';
import { offeredKeyOf, oldKeysOf, ownKeyOf } from './storedKeys.js';

/** The states of the first table above. */
export type KeyState = 'none' | 'offered' | 'mismatched' | 'holder';

const ANY: readonly KeyState[] = ['none', 'offered', 'mismatched', 'holder'];

/** The states in which each transition may begin and end. */
export const TRANSITIONS = {
	store: { from: ANY, to: ['holder', 'mismatched'] },
	offer: { from: ['none', 'mismatched'], to: ['offered'] },
	accept: { from: ANY, to: ['holder'] },
	drop: { from: ANY, to: ['none', 'mismatched', 'holder'] },
	archive: { from: ['holder', 'mismatched'], to: ANY },
	returnKey: { from: ['holder', 'mismatched'], to: ['none', 'offered'] },
	clear: { from: ANY, to: ['none'] },
} as const satisfies Record<string, { from: readonly KeyState[]; to: readonly KeyState[] }>;

/** The keys that `keysOf` reads from a membership. Invalid stored values are left out. */
export interface MemberKeys {
	/** The member's own sealed key. It may contain a former key of the room. */
	readonly key: string | undefined;
	/** The key offered by another member, as stored. `accept` trims it. */
	readonly offer: string | undefined;
	/** The former room keys that came with the offer. */
	readonly offeredOldKeys: readonly OldRoomKey[];
	/** The member's own former keys, the newest first. */
	readonly oldKeys: readonly OldRoomKey[];
	readonly records: readonly KnownKey[];
}

/** The fields of a membership that contain keys or records about them. */
export type KeyFields = Pick<
	Subscription,
	'E2EKey' | 'E2ESuggestedKey' | 'suggestedOldRoomKeys' | 'oldRoomKeys' | 'e2eKnownKeys'
>;

/** A document with the key id of a room. Absent, null and empty all mean that the room has no key. */
export type KeyIdField = Pick<Room, 'e2eKeyId'>;

/** Computes the keys after a transition; null if nothing changes. */
export type Transition = (keys: MemberKeys) => MemberKeys | null;

/** Reads the keys of a membership. */
export function keysOf(membership: KeyFields): MemberKeys {
	return {
		key: ownKeyOf(membership),
		offer: offeredKeyOf(membership) === undefined ? undefined : membership.E2ESuggestedKey,
		offeredOldKeys: oldKeysOf(membership.suggestedOldRoomKeys),
		oldKeys: oldKeysOf(membership.oldRoomKeys),
		records: listOf(membership.e2eKnownKeys),
	};
}

/** Whether a key counts as of the room: it shows the room's key id or none, or a record says so. */
export function isOfRoom(key: string | undefined, records: readonly KnownKey[], { e2eKeyId }: KeyIdField): boolean {
	return key !== undefined && (isOfKeyId(key, e2eKeyId) || isRecordedUnder(records, key, e2eKeyId));
}

/** The state of a member, by the first table above. */
export function stateOf(membership: KeyFields, room: KeyIdField): KeyState {
	if (holdsKey(membership, room)) return 'holder';
	if (awaitsDecision(membership, room)) return 'offered';
	return ownKeyOf(membership) === undefined ? 'none' : 'mismatched';
}

/** Whether a member holds the present key of the room, as `isOfRoom` judges it. */
export function holdsKey(membership: Pick<Subscription, 'E2EKey' | 'e2eKnownKeys'>, room: KeyIdField): boolean {
	return isOfRoom(ownKeyOf(membership), listOf(membership.e2eKnownKeys), room);
}

/**
 * Whether a member has an offer of the room's present key. Offers of another room key do not count: the next offer
 * replaces them.
 */
export function awaitsDecision(
	membership: Pick<Subscription, 'E2ESuggestedKey' | 'e2eKnownKeys'>,
	room: KeyIdField,
): boolean {
	return isOfRoom(offeredKeyOf(membership), listOf(membership.e2eKnownKeys), room);
}
