/**
 * What happened to keys, by what was written. Identity keys are read from announced changes; the keys of rooms and
 * members from the updates themselves, because some of them are silent.
 */
import { type Change, collectionNames, isChangeOf } from '../../shared/store.js';

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

/** A stored text that means something; blank ones and all else count as absent. */
function textOf(value: unknown): string | undefined {
	return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** What happened to the identity key of a user; undefined if nothing. */
export function keyEventOfChange(change: Change): KeyEvent | undefined {
	if (!isChangeOf(change, 'users') || change.action !== 'updated') return undefined;
	const { before, document } = change;
	// Without the state before, it is a later announcement of a write.
	if (!before) return undefined;
	const [was, is] = [textOf(before.e2e?.public_key), textOf(document.e2e?.public_key)];
	if (was === is) return undefined;
	return is === undefined ? 'identity_removed' : 'identity_set';
}

/** What an update of a room does to its key, and an update of a membership to the keys of the member. */
export function keyEventsOfUpdate(collection: string, update: object): readonly KeyEvent[] {
	const { $set = {}, $unset = {} } = update as { $set?: object; $unset?: object };
	if (collection === collectionNames.rooms) {
		if (!('e2eKeyId' in $set)) return [];
		// A room with a new key is stale no more.
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
