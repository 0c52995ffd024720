/** What of a room, and of a place in it, is published and listed. */
import type { Room, Subscription } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';
import { setting } from '../settings/workspace.js';

/** Whether clients are to know of encryption at all. What is stored stays, and is shown again when it is switched on. */
export function isEncryptionShown(store: Store): Promise<boolean> {
	return setting(store, 'E2E_Enable');
}

/**
 * A room, or what is known of it, as clients may see it: without the reset that is under way, and without all that
 * would make them ask for a password where encryption is switched off (`test/contract/beyond.md` E13).
 * @param isOn what `isEncryptionShown` says
 */
export function shownRoom<R extends Partial<Room>>(room: R, isOn: boolean): Omit<R, 'e2eReset'> {
	const { e2eReset, ...shown } = room;
	if (isOn) return shown;
	const { encrypted, e2eKeyId, usersWaitingForE2EKeys, e2eToggled, e2eStale, ...plain } = shown as Partial<Room>;
	return plain as Omit<R, 'e2eReset'>;
}

/** A place, or what is known of it, as its member may see it: without our own notes. */
export function shownPlace<P extends Partial<Subscription>>(place: P): Omit<P, 'departures' | 'e2eKnownKeys'> {
	const { departures, e2eKnownKeys, ...shown } = place;
	return shown;
}
