/** The transitions of a member's keys, as the table in `memberKeys.ts` states them. Applied by `applyTransition`. */
import type { OldRoomKey } from '../../../shared/documents.js';
import { offererOf, withRecord } from './knownKeys.js';
import { isOfRoom, type KeyIdHolder, type MemberKeys, type Transition } from './memberKeys.js';
import { isOfKeyId, keyIdOf } from './sealedKey.js';

/** Maximum number of former keys of a member. */
export const MAX_OLD_KEYS = 10;

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
	while (keys.length > MAX_OLD_KEYS) keys.splice(leastNeededKey(keys, nextId), 1);
	return keys;
}

function leastNeededKey(keys: readonly OldRoomKey[], nextId: string | null): number {
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
function withOwnKey(keys: MemberKeys, key: string, { e2eKeyId }: KeyIdHolder, removesOffer: boolean): MemberKeys {
	const oldKeys = removesOffer && keys.oldKeys.length === 0 ? keys.offeredOldKeys : keys.oldKeys;
	const by = removesOffer ? offererOf(keys.known, key) : undefined;
	const keyId = e2eKeyId || '';
	return {
		...keys,
		...(removesOffer && NO_OFFER),
		key,
		oldKeys: archiveCurrentKey({ key: keys.key, oldKeys }, e2eKeyId, key),
		known: isOfKeyId(key, keyId) ? keys.known : withRecord(keys.known, key, { keyId, by }),
	};
}

/**
 * `store`: the member's own key.
 * @param removesOffer whether an offer of the room's key is removed; false while it is undecided whether the new key is the
 * room's
 */
export function store(key: string, room: KeyIdHolder, removesOffer = true): Transition {
	return (keys) => {
		const removes = removesOffer && isOfRoom(keys.offer?.trim(), keys.known, room);
		return keys.key === key && !removes ? null : withOwnKey(keys, key, room, removes);
	};
}

/** `offer`: a key that another member has sealed, with the former keys that come with it. */
export function offer(
	key: string,
	{ e2eKeyId }: KeyIdHolder,
	{ by, oldKeys = [] }: { by: string; oldKeys?: readonly OldRoomKey[] | undefined },
): Transition {
	return (keys) => {
		const known = withRecord(keys.known, key, { keyId: e2eKeyId || '', by });
		return { ...keys, offer: key, offeredOldKeys: oldKeys, known };
	};
}

/** `accept`: the member takes the offer. A key that begins with another key id counts as one of the room's from then on. */
export function accept(room: KeyIdHolder): Transition {
	return (keys) => (keys.offer === undefined ? null : withOwnKey(keys, keys.offer.trim(), room, true));
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
	{ e2eKeyId }: KeyIdHolder,
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

/** `returnKey`: archives the key as returned, because it does not work. */
export function returnKey({ e2eKeyId }: KeyIdHolder): Transition {
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
export function clear({ e2eKeyId }: KeyIdHolder): Transition {
	return (keys) => ({ ...NO_OFFER, key: undefined, oldKeys: archiveCurrentKey(keys, e2eKeyId), known: [] });
}
