/**
 * Reservations of waiting members for providers (`test/contract/beyond.md` T1). Each waiting member of a room is
 * reserved for the first provider who receives them in an answer, so that many providers do not all seal the same key.
 * Kept in the memory of this process.
 */
import { type Store, sourceOf } from '../../../shared/store.js';

interface ProviderReservation {
	readonly provider: string;
	/** End of the reservation, in epoch ms: until then no other provider gets this member. */
	readonly until: number;
	/**
	 * Until then the provider cannot reserve the member again: a provider that never seals keys must not block others.
	 */
	readonly notAgainUntil: number;
}

/** Maximum number of reservations in a process; above it the oldest end early. About 20 MB. */
const MAX_RESERVATIONS = 100_000;

/** By room and member, the oldest first: all have the same duration. */
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

/** Neither id contains a line break, so the separator is unambiguous. */
const keyOf = (rid: string, userId: string) => `${rid}\n${userId}`;

/** The number of reservations, including those that have expired since the last one was made. */
export function countReservations(store: Store): number {
	return reservationsOf(store).size;
}

/** Whether a waiting member is reserved for a provider other than this one. */
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
 * Reserves a waiting member for a provider for some time, unless they are reserved for another.
 * @param reservedFor in ms
 * @returns whether the provider may receive the member
 */
export function reserve(
	store: Store,
	rid: string,
	userId: string,
	provider: string,
	reservedFor: number,
	now = Date.now(),
): boolean {
	if (isReservedForOther(store, rid, userId, provider, now)) return false;
	const reservations = reservationsOf(store);
	const key = keyOf(rid, userId);
	const present = reservations.get(key);
	if (present?.provider === provider && now < present.notAgainUntil) return true;
	for (const [old, { notAgainUntil }] of reservations) {
		if (now < notAgainUntil && reservations.size < MAX_RESERVATIONS) break;
		reservations.delete(old);
	}
	reservations.delete(key);
	reservations.set(key, { provider, until: now + reservedFor, notAgainUntil: now + 2 * reservedFor });
	return true;
}

/** Ends the reservations of members who have stored a key, have an offer, or have rejected one. */
export function endReservations(store: Store, rid: string, userIds: readonly string[]): void {
	const reservations = reservationsByStore.get(sourceOf(store));
	for (const userId of userIds) reservations?.delete(keyOf(rid, userId));
}
