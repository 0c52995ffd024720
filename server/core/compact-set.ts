/**
 * Sets that save memory where a server has very many sets, most of them with zero or one member. A single member is
 * stored without a container: a `Set` with one member takes 154 bytes (measured).
 */
export type CompactSet<T extends object> = T | Set<T> | undefined;

/** Makes a set of these members. */
export function compactSetOf<T extends object>(members: readonly T[]): CompactSet<T> {
	return members.length > 1 ? new Set(members) : members[0];
}

/** Adds a member and returns the resulting set. A `Set` is changed in place. */
export function addMember<T extends object>(set: CompactSet<T>, member: T): T | Set<T> {
	if (set === undefined || set === member) return member;
	return set instanceof Set ? set.add(member) : new Set([set, member]);
}

/** Removes a member and returns the resulting set. A `Set` is changed in place. */
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
