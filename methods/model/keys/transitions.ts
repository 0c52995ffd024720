/**
 * The transitions of a member's keys, in the order of the table in `memberKeys.ts`. `applyTransition` stores the
 * result.
 */
import type { OldRoomKey } from '../../../shared/documents.js';
import { offererOf, withRecord } from './knownKeys.js';
import { isOfRoom, type KeyIdField, type MemberKeys, type Transition } from './memberKeys.js';
import { isOfKeyId, keyIdOf } from './sealedKey.js';

/** Maximum number of former keys that a membership keeps, as in Rocket.Chat. */
export const MAX_OLD_KEYS = 10;

/**
 * Archives the member's key: returns the former keys with this key added. Above `MAX_OLD_KEYS`, dispensable keys are
 * removed first, then the oldest.
 * @param keyId key id of the archived key, if the key shows none
 * @param next the key that replaces the archived one
 */
export function archiveCurrentKey(
	{ key, oldKeys }: Pick<MemberKeys, 'key' | 'oldKeys'>,
	keyId: string | null | undefined,
	next?: string,
): readonly OldRoomKey[] {
	if (!key || key === next || oldKeys.some((old) => old.E2EKey === key)) return oldKeys;
	const archived = [{ e2eKeyId: keyIdOf(key) ?? keyId ?? '', ts: new Date(), E2EKey: key }, ...oldKeys];
	const nextId = next === undefined ? null : keyIdOf(next);
	while (archived.length > MAX_OLD_KEYS) archived.splice(leastNeededIndex(archived, nextId), 1);
	return archived;
}

/**
 * The index of the key to remove: the oldest dispensable key, or else the oldest. A key is dispensable if it was
 * returned, or if the next key or a newer former key has the same key id.
 */
function leastNeededIndex(keys: readonly OldRoomKey[], nextId: string | null): number {
	const isDispensable = ({ e2eKeyId, returned }: OldRoomKey, index: number) => {
		const newestIndexOfId = keys.findIndex((key) => key.e2eKeyId === e2eKeyId);
		return returned === true || e2eKeyId === nextId || newestIndexOfId < index;
	};
	const oldestDispensable = keys.findLastIndex(isDispensable);
	return oldestDispensable === -1 ? keys.length - 1 : oldestDispensable;
}

const NO_OFFER = { offer: undefined, offeredOldKeys: [] } as const;

/**
 * The keys of a member after `key` has become the member's own.
 * @param removesOffer true: the offer is removed. A member without former keys takes those that came with the offer
 */
function withOwnKey(keys: MemberKeys, key: string, { e2eKeyId }: KeyIdField, removesOffer: boolean): MemberKeys {
	const oldKeys = removesOffer && keys.oldKeys.length === 0 ? keys.offeredOldKeys : keys.oldKeys;
	const offeredBy = removesOffer ? offererOf(keys.records, key) : undefined;
	const keyId = e2eKeyId || '';
	return {
		...keys,
		...(removesOffer && NO_OFFER),
		key,
		oldKeys: archiveCurrentKey({ key: keys.key, oldKeys }, e2eKeyId, key),
		records: isOfKeyId(key, keyId) ? keys.records : withRecord(keys.records, key, { keyId, by: offeredBy }),
	};
}

/**
 * `store`: the member stores their own key.
 * @param removesOffer true: an offer of the room's key is removed. False is for a key whose key id the room does not
 * have yet
 */
export function store(key: string, room: KeyIdField, removesOffer = true): Transition {
	return (keys) => {
		const removesThisOffer = removesOffer && isOfRoom(keys.offer?.trim(), keys.records, room);
		if (keys.key === key && !removesThisOffer) return null;
		return withOwnKey(keys, key, room, removesThisOffer);
	};
}

/** `offer`: stores a key that the member `by` has sealed. */
export function offer(
	key: string,
	{ e2eKeyId }: KeyIdField,
	{ by, oldKeys = [] }: { by: string; oldKeys?: readonly OldRoomKey[] | undefined },
): Transition {
	return (keys) => {
		const records = withRecord(keys.records, key, { keyId: e2eKeyId || '', by });
		return { ...keys, offer: key, offeredOldKeys: oldKeys, records };
	};
}

/** `accept`: the offered key becomes the member's own. */
export function accept(room: KeyIdField): Transition {
	return (keys) => (keys.offer === undefined ? null : withOwnKey(keys, keys.offer.trim(), room, true));
}

/** `drop`: removes the offer, if it is still the given one. */
export function drop(offer: string | undefined): Transition {
	return (keys) => (keys.offer === offer && offer !== undefined ? { ...keys, ...NO_OFFER } : null);
}

/**
 * `archive`: removes the given key, which the calling code knows not to be the room's. If a former key is the room's key,
 * it becomes the member's key again. For example, a second device of the member had stored it before the given key
 * replaced it.
 * @param keep true: the given key is kept among the former keys
 * @param keyId key id of the archived key, if the key shows none; by default the room's
 */
export function archive(
	key: string,
	{ e2eKeyId }: KeyIdField,
	{ keep = true, keyId = e2eKeyId }: { keep?: boolean; keyId?: string | null | undefined } = {},
): Transition {
	return (keys) => {
		if (keys.key !== key) return null;
		const isPresentKey = (old: OldRoomKey) => !!e2eKeyId && !old.returned && keyIdOf(old.E2EKey) === e2eKeyId;
		const restored = keys.oldKeys.find(isPresentKey);
		const oldKeys = restored ? keys.oldKeys.filter((old) => old !== restored) : keys.oldKeys;
		const archived = keep ? archiveCurrentKey({ key, oldKeys }, keyId) : oldKeys;
		return { ...keys, key: restored?.E2EKey, oldKeys: archived };
	};
}

/** `returnKey`: archives the member's key as returned, because the member cannot use it. */
export function returnKey({ e2eKeyId }: KeyIdField): Transition {
	return (keys) => {
		const { key } = keys;
		if (key === undefined) return null;
		const offeredBy = offererOf(keys.records, key);
		const returned = { returned: true, ...(offeredBy && { offeredBy }) };
		const oldKeys = archiveCurrentKey(keys, e2eKeyId).map((old) =>
			old.E2EKey === key ? { ...old, ...returned } : old,
		);
		const records = withRecord(keys.records, key, { keyId: e2eKeyId || '', by: offeredBy, returned: true });
		return { ...keys, key: undefined, oldKeys, records };
	};
}

/** `clear`: archives the key, and removes the offer and all records. */
export function clear({ e2eKeyId }: KeyIdField): Transition {
	return (keys) => ({ ...NO_OFFER, key: undefined, oldKeys: archiveCurrentKey(keys, e2eKeyId), records: [] });
}
