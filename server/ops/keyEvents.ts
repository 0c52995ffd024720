/**
 * What happened to keys, by what was written. Identity keys and key ids of rooms are read from announced changes; the
 * keys of members from the updates themselves, because some of them are silent.
 */
import { type Change, isChangeOf } from '../../shared/store.js';
import type { KeyEvent } from './counters.js';

/** A stored text that means something; blank ones and all else count as absent. */
function textOf(value: unknown): string | undefined {
	return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** What happened to the key of a room or of a user; undefined if nothing. */
export function keyEventOfChange(change: Change): KeyEvent | undefined {
	// Without the state before, it is a later announcement of a write.
	if (change.action !== 'updated' || !change.before) return undefined;
	if (isChangeOf(change, 'rooms')) {
		const [was, is] = [textOf(change.before?.e2eKeyId), textOf(change.document.e2eKeyId)];
		if (was === is) return undefined;
		return was === undefined ? 'room_key_set' : 'room_key_reset';
	}
	if (isChangeOf(change, 'users')) {
		const [was, is] = [textOf(change.before?.e2e?.public_key), textOf(change.document.e2e?.public_key)];
		if (was === is) return undefined;
		return is === undefined ? 'identity_removed' : 'identity_set';
	}
	return undefined;
}

/** What an update of a membership does to the keys of the member. */
export function keyEventsOfUpdate(update: object): readonly KeyEvent[] {
	const { $set = {}, $unset = {} } = update as { $set?: object; $unset?: object };
	const events: KeyEvent[] = [];
	if ('E2ESuggestedKey' in $set) events.push('offered');
	if ('E2EKey' in $set) events.push('E2ESuggestedKey' in $unset ? 'accepted' : 'stored');
	else if ('E2EKey' in $unset) events.push('removed');
	else if ('E2ESuggestedKey' in $unset) events.push('withdrawn');
	return events;
}
