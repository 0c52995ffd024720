/**
 * Who seals the key for whom (`test/contract/beyond.md` T1): each waiting member of a room is left to the one provider who was
 * told of them first, so that a hundred providers seal each key about once. Kept in the memory of this process.
 */
import type { Store } from '../../../shared/store.js';

interface Lease {
	readonly provider: string;
	/** Until then nobody else is told, in epoch ms. */
	readonly until: number;
	/** Until then the provider gets no other for the same member: who only looks must not keep others away for ever. */
	readonly notAgainUntil: number;
}

/** Most leases of a process; with more, the oldest end early. About 20 MB. */
const MAX_LEASES = 100_000;

/** By room and member, the oldest first: all last equally long. */
type Leases = Map<string, Lease>;

const leasesByStore = new WeakMap<Store, Leases>();

function leasesOf(store: Store): Leases {
	let leases = leasesByStore.get(store);
	if (!leases) {
		leases = new Map();
		leasesByStore.set(store, leases);
	}
	return leases;
}

/** Neither kind of id holds a line break that could make two pairs look alike. */
const keyOf = (rid: string, userId: string) => `${rid}\n${userId}`;

/** How many leases there are, those that ran out since the last was made among them. */
export function countLeases(store: Store): number {
	return leasesOf(store).size;
}

/** Whether a waiting member is left to a provider other than this one. */
export function isLeft(store: Store, rid: string, userId: string, provider: string, now = Date.now()): boolean {
	const lease = leasesOf(store).get(keyOf(rid, userId));
	return lease !== undefined && lease.provider !== provider && now < lease.until;
}

/**
 * Leaves a waiting member to a provider for some time, unless another has them.
 * @param leaseTime in ms
 * @returns whether the provider may be told of the member
 */
export function lease(
	store: Store,
	rid: string,
	userId: string,
	provider: string,
	leaseTime: number,
	now = Date.now(),
): boolean {
	if (isLeft(store, rid, userId, provider, now)) return false;
	const leases = leasesOf(store);
	const key = keyOf(rid, userId);
	const known = leases.get(key);
	if (known?.provider === provider && now < known.notAgainUntil) return true;
	for (const [old, { notAgainUntil }] of leases) {
		if (now < notAgainUntil && leases.size < MAX_LEASES) break;
		leases.delete(old);
	}
	leases.delete(key);
	leases.set(key, { provider, until: now + leaseTime, notAgainUntil: now + 2 * leaseTime });
	return true;
}

/** Ends the leases of members who were given a key, were offered one, or have refused it. */
export function endLeases(store: Store, rid: string, userIds: readonly string[]): void {
	const leases = leasesByStore.get(store);
	for (const userId of userIds) leases?.delete(keyOf(rid, userId));
}
