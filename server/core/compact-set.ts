/**
 * Sets that have one member nearly always, or none, while very many of them exist. One member stands for itself: an array
 * or a Set for each would take more memory than its member (measured: a Set with one member takes 154 bytes).
 */
export type CompactSet<T extends object> = T | Set<T> | undefined;

/** The set of these members. */
export function compactSetOf<T extends object>(members: readonly T[]): CompactSet<T> {
	return members.length > 1 ? new Set(members) : members[0];
}

/** The set with one more member. A `Set` is changed in place. */
export function addMember<T extends object>(set: CompactSet<T>, member: T): T | Set<T> {
	if (set === undefined || set === member) return member;
	return set instanceof Set ? set.add(member) : new Set([set, member]);
}

/** The set without a member. A `Set` is changed in place. */
export function removeMember<T extends object>(set: CompactSet<T>, member: T): CompactSet<T> {
	if (!(set instanceof Set)) return set === member ? undefined : set;
	set.delete(member);
	return set.size > 0 ? set : undefined;
}

/** The members, in the order in which they were added. */
export function membersOf<T extends object>(set: CompactSet<T>): Iterable<T> {
	if (set instanceof Set) return set;
	return set === undefined ? [] : [set];
}
