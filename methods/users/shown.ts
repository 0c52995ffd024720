/** What is shown of people, and to whom. Whatever is not named here, `services` and keys above all, never leaves. */
import type { User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import type { Store } from '../../shared/store.js';

const FOR_ANYONE = { username: 1, name: 1, nickname: 1, type: 1, active: 1, federated: 1 } as const;

const FOR_ADMINS = {
	...FOR_ANYONE,
	emails: 1,
	roles: 1,
	createdAt: 1,
	requirePasswordChange: 1,
	customFields: 1,
	bio: 1,
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
