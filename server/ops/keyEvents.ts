/** What happened to keys, by the documents that were written. */
import { type Change, isChangeOf } from '../../shared/store.js';
import type { KeyEvent } from './counters.js';

/** A stored text that means something; blank ones and all else count as absent. */
function textOf(value: unknown): string | undefined {
	return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** The events of keys in a change; usually none. */
export function keyEventsOf(change: Change): readonly KeyEvent[] {
	if (change.action === 'removed') return [];
	if (isChangeOf(change, 'subscriptions')) return membershipEvents(change);
	if (isChangeOf(change, 'rooms')) return roomEvents(change);
	if (isChangeOf(change, 'users')) return userEvents(change);
	return [];
}

function roomEvents({ document, before }: Change<'rooms'>): readonly KeyEvent[] {
	const [was, is] = [textOf(before?.e2eKeyId), textOf(document.e2eKeyId)];
	if (was === is) return [];
	return [was === undefined ? 'room_key_set' : 'room_key_reset'];
}

function membershipEvents({ document, before }: Change<'subscriptions'>): readonly KeyEvent[] {
	const events: KeyEvent[] = [];
	const [wasKey, key] = [textOf(before?.E2EKey), textOf(document.E2EKey)];
	const [wasOffer, offer] = [textOf(before?.E2ESuggestedKey), textOf(document.E2ESuggestedKey)];
	if (offer !== undefined && offer !== wasOffer) events.push('offered');
	const isAccepted = wasOffer !== undefined && key === wasOffer && key !== wasKey;
	if (isAccepted) events.push('accepted');
	else if (key !== undefined && key !== wasKey) events.push('stored');
	else if (key === undefined && wasKey !== undefined) events.push('removed');
	if (wasOffer !== undefined && offer === undefined && !isAccepted && key === wasKey) events.push('declined');
	return events;
}

function userEvents({ document, before }: Change<'users'>): readonly KeyEvent[] {
	const [was, is] = [textOf(before?.e2e?.public_key), textOf(document.e2e?.public_key)];
	if (was === is) return [];
	return [is === undefined ? 'identity_removed' : 'identity_set'];
}
