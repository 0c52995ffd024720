/**
 * Reservations of waiting members for providers (`test/contract/beyond.md` T1). A provider is a member who holds the
 * room key and can seal it for others. A member who waits for the key is reserved for the first provider who is given
 * that member in an answer, so that only this provider seals the key. Reservations are kept in the memory of this
 * process.
 */
import { type Store, sourceOf } from '../../../shared/store.js';

interface ProviderReservation {
	/** User id of the provider. */
	readonly provider: string;
	/** End of the reservation, in epoch ms. Until then no other provider is given this member. */
	readonly until: number;
	/**
	 * In epoch ms. Until then the same provider is given the member again without a new reservation, so that a provider
	 * who never seals keys cannot block the others.
	 */
	readonly notAgainUntil: number;
}

/** Maximum number of reservations in a process: about 20 MB. Above it the oldest are removed early. */
const MAX_RESERVATIONS = 100_000;

/** The reservations by room and member, in the order they were made. All have the same duration, so the first ends first. */
type Reservations = Map<string, ProviderReservation>;

const reservationsByStore = new WeakMap<Store, Reservations>();

function reservationsOf(store: Store): Reservations {
	const source = sourceOf(store);
	let reservations = reservationsByStore.get(source);
	if (!reservations) {
		reservations = new Map();
		reservationsByStore.set(source, reservations);
	}
	return reservations;
}

/** The map key of a room and a member. Ids contain no line break, so it separates them. */
const keyOf = (rid: string, userId: string) => `${rid}\n${userId}`;

/** The number of stored reservations. Expired ones count until the next reservation removes them. */
export function countReservations(store: Store): number {
	return reservationsOf(store).size;
}

/** Whether a waiting member is reserved for another provider than this one. */
export function isReservedForOther(
	store: Store,
	rid: string,
	userId: string,
	provider: string,
	now = Date.now(),
): boolean {
	const reservation = reservationsOf(store).get(keyOf(rid, userId));
	return reservation !== undefined && reservation.provider !== provider && now < reservation.until;
}

/**
 * Reserves a waiting member for a provider, unless the member is reserved for another provider.
 * @param duration of the reservation, in ms
 * @returns whether the provider may be given the member
 */
export function reserve(
	store: Store,
	rid: string,
	userId: string,
	provider: string,
	duration: number,
	now = Date.now(),
): boolean {
	if (isReservedForOther(store, rid, userId, provider, now)) return false;
	const reservations = reservationsOf(store);
	const key = keyOf(rid, userId);
	const existing = reservations.get(key);
	if (existing?.provider === provider && now < existing.notAgainUntil) return true;
	for (const [oldest, { notAgainUntil }] of reservations) {
		if (now < notAgainUntil && reservations.size < MAX_RESERVATIONS) break;
		reservations.delete(oldest);
	}
	reservations.delete(key);
	reservations.set(key, { provider, until: now + duration, notAgainUntil: now + 2 * duration });
	return true;
}

/** Removes the reservations of members who have stored a key, have received an offer, or have rejected or returned a key. */
export function endReservations(store: Store, rid: string, userIds: readonly string[]): void {
	const reservations = reservationsByStore.get(sourceOf(store));
	for (const userId of userIds) reservations?.delete(keyOf(rid, userId));
}
