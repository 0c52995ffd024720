/**
 * Which provider seals the key for which member (`test/contract/beyond.md` T1). Each waiting member of a room is reserved for the
 * provider who was shown them first, so that a hundred providers seal each key about once. Kept in the memory of this process.
 */
import type { Store } from '../../../shared/store.js';

interface ProviderReservation {
	readonly provider: string;
	/** Until then the member is shown to no other provider, in epoch ms. */
	readonly until: number;
	/** Until then the provider gets no other reservation of the member: one who only asks must not keep others away for ever. */
	readonly notAgainUntil: number;
}

/** Most reservations of a process; with more, the oldest end early. About 20 MB. */
const MAX_RESERVATIONS = 100_000;

/** By room and member, the oldest first: all last equally long. */
type Reservations = Map<string, ProviderReservation>;

const reservationsByStore = new WeakMap<Store, Reservations>();

function reservationsOf(store: Store): Reservations {
	let reservations = reservationsByStore.get(store);
	if (!reservations) {
		reservations = new Map();
		reservationsByStore.set(store, reservations);
	}
	return reservations;
}

/** Neither kind of id contains a line break that could make two pairs look alike. */
const keyOf = (rid: string, userId: string) => `${rid}\n${userId}`;

/** How many reservations there are, including those that have expired since the last was made. */
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
 * @returns whether the provider may be shown the member
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

/** Ends the reservations of members who were given a key, were offered one, or have refused it. */
export function endReservations(store: Store, rid: string, userIds: readonly string[]): void {
	const reservations = reservationsByStore.get(store);
	for (const userId of userIds) reservations?.delete(keyOf(rid, userId));
}
