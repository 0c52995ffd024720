/** Makes sealed keys and identity keys for tests, and reads memberships, queues and announced changes. */
import { createHash, randomBytes } from 'node:crypto';
import type { Room, Subscription } from '../../shared/documents.js';
import type { Change } from '../../shared/events.js';
import type { Store } from '../../shared/store.js';
import type { Person } from './people.js';
import type { TestRoomkey } from './roomkey.js';
import { noteSecret } from './secrets.js';

/** Makes a unique text in the form of a sealed room key. */
export function sealed(keyId: string): string {
	const key = randomBytes(256).toString('base64');
	noteSecret(key);
	return keyId + key;
}

/** Makes texts in place of identity keys. A server without `strictKeys` accepts them. */
export const identityTexts = (name: string) => ({ public_key: `public ${name}`, private_key: `private ${name}` });

/** Makes a public key that the server accepts. The same name gives the same key. */
export function publicKey(name: string): string {
	const modulus = Buffer.concat(
		Array.from({ length: 4 }, (_, i) => createHash('sha512').update(`${name} ${i}`).digest()),
	);
	// Makes the modulus odd and 2048 bits long.
	modulus[0] = 0x80 | (modulus[0] as number);
	modulus[255] = 1 | (modulus[255] as number);
	const n = modulus.toString('base64url');
	return JSON.stringify({ alg: 'RSA-OAEP-256', e: 'AQAB', ext: true, key_ops: ['encrypt'], kty: 'RSA', n });
}

/** Public keys for which no room key can be sealed. With `strictKeys` the server refuses them. */
export function unfitKeys(): string[] {
	const jwk = JSON.parse(publicKey('unfit'));
	const numberText = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
	const modulus = Buffer.from(jwk.n, 'base64url');
	const short = numberText(modulus.subarray(0, 128));
	const changes = [
		{ kty: 'EC' },
		{ n: short },
		{ n: numberText(modulus.map((byte, i) => (i === 255 ? byte & 254 : byte))) },
		{ n: numberText(Buffer.concat([modulus, modulus.subarray(0, 128)])) },
		{ n: `${jwk.n}AAA` },
		{ n: 'no base64url!' },
		{ n: 5 },
		{ n: undefined },
		{ e: 'Aw' },
		{ e: 'AQAA' },
		{ e: numberText(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1)) },
		{ e: undefined },
		{ key_ops: [] },
		{ key_ops: ['verify'] },
		{ alg: 'RS256' },
		{ use: 'sig' },
		{ d: 'AQAB' },
	];
	return ['garbage', '{"half', ...changes.map((change) => JSON.stringify({ ...jwk, ...change }))];
}

/** The fields of a user with identity keys. */
export function identity(name = 'somebody') {
	return { e2e: { public_key: publicKey(name), private_key: `private key of ${name}` } };
}

export async function membershipOf(store: Store, rid: string, { id }: Person): Promise<Subscription> {
	const membership = await store.subscriptions.findOne({ rid, 'u._id': id });
	if (!membership) throw new Error('expected a member');
	return membership;
}

/** The ids of the users in the queue of a room, in order; null if the room has no queue. */
export async function queueOf(store: Store, rid: string): Promise<string[] | null> {
	const room = (await store.rooms.findOne({ _id: rid })) as Room;
	return room.usersWaitingForE2EKeys?.map(({ userId }) => userId) ?? null;
}

/**
 * What is announced while `run` runs, in order. A write is `<collection> <id>`, or `subscriptions <uid>`. An event is
 * `notify <stream> <name> <arguments>`.
 */
export async function announcedBy(roomkey: TestRoomkey, run: () => Promise<unknown>): Promise<string[]> {
	const announced: string[] = [];
	const stops = [
		roomkey.bus.on('changed', ({ collection, document }: Change) => {
			const { u } = document as Partial<Subscription>;
			announced.push(`${collection} ${collection === 'subscriptions' ? u?._id : document._id}`);
		}),
		roomkey.bus.on('notify', ({ stream, eventName, args }) => {
			announced.push(`notify ${stream} ${eventName} ${args.join(' ')}`);
		}),
	];
	try {
		await run();
	} finally {
		for (const stop of stops) stop();
	}
	return announced;
}
