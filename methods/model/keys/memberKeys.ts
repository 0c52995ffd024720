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
 * | `giveBack` | `holder`, `mismatched` | `none`, `offered` | the key is archived as returned, with the member who had offered it |
 * | `clear` | any | `none` | the key is archived, the offer is removed |
 *
 * `store` leads to `mismatched` where the key is stored before its id is claimed for the room. Members in `none` and
 * `mismatched` wait in the queue of the room (`queue.ts`).
 */
import type { KnownKey, OldRoomKey, Room, Subscription } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { MethodContext } from '../../../shared/method.js';
import { type Filter, isDuplicateKey, type UpdateFilter, type WriteOptions } from '../../../shared/store.js';
import { listOf, sameLength } from '../lists.js';
import { updateAsRead } from '../retryOnConflict.js';
import { isKnownAs, offererOf, withRecord } from './knownKeys.js';
import { isOfKeyId, keyIdOf } from './sealedKey.js';
import { keyIn, offered, oldKeysIn, sameKey } from './storedKeys.js';

/** Maximum number of former keys of a member. */
export const MAX_OLD_KEYS = 10;

export type KeyState = 'none' | 'offered' | 'mismatched' | 'holder';

const ANY: readonly KeyState[] = ['none', 'offered', 'mismatched', 'holder'];

/** The transitions of the table above: the states each may begin in, and those it may end in. */
export const TRANSITIONS = {
	store: { from: ANY, to: ['holder', 'mismatched'] },
	offer: { from: ['none', 'mismatched'], to: ['offered'] },
	accept: { from: ANY, to: ['holder'] },
	drop: { from: ANY, to: ['none', 'mismatched', 'holder'] },
	archive: { from: ['holder', 'mismatched'], to: ANY },
	giveBack: { from: ['holder', 'mismatched'], to: ['none', 'offered'] },
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
type Keyed = Pick<Room, 'e2eKeyId'>;

/** Computes the keys after a transition; null if nothing changes. */
export type Transition = (keys: MemberKeys) => MemberKeys | null;

/** Reads the keys of a membership. */
export function keysOf(membership: Membership): MemberKeys {
	return {
		key: keyIn(membership),
		offer: offered(membership) === '' ? undefined : membership.E2ESuggestedKey,
		offeredOldKeys: oldKeysIn(membership.suggestedOldRoomKeys),
		oldKeys: oldKeysIn(membership.oldRoomKeys),
		known: listOf(membership.e2eKnownKeys),
	};
}

function isOfRoom(key: string | undefined, known: readonly KnownKey[], { e2eKeyId }: Keyed): boolean {
	return key !== undefined && (isOfKeyId(key, e2eKeyId) || isKnownAs(known, key, e2eKeyId));
}

/** The state of a member, by the table above. */
export function stateOf(membership: Membership, room: Keyed): KeyState {
	if (holdsKey(membership, room)) return 'holder';
	if (awaitsDecision(membership, room)) return 'offered';
	return keyIn(membership) === undefined ? 'none' : 'mismatched';
}

/** Whether a member holds the present key of the room, judged by its key id. */
export function holdsKey(membership: Pick<Subscription, 'E2EKey' | 'e2eKnownKeys'>, room: Keyed): boolean {
	return isOfRoom(keyIn(membership), listOf(membership.e2eKnownKeys), room);
}

/**
 * Whether a member has an offer of the room's key to decide on. An offer with another key id, which was not made for
 * the present one, is replaced by the next offer. An interrupted reset, or a Rocket.Chat server on the same database,
 * leaves such offers.
 */
export function awaitsDecision(
	membership: Pick<Subscription, 'E2ESuggestedKey' | 'e2eKnownKeys'>,
	room: Keyed,
): boolean {
	return isOfRoom(offered(membership) || undefined, listOf(membership.e2eKnownKeys), room);
}

/**
 * The former keys of a member after the present key is archived. Above the limit, returned keys and duplicates with the
 * same key id are removed first, then the oldest. So repeated sealing of the same key does not displace keys with other
 * ids.
 * @param keyId key id of the room, for keys that do not contain their key id
 * @param next the key that replaces the present one, if there is one
 */
export function archiveCurrentKey(
	{ key, oldKeys }: Pick<MemberKeys, 'key' | 'oldKeys'>,
	keyId: string | null | undefined,
	next?: string,
): readonly OldRoomKey[] {
	if (!key || key === next || oldKeys.some((old) => old.E2EKey === key)) return oldKeys;
	const keys = [{ e2eKeyId: keyIdOf(key) ?? keyId ?? '', ts: new Date(), E2EKey: key }, ...oldKeys];
	const nextId = next === undefined ? null : keyIdOf(next);
	while (keys.length > MAX_OLD_KEYS) keys.splice(leastNeeded(keys, nextId), 1);
	return keys;
}

function leastNeeded(keys: readonly OldRoomKey[], nextId: string | null): number {
	const isCopy = ({ e2eKeyId, returned }: OldRoomKey, i: number) =>
		returned === true || e2eKeyId === nextId || keys.findIndex((key) => key.e2eKeyId === e2eKeyId) < i;
	const copy = keys.findLastIndex(isCopy);
	return copy === -1 ? keys.length - 1 : copy;
}

const NO_OFFER = { offer: undefined, offeredOldKeys: [] } as const;

/**
 * The keys after this one becomes the member's own. If the offer was decided on, it is removed and its former keys are
 * kept.
 */
function take(keys: MemberKeys, key: string, { e2eKeyId }: Keyed, decides: boolean): MemberKeys {
	const oldKeys = decides && keys.oldKeys.length === 0 ? keys.offeredOldKeys : keys.oldKeys;
	const by = decides ? offererOf(keys.known, key) : undefined;
	const keyId = e2eKeyId || '';
	return {
		...keys,
		...(decides && NO_OFFER),
		key,
		oldKeys: archiveCurrentKey({ key: keys.key, oldKeys }, e2eKeyId, key),
		known: isOfKeyId(key, keyId) ? keys.known : withRecord(keys.known, key, { keyId, by }),
	};
}

/**
 * `store`: the member's own key.
 * @param decides whether an offer of the room's key is removed; false while it is undecided whether the new key is the
 * room's
 */
export function store(key: string, room: Keyed, decides = true): Transition {
	return (keys) => {
		const goes = decides && isOfRoom(keys.offer?.trim(), keys.known, room);
		return keys.key === key && !goes ? null : take(keys, key, room, goes);
	};
}

/** `offer`: a key that another member has sealed, with the former keys that come with it. */
export function offer(
	key: string,
	{ e2eKeyId }: Keyed,
	{ by, oldKeys = [] }: { by: string; oldKeys?: readonly OldRoomKey[] | undefined },
): Transition {
	return (keys) => {
		const known = withRecord(keys.known, key, { keyId: e2eKeyId || '', by });
		return { ...keys, offer: key, offeredOldKeys: oldKeys, known };
	};
}

/** `accept`: the member takes the offer. A key that begins with another key id counts as one of the room's from then on. */
export function accept(room: Keyed): Transition {
	return (keys) => (keys.offer === undefined ? null : take(keys, keys.offer.trim(), room, true));
}

/** `drop`: removes the offer only if it is still the given one. */
export function drop(offer: string | undefined): Transition {
	return (keys) => (keys.offer === offer && offer !== undefined ? { ...keys, ...NO_OFFER } : null);
}

/**
 * `archive`: removes the given key, because it is not one of the room's. If it had replaced one of the room's keys,
 * such as the key of a second device, that key is restored.
 * @param keep whether the key is kept among the former keys; true by default
 * @param keyId its key id, if the key does not contain it; default: that of the room
 */
export function archive(
	key: string,
	{ e2eKeyId }: Keyed,
	{ keep = true, keyId = e2eKeyId }: { keep?: boolean; keyId?: string | null | undefined } = {},
): Transition {
	return (keys) => {
		if (keys.key !== key) return null;
		const isPresent = (old: OldRoomKey) => !!e2eKeyId && !old.returned && keyIdOf(old.E2EKey) === e2eKeyId;
		const present = keys.oldKeys.find(isPresent);
		const oldKeys = present ? keys.oldKeys.filter((old) => old !== present) : keys.oldKeys;
		const archived = keep ? archiveCurrentKey({ key, oldKeys }, keyId) : oldKeys;
		return { ...keys, key: present?.E2EKey, oldKeys: archived };
	};
}

/** `giveBack`: archives the key as returned, because it does not work. */
export function giveBack({ e2eKeyId }: Keyed): Transition {
	return (keys) => {
		const { key } = keys;
		if (key === undefined) return null;
		const by = offererOf(keys.known, key);
		const returned = { returned: true, ...(by && { offeredBy: by }) };
		const oldKeys = archiveCurrentKey(keys, e2eKeyId).map((old) =>
			old.E2EKey === key ? { ...old, ...returned } : old,
		);
		const known = withRecord(keys.known, key, { keyId: e2eKeyId || '', by, returned: true });
		return { ...keys, key: undefined, oldKeys, known };
	};
}

/** `clear`: everything that was sealed for the member is now useless. */
export function clear({ e2eKeyId }: Keyed): Transition {
	return (keys) => ({ ...NO_OFFER, key: undefined, oldKeys: archiveCurrentKey(keys, e2eKeyId), known: [] });
}

/** Matches a membership only if its keys are unchanged. */
function unchanged({ _id, E2EKey, E2ESuggestedKey, oldRoomKeys }: Subscription): Filter<Subscription> {
	return {
		_id,
		...sameKey('E2EKey', E2EKey),
		...sameKey('E2ESuggestedKey', E2ESuggestedKey),
		...sameLength('oldRoomKeys', oldRoomKeys),
	};
}

/**
 * Builds an update of the fields that differ; null if none does. An invalid value that is stored instead of a key is
 * removed.
 */
function updateTo(membership: Subscription, before: MemberKeys, next: MemberKeys): UpdateFilter<Subscription> | null {
	const $set: Record<string, unknown> = {};
	const $unset: Record<string, 1> = {};
	const write = (field: keyof Membership, value: unknown, was: unknown) => {
		const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
		if (!isEmpty && value !== was) $set[field] = value;
		else if (isEmpty && (value !== was || typeof was !== 'object') && membership[field] !== undefined)
			$unset[field] = 1;
	};
	write('E2EKey', next.key, before.key);
	write('E2ESuggestedKey', next.offer, before.offer);
	write('suggestedOldRoomKeys', next.offeredOldKeys, before.offeredOldKeys);
	write('oldRoomKeys', next.oldKeys, before.oldKeys);
	write('e2eKnownKeys', next.known, before.known);
	const isSet = Object.keys($set).length > 0;
	const isUnset = Object.keys($unset).length > 0;
	if (!isSet && !isUnset) return null;
	return { ...(isSet && { $set }), ...(isUnset && { $unset }) };
}

/**
 * Applies a transition in one write. The member is notified, unless the write is silent.
 * @param membership as it was read; if its keys have changed meanwhile, it is read again and the transition is repeated
 * @param transition may return null to change nothing, and may be asynchronous
 * @returns the updated membership; null if nothing changed or the membership does not exist any more
 * @throws ClientError `error-key-in-use` for a key that is stored in another membership already
 */
export async function applyTransition(
	{ store: { subscriptions }, name }: Pick<MethodContext, 'store'> & Partial<Pick<MethodContext, 'name'>>,
	membership: Subscription,
	transition: (keys: MemberKeys, membership: Subscription) => MemberKeys | null | Promise<MemberKeys | null>,
	options?: WriteOptions,
): Promise<Subscription | null> {
	const read = (attempt: number) => (attempt === 1 ? membership : subscriptions.findOne({ _id: membership._id }));
	try {
		const change = async (seen: Subscription) => {
			const before = keysOf(seen);
			const next = await transition(before, seen);
			const update = next && updateTo(seen, before, next);
			return update && { unchanged: unchanged(seen), update };
		};
		return await updateAsRead(subscriptions, read, change, options);
	} catch (error) {
		throw isDuplicateKey(error) ? clientError('keyInUse', { method: name }) : error;
	}
}
