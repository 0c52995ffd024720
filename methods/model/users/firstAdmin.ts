/** Creates the first admin of a server. */
import { randomId } from '../../../shared/ids.js';
import type { Store } from '../../../shared/store.js';
import { hasActiveAdmin } from './admins.js';
import { insertUser } from './insertUser.js';
import { hashPassword } from './passwords.js';

export interface FirstAdmin {
	readonly username: string;
	readonly password: string;
	readonly email?: string | undefined;
	/** Default `Administrator`. */
	readonly name?: string | undefined;
	/** Whether clients ask for a new password at the next login. */
	readonly requirePasswordChange?: true | undefined;
}

/**
 * Creates an admin if there is no active one. Of several processes that start at the same time, only one creates the
 * admin.
 * @returns `exists`: there is an active admin; `taken`: another user has the user name or the e-mail
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
