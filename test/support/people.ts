/** People and rooms for tests. */
import { hashPassword } from '../../methods/model/users/passwords.js';
import { hashToken, newToken } from '../../methods/model/users/tokens.js';
import type { Room, Subscription, User } from '../../shared/documents.js';
import { randomId } from '../../shared/ids.js';
import type { Store } from '../../shared/store.js';

export interface Person {
	readonly id: string;
	readonly username: string;
	/** A login token that is stored for them. */
	readonly token: string;
}

/** Stores a user with a login token, and with a password if one is given. */
export async function addPerson(
	store: Store,
	{ password, tokenMadeAt = new Date(), ...fields }: Partial<User> & { password?: string; tokenMadeAt?: Date } = {},
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

/** Stores a room, private unless `t` says otherwise, with these members. Returns its id. */
export async function addRoom(store: Store, members: readonly Person[], fields: Partial<Room> = {}): Promise<string> {
	const rid = fields._id ?? randomId();
	await store.rooms.insertOne({ t: 'p', ...fields, _id: rid }, { silent: true });
	for (const member of members) await addMember(store, rid, member);
	return rid;
}

export async function addMember(store: Store, rid: string, member: Person, fields: Partial<Subscription> = {}) {
	const u = { _id: member.id, username: member.username };
	await store.subscriptions.insertOne({ ...fields, _id: randomId(), rid, u }, { silent: true });
}

/** The key id a room now has. */
export async function keyIdOf(store: Store, rid: string): Promise<string | null | undefined> {
	return (await store.rooms.findOne({ _id: rid }))?.e2eKeyId;
}
