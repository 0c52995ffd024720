/** `me` (`contract/rocketchat-e2e.md` 9.1): the caller's own profile. */
import type { User } from '../../shared/documents.js';
import { refusal } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { READS } from '../limits.js';

/** Whatever is not named here, such as password hashes, tokens and keys, never leaves the store. */
const PROFILE = { username: 1, name: 1, emails: 1, profile: 1, roles: 1, active: 1 } as const;

export type Profile = Pick<User, '_id' | keyof typeof PROFILE> & { avatarUrl?: string };

/** Reads a user's own profile. Null where the user is gone. */
export async function findProfile(store: Store, userId: string): Promise<Profile | null> {
	const user: Profile | null = await store.users.findOne({ _id: userId }, { projection: PROFILE });
	return user?.username === undefined ? user : { ...user, avatarUrl: `/avatar/${encodeURIComponent(user.username)}` };
}

export const me = method({
	name: 'me',
	args: {},
	rest: 'GET',
	parallel: true,
	limit: READS,
	summary: "Tells the caller's own profile",
	async run(_args, { name, store, userId }) {
		const profile = await findProfile(store, userId);
		if (!profile) throw refusal('invalidUser', { method: name });
		return profile;
	},
});
