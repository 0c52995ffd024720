/** The fields of users that clients may see. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import type { Store } from '../../../shared/store.js';

const PUBLIC_FIELDS = { username: 1, name: 1, nickname: 1, type: 1, active: 1, federated: 1 } as const;

const FULL_FIELDS = {
	...PUBLIC_FIELDS,
	emails: 1,
	roles: 1,
	createdAt: 1,
	requirePasswordChange: 1,
	customFields: 1,
	bio: 1,
} as const;

export type ClientUser = Pick<User, '_id' | keyof typeof FULL_FIELDS>;

/**
 * The projection of the fields that a caller may see.
 * @param seesAll true for callers with `view-full-other-user-info`, and for the caller's own document
 */
export function clientUserFields(seesAll: boolean): Record<string, 1> {
	return seesAll ? FULL_FIELDS : PUBLIC_FIELDS;
}

/** Defaults of fields that Rocket.Chat's clients expect, and that only Rocket.Chat stores. */
export const DEFAULT_FIELDS = { status: 'offline', settings: {} } as const satisfies Partial<User>;

/** Reads a user with all visible fields, for a caller who has created or changed the user. */
export async function findClientUser(store: Store, userId: string): Promise<ClientUser> {
	const projection = { ...FULL_FIELDS, status: 1, settings: 1, _updatedAt: 1 } as const;
	const user = await store.users.findOne({ _id: userId }, { projection });
	if (!user) throw clientError('noSuchUser');
	return { ...DEFAULT_FIELDS, ...user };
}
