/** An attacker who tries to decrypt messages with everything in the database. */
import {
	decryptText,
	type EncryptedContent,
	importRoomKey,
	type Key,
	openRoomKey,
	type RoomKey,
	unwrapPrivateKey,
} from 'roomkey/e2e';
import { collectionNames, type Store } from '../../shared/store.js';

/** Every document of every collection. */
export async function dump(store: Store): Promise<Record<string, object[]>> {
	const collections = Object.keys(collectionNames) as (keyof Store)[];
	const read = async (name: keyof Store) => [name, await store[name].find({}).toArray()] as const;
	return Object.fromEntries(await Promise.all(collections.map(read)));
}

/** Every text within a value, also within texts that are JSON. */
export function textsIn(value: unknown): Set<string> {
	const texts = new Set<string>();
	const look = (value: unknown): void => {
		if (typeof value === 'string') {
			texts.add(value);
			try {
				look(JSON.parse(value));
			} catch {}
		} else if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
			for (const member of Object.values(value)) look(member);
		}
	};
	look(value);
	return texts;
}

async function successes<T>(attempts: Iterable<() => Promise<T>>): Promise<T[]> {
	const outcomes = await Promise.allSettled(Array.from(attempts, (attempt) => attempt()));
	return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
}

const pairs = <A, B, T>(left: Iterable<A>, right: Iterable<B>, combine: (a: A, b: B) => T): T[] =>
	[...left].flatMap((a) => Array.from(right, (b) => combine(a, b)));

/** The wrapped private keys among texts. */
export const privateKeysIn = (texts: Set<string>): string[] =>
	[...texts].filter((text) => text.startsWith('{"$binary"') || text.startsWith('{"iv"'));

/**
 * Tries every text as the passphrase of each private key, as a room key, and as a sealed room key.
 * @param wrapped the encrypted private keys
 * @param contents the encrypted messages
 * @returns those of `contents` that could be decrypted
 */
export async function readAll(
	texts: Set<string>,
	wrapped: readonly string[],
	contents: readonly EncryptedContent[],
): Promise<string[]> {
	// Texts of 17 characters may be user ids. A wrapped key with `$binary` can be decrypted only with its owner's id.
	const owners = [...texts].filter((text) => /^[^{[]{17}$/.test(text));
	const privateKeys = await successes(
		pairs(wrapped, texts, (stored, passphrase) => async () => {
			const [first] = await successes<Key>(
				(stored.includes('$binary') ? owners : ['']).map((owner) => () => unwrapPrivateKey(stored, passphrase, owner)),
			);
			if (!first) throw new Error('The passphrase does not fit');
			return first;
		}),
	);
	const ids = contents.map((content) => ('kid' in content ? content.kid : content.ciphertext.slice(0, 12)));
	// Without this option, `roomkey/e2e` refuses a v1 key whose id is the hash of another key. An attacker would not
	// check that.
	const anyId = { anyId: true };
	const jwkOf = (k: string, alg: string) => JSON.stringify({ alg, k, kty: 'oct' });
	const keys: RoomKey[] = [
		...(await successes(pairs(texts, privateKeys, (sealed, key) => () => openRoomKey(sealed, key, anyId)))),
		...(await successes(pairs(texts, ids, (text, id) => () => importRoomKey(id, text, anyId)))),
		...(await successes(pairs(texts, ids, (text, id) => () => importRoomKey(id, jwkOf(text, 'A128CBC'), anyId)))),
		...(await successes(pairs(texts, ids, (text, id) => () => importRoomKey(id, jwkOf(text, 'A256GCM'), anyId)))),
	];
	return successes(contents.map((content) => () => decryptText(content, keys)));
}
