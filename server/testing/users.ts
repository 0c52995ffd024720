/** Stores users for a test. */
import { hashPassword } from '../../methods/model/users/passwords.js';
import { hashToken, newToken } from '../../methods/model/users/tokens.js';
import type { User } from '../../shared/documents.js';
import { randomId } from '../../shared/ids.js';
import type { Store } from '../../shared/store.js';

/** A stored user, with what a test needs to act as this user. */
export interface Person {
	readonly id: string;
	readonly username: string;
	readonly token: string;
}

/** Any fields of a user document, a password, and when the login token was created. */
export type NewPerson = Partial<User> & { readonly password?: string; readonly tokenMadeAt?: Date };

/** Stores a user with a login token. Subscribers are not notified. */
export async function addPerson(
	store: Store,
	{ password, tokenMadeAt = new Date(), ...fields }: NewPerson = {},
): Promise<Person> {
	const id = fields._id ?? randomId();
	const username = fields.username ?? `user-${id}`;
	const token = newToken();
	await store.users.insertOne(
		{
			roles: ['user'],
			active: true,
			...fields,
			_id: id,
			username,
			services: {
				...fields.services,
				...(password === undefined ? {} : { password: { bcrypt: await hashPassword(password) } }),
				resume: { loginTokens: [{ hashedToken: hashToken(token), when: tokenMadeAt }] },
			},
		},
		{ silent: true },
	);
	return { id, username, token };
}
