/**
 * A set that nearly always has one member or none: a single member stands for itself. Measured: an array of one takes 48
 * bytes, a Set of one 150. An idle client has three such sets.
 */
export type Few<T extends object> = T | Set<T> | undefined;

export function fewOf<T extends object>(members: readonly T[]): Few<T> {
	return members.length > 1 ? new Set(members) : members[0];
}

/** A member more; a Set there is becomes the one returned. */
export function withMember<T extends object>(few: Few<T>, member: T): T | Set<T> {
	if (few === undefined || few === member) return member;
	return few instanceof Set ? few.add(member) : new Set([few, member]);
}

/** A member less, likewise. */
export function withoutMember<T extends object>(few: Few<T>, member: T): Few<T> {
	if (!(few instanceof Set)) return few === member ? undefined : few;
	few.delete(member);
	return few.size > 0 ? few : undefined;
}

/** In the order in which they came. */
export function membersOf<T extends object>(few: Few<T>): Iterable<T> {
	if (few instanceof Set) return few;
	return few === undefined ? [] : [few];
}
