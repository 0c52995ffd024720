/** The part of a user that clients may see. Fields that are not named here, such as `services` and keys, never leave. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';

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

export type ClientUser = Pick<User, '_id' | keyof typeof FOR_ADMINS>;

/** Which fields are shown. @param full to those who hold `view-full-other-user-info`, and to oneself */
export function clientUserFields(full: boolean): Record<string, 1> {
	return full ? FOR_ADMINS : FOR_ANYONE;
}

/** Fields that Rocket.Chat's clients expect and Roomkey does not store, with their defaults. */
export const DEFAULT_FIELDS = { status: 'offline', settings: {} } as const satisfies Partial<User>;

/** Reads a user as the caller receives them who made or changed them. */
export async function findClientUser(store: Store, userId: string): Promise<ClientUser> {
	const projection = { ...FOR_ADMINS, status: 1, settings: 1, _updatedAt: 1 } as const;
	const user = await store.users.findOne({ _id: userId }, { projection });
	if (!user) throw clientError('noSuchUser');
	return { ...DEFAULT_FIELDS, ...user };
}
