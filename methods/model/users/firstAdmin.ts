/** Creates the first admin of a server, from environment variables, as in Rocket.Chat, or from a command. */
import { randomId } from '../../../shared/ids.js';
import type { Store } from '../../../shared/store.js';
import { hasActiveAdmin } from './admins.js';
import { insertUser } from './insertUser.js';
import { hashPassword } from './passwords.js';

export interface FirstAdmin {
	readonly username: string;
	readonly password: string;
	readonly email?: string | undefined;
	/** Display name. Default `Administrator`. */
	readonly name?: string | undefined;
	/** Whether clients ask for a new password at the next login. */
	readonly requirePasswordChange?: true | undefined;
}

/**
 * Creates an admin if there is no active one. `insertUser` claims the user name, so only one of several processes that
 * start at the same time creates the admin.
 * @returns `made`: the admin was created; `exists`: there is an active admin already; `taken`: there is none, but
 * another user has the user name or the e-mail
 */
export async function makeFirstAdmin(
	store: Store,
	{ username, password, email, name = 'Administrator', requirePasswordChange }: FirstAdmin,
): Promise<'made' | 'exists' | 'taken'> {
	if (await hasActiveAdmin(store)) return 'exists';
	const taken = await insertUser(store, {
		_id: randomId(),
		createdAt: new Date(),
		type: 'user',
		username,
		name,
		roles: ['admin'],
		active: true,
		...(email !== undefined && { emails: [{ address: email, verified: true }] }),
		...(requirePasswordChange && { requirePasswordChange }),
		services: { password: { bcrypt: await hashPassword(password) }, resume: { loginTokens: [] } },
	});
	if (taken === null) return 'made';
	return (await hasActiveAdmin(store)) ? 'exists' : 'taken';
}
