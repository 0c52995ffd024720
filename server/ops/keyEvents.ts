/**
 * Finds out from writes what happened to keys. For identity keys it compares the states before and after an announced
 * change. For rooms and memberships it reads the operators of updates, because not all of these updates are announced.
 */
import { type Change, collectionNames, isChangeOf } from '../../shared/store.js';

/**
 * `offered`: an offer to a member was stored. `accepted`: the offer became the member's key. `withdrawn`: the offer was
 * removed in another way. `stored`: a member has a key that was not accepted as an offer. `removed`: a member no longer
 * has a key. `identity_set`: the public key of a user is new.
 */
export const KEY_EVENTS = [
	'room_key_set',
	'room_key_reset',
	'offered',
	'accepted',
	'withdrawn',
	'stored',
	'removed',
	'identity_set',
	'identity_removed',
] as const;
export type KeyEvent = (typeof KEY_EVENTS)[number];

function textOf(value: unknown): string | undefined {
	return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** What happened to the identity key of a user; undefined if nothing. */
export function keyEventOfChange(change: Change): KeyEvent | undefined {
	if (!isChangeOf(change, 'users') || change.action !== 'updated') return undefined;
	const { before, document } = change;
	// A change without the former state is the late announcement of a silent write.
	if (!before) return undefined;
	const formerKey = textOf(before.e2e?.public_key);
	const newKey = textOf(document.e2e?.public_key);
	if (formerKey === newKey) return undefined;
	return newKey === undefined ? 'identity_removed' : 'identity_set';
}

/** What an update of a room or of a membership does to its keys. */
export function keyEventsOfUpdate(collection: string, update: object): readonly KeyEvent[] {
	const { $set = {}, $unset = {} } = update as { $set?: object; $unset?: object };
	if (collection === collectionNames.rooms) {
		if (!('e2eKeyId' in $set)) return [];
		// Only a reset removes the mark of a stale key.
		return ['e2eStale' in $unset ? 'room_key_reset' : 'room_key_set'];
	}
	if (collection !== collectionNames.subscriptions) return [];
	const events: KeyEvent[] = [];
	if ('E2ESuggestedKey' in $set) events.push('offered');
	if ('E2EKey' in $set) events.push('E2ESuggestedKey' in $unset ? 'accepted' : 'stored');
	else if ('E2EKey' in $unset) events.push('removed');
	else if ('E2ESuggestedKey' in $unset) events.push('withdrawn');
	return events;
}
