/** `--demo`: users and rooms for trying the server, and a first example call. The passwords are public. */
import { createRoom } from '../../methods/model/lifecycle/createRoom.js';
import { hashPassword } from '../../methods/model/users/passwords.js';
import { hashToken } from '../../methods/model/users/tokens.js';
import type { User } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';

const ALICE = { id: 'd26x6zSkaPSe5gCyy', token: 'Di9OKWzdu7V2vW3lHO0oYLOOr6P2Y0n9zQlx20qn2cU' };
const BOB = { id: 'n5ZbxPwRmE7TkYc3J' };
const ADMIN = { id: 'aM4ynLQ8kDqvSfPz2' };
const KEYLESS_ROOM = 'wCiXndNp5NqNY3uCc';
const KEYED_ROOM = 'Qe3Wa3outaDMKzAZC';
const BOBS_ROOM = 'y7TdGkqRsvB4nHfXa';

/** A user whose password is the user name. */
async function demoUser(id: string, name: string, hashedTokens: string[], roles = ['user']): Promise<User> {
	return {
		_id: id,
		username: name,
		name: name[0]?.toUpperCase() + name.slice(1),
		emails: [{ address: `${name}@example.com`, verified: true }],
		roles,
		active: true,
		type: 'user',
		createdAt: new Date(),
		services: {
			password: { bcrypt: await hashPassword(name) },
			resume: { loginTokens: hashedTokens.map((hashedToken) => ({ hashedToken, when: new Date() })) },
		},
	};
}

/** Inserts the demo's users and rooms into an empty store. */
export async function fillDemo(store: Store): Promise<void> {
	await store.users.insertOne(await demoUser(ALICE.id, 'alice', [hashToken(ALICE.token)]));
	await store.users.insertOne(await demoUser(BOB.id, 'bob', []));
	await store.users.insertOne(await demoUser(ADMIN.id, 'admin', [], ['admin', 'user']));

	const alice = { _id: ALICE.id, username: 'alice', name: 'Alice' };
	const bob = { _id: BOB.id, username: 'bob', name: 'Bob' };
	// There are no subscribers yet, so events are dropped.
	const context = { store, events: { emit() {} }, name: 'demo', signal: new AbortController().signal };
	const room = { t: 'p', encrypted: true } as const;
	await createRoom(context, { ...room, _id: KEYLESS_ROOM, name: 'no-key-yet' }, alice, [bob]);
	await createRoom(context, { ...room, _id: KEYED_ROOM, name: 'has-a-key', e2eKeyId: '0123456789ab' }, alice, [bob]);
	await createRoom(context, { ...room, _id: BOBS_ROOM, name: 'bob-alone' }, bob, []);
}

/** The text that the demo prints, with a first call to paste into a shell. */
export function demoHint(address: string): string {
	return [
		`Set the key id of a room as alice (a second call fails, because the room then has a key id):`,
		``,
		`curl -X POST ${address}/api/v1/e2e.setRoomKeyID \\`,
		`  -H 'X-User-Id: ${ALICE.id}' -H 'X-Auth-Token: ${ALICE.token}' \\`,
		`  -H 'Content-Type: application/json' \\`,
		`  -d '{"rid": "${KEYLESS_ROOM}", "keyID": "my-UniQu3_ke4_Id"}'`,
		``,
		`Over DDP: ${address.replace('http', 'ws')}/websocket, user alice with password alice, or bob with bob.`,
		`An admin is there too: admin with password admin.`,
	].join('\n');
}
