/** What is shown of people, and to whom. Whatever is not named here, `services` and keys above all, never leaves. */
import type { User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { Match } from '../../shared/match.js';
import type { Filter, Store } from '../../shared/store.js';

const FOR_ANYONE = { username: 1, name: 1, type: 1, active: 1, federated: 1 } as const;

const FOR_ADMINS = {
	...FOR_ANYONE,
	emails: 1,
	roles: 1,
	createdAt: 1,
	requirePasswordChange: 1,
	customFields: 1,
} as const;

export type ShownUser = Pick<User, '_id' | keyof typeof FOR_ADMINS>;

/** Which fields are shown. @param full to those who hold `view-full-other-user-info`, and to oneself */
export function shownFields(full: boolean): Record<string, 1> {
	return full ? FOR_ADMINS : FOR_ANYONE;
}

/** What Rocket.Chat tells of a user and Roomkey does not keep: what a database says of it, or this. */
export const NOT_KEPT = { status: 'offline', settings: {} } as const satisfies Partial<User>;

/** A user as those who made or changed them are told. */
export async function findShown(store: Store, userId: string): Promise<ShownUser> {
	const projection = { ...FOR_ADMINS, status: 1, settings: 1, _updatedAt: 1 } as const;
	const user = await store.users.findOne({ _id: userId }, { projection });
	if (!user) throw clientError('noSuchUser');
	return { ...NOT_KEPT, ...user };
}

/** The arguments by which Rocket.Chat's endpoints name somebody: one of them is needed. */
export const Whom = {
	userId: Match.Optional(String),
	username: Match.Optional(String),
	/** Another word for `username`. */
	user: Match.Optional(String),
} as const;

/**
 * Who is meant.
 * @throws ClientError `error-user-param-not-provided`
 */
export function filterFor(whom: { userId?: string; username?: string; user?: string }, method: string): Filter<User> {
	const username = whom.username || whom.user;
	if (whom.userId) return { _id: whom.userId };
	if (username) return { username };
	throw clientError('userNotNamed', { method });
}
