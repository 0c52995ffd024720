/** People and rooms for tests. */

import { hashPassword } from '../../methods/model/users/passwords.js';
import { addPerson as add, type Person } from '../../server/testing/users.js';
import type { Room, Subscription } from '../../shared/documents.js';
import { randomId } from '../../shared/ids.js';
import type { Store } from '../../shared/store.js';
import { noteSecret } from './secrets.js';

export type { Person } from '../../server/testing/users.js';

/** The hashes of passwords. A hash takes 50 ms, and tests use few passwords. */
const hashes = new Map<string, Promise<string>>();

function hashOnce(password: string): Promise<string> {
	const known = hashes.get(password) ?? hashPassword(password);
	hashes.set(password, known);
	return known;
}

/** Stores a user, with a login token. */
export const addPerson: typeof add = async (store, fields) => {
	const { password, ...others } = fields ?? {};
	const services = {
		...others.services,
		...(password !== undefined && { password: { bcrypt: await hashOnce(password) } }),
	};
	const person = await add(store, { ...others, services });
	noteSecret(person.token);
	if (password) noteSecret(password);
	return person;
};

/** Stores a room with members, and returns its id. The room is private unless `fields.t` says otherwise. */
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

export async function keyIdOf(store: Store, rid: string): Promise<string | null | undefined> {
	return (await store.rooms.findOne({ _id: rid }))?.e2eKeyId;
}
