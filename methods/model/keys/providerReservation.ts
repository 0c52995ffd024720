/**
 * Reservations of waiting members for providers (`test/contract/beyond.md` T1). A provider is a member who holds the
 * room key and can seal it for others. `e2e.fetchUsersWaitingForGroupKey` reserves a waiting member for the first
 * provider to whom it lists the member.
 *
 * Reservations are kept in the memory of this process, or in the store if several processes share it. In the store, one
 * conditional write changes a reservation, so that only one of several processes reserves a member.
 */
import type { SharedState } from '../../../shared/documents.js';
import { isShared, type Store, sourceOf } from '../../../shared/store.js';
import { inParallel } from '../inParallel.js';
import { insertIfAbsent } from '../insertIfAbsent.js';
import { SILENT, sharedId } from '../sharedState.js';

interface ProviderReservation {
	/** User id of the provider. */
	readonly provider: string;
	/** End of the reservation, in epoch ms. Until then the member is shown to no other provider. */
	readonly reservedUntil: number;
	/**
	 * Until then, in epoch ms, the same provider may see the member, but gets no new reservation. So a provider who never
	 * seals keys cannot block the others.
	 */
	readonly notAgainUntil: number;
}

/** Maximum number of reservations in a process: about 20 MB. Above it the oldest are removed early. */
const MAX_RESERVATIONS = 100_000;

/**
 * The reservations by room and member, in the order of their creation. All have the same duration, so the oldest ends
 * first.
 */
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

/** Ids contain no line break. */
const keyOf = (rid: string, userId: string) => `${rid}\n${userId}`;

const idOf = (rid: string, userId: string) => sharedId('reservation', keyOf(rid, userId));

/** The number of reservations in memory, including expired ones. */
export function countReservations(store: Store): number {
	return reservationsOf(store).size;
}

/**
 * Whether a member may be shown to a provider. `other`: no, the member is reserved for another provider; `own`: yes,
 * without a new reservation; `free`: yes, with a new one.
 */
function availabilityFor(
	reservation: ProviderReservation | undefined,
	provider: string,
	now: number,
): 'other' | 'own' | 'free' {
	if (!reservation) return 'free';
	if (reservation.provider !== provider) return now < reservation.reservedUntil ? 'other' : 'free';
	return now < reservation.notAgainUntil ? 'own' : 'free';
}

async function storedReservations(
	store: Store,
	rid: string,
	userIds: readonly string[],
): Promise<ReadonlyMap<string, SharedState>> {
	const ids = userIds.map((userId) => idOf(rid, userId));
	const found = ids.length > 0 ? await store.sharedState.find({ _id: { $in: ids } }).toArray() : [];
	return new Map(found.map((document) => [document._id, document]));
}

/** Reads a reservation from its document. The field `until` of the document is `notAgainUntil`. */
function reservationIn(document: SharedState | undefined): ProviderReservation | undefined {
	const { provider, reservedUntil, until } = document ?? {};
	if (provider === undefined || reservedUntil === undefined || until === undefined) return undefined;
	return { provider, reservedUntil: reservedUntil.getTime(), notAgainUntil: until.getTime() };
}

/** Returns those of the given waiting members who are reserved for another provider. */
export async function reservedForOthers(
	store: Store,
	rid: string,
	userIds: readonly string[],
	provider: string,
	now = Date.now(),
): Promise<ReadonlySet<string>> {
	const stored = isShared(store) ? await storedReservations(store, rid, userIds) : undefined;
	const reservations = reservationsOf(store);
	return new Set(
		userIds.filter((userId) => {
			const reservation = stored ? reservationIn(stored.get(idOf(rid, userId))) : reservations.get(keyOf(rid, userId));
			return availabilityFor(reservation, provider, now) === 'other';
		}),
	);
}

/**
 * Reserves waiting members for a provider, except those who are reserved for another provider.
 * @param duration of the reservations, in ms
 * @returns the members who may be shown to the provider
 */
export async function reserveMembers(
	store: Store,
	rid: string,
	userIds: readonly string[],
	provider: string,
	duration: number,
	now = Date.now(),
): Promise<ReadonlySet<string>> {
	const reservation = { provider, reservedUntil: now + duration, notAgainUntil: now + 2 * duration };
	if (!isShared(store))
		return new Set(
			userIds.filter((userId) => reserveInMemory(reservationsOf(store), keyOf(rid, userId), reservation, now)),
		);
	const stored = await storedReservations(store, rid, userIds);
	const reserved = new Set<string>();
	await inParallel(userIds, async (userId) => {
		const _id = idOf(rid, userId);
		if (await reserveInStore(store, _id, stored.get(_id), reservation, now)) reserved.add(userId);
	});
	return reserved;
}

/** Stores a reservation in memory, if the member is free. @returns whether the member may be shown to the provider */
function reserveInMemory(
	reservations: Reservations,
	key: string,
	reservation: ProviderReservation,
	now: number,
): boolean {
	const state = availabilityFor(reservations.get(key), reservation.provider, now);
	if (state !== 'free') return state === 'own';
	// Removes the expired reservations, and the oldest if there are too many.
	for (const [oldest, { notAgainUntil }] of reservations) {
		if (now < notAgainUntil && reservations.size < MAX_RESERVATIONS) break;
		reservations.delete(oldest);
	}
	reservations.delete(key);
	reservations.set(key, reservation);
	return true;
}

/**
 * Stores a reservation in the store, if the member is free and no other call has reserved the member meanwhile.
 * @returns whether the member may be shown to the provider
 */
async function reserveInStore(
	{ sharedState }: Store,
	_id: string,
	found: SharedState | undefined,
	{ provider, reservedUntil, notAgainUntil }: ProviderReservation,
	now: number,
): Promise<boolean> {
	const state = availabilityFor(reservationIn(found), provider, now);
	if (state !== 'free') return state === 'own';
	const fields = { provider, reservedUntil: new Date(reservedUntil), until: new Date(notAgainUntil) };
	if (!found) return insertIfAbsent(sharedState, { _id, ...fields }, SILENT);
	const whereUnchanged = { _id, provider: found.provider ?? null, until: found.until };
	const { matchedCount } = await sharedState.updateOne(whereUnchanged, { $set: fields }, SILENT);
	return matchedCount > 0;
}

/** Removes the reservations of these members. */
export async function endReservations(store: Store, rid: string, userIds: readonly string[]): Promise<void> {
	if (userIds.length === 0) return;
	if (isShared(store)) {
		const ids = userIds.map((userId) => idOf(rid, userId));
		await store.sharedState.deleteMany({ _id: { $in: ids } }, SILENT);
		return;
	}
	const reservations = reservationsByStore.get(sourceOf(store));
	for (const userId of userIds) reservations?.delete(keyOf(rid, userId));
}
