/** `me` (`test/contract/rocketchat-e2e.md` 9.1): the caller's own profile. */
import type { User } from '../../shared/documents.js';
import { clientError } from '../../shared/errors.js';
import { method } from '../../shared/method.js';
import type { Store } from '../../shared/store.js';
import { READ_DEFAULTS } from '../methodDefaults.js';
import { UserProfile } from '../model/answers.js';
import { DEFAULT_FIELDS } from '../model/users/clientUser.js';

/** The fields of a profile, without secrets. */
export const PROFILE_FIELDS = {
	username: 1,
	name: 1,
	emails: 1,
	profile: 1,
	roles: 1,
	active: 1,
	status: 1,
	settings: 1,
} as const;

export type Profile = Pick<User, '_id' | keyof typeof PROFILE_FIELDS> & { avatarUrl?: string };

/** Reads a user's own profile; null if the user does not exist. */
export async function findProfile(store: Store, userId: string): Promise<Profile | null> {
	const user = await store.users.findOne({ _id: userId }, { projection: PROFILE_FIELDS });
	if (!user) return null;
	const { username } = user;
	return {
		// Defaults of fields that only Rocket.Chat stores.
		...DEFAULT_FIELDS,
		...user,
		...(username !== undefined && { avatarUrl: `/avatar/${encodeURIComponent(username)}` }),
	};
}

export const me = method({
	name: 'me',
	args: {},
	...READ_DEFAULTS,
	summary: "Returns the caller's own profile",
	returns: UserProfile,
	errors: [],
	async run(_args, { store, userId }) {
		const profile = await findProfile(store, userId);
		if (!profile) throw clientError('invalidUser');
		return profile;
	},
});
