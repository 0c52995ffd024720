/** Fingerprints: what two people compare, in person or by telephone, to know that nobody swapped a key between them. */
import { type Bytes, fromBase64Url, fromJson, subtle, toBase64Url, utf8 } from './bytes.js';
import { malformed } from './error.js';
import { publicNumbers } from './identity.js';
import type { RoomKey } from './room-key.js';

/** Groups of digits in a fingerprint, each out of five bytes of a hash. */
const GROUPS = 12;

/**
 * The fingerprint of a key: 60 digits in twelve groups, out of the SHA-512 of the value of the key, so that the spelling of
 * its JSON does not matter. A room key cannot be found out by its fingerprint.
 *
 * @param key a public key as it is stored, or a room key. Throws `malformed` and `unfit-key` as `importPublicKey` does, and
 * `not-extractable` for a room key that may not leave
 */
export async function fingerprintOf(key: string | RoomKey): Promise<string> {
	const value = utf8(`roomkey fingerprint\n${canonicalText(key)}`);
	const hash = new Uint8Array(await subtle().digest('SHA-512', value));
	return Array.from({ length: GROUPS }, (_, group) => digits(hash.slice(5 * group, 5 * group + 5))).join(' ');
}

/** Whether two public keys, or two room keys, are the same by value, however their texts are written. */
export function sameKey(one: string | RoomKey, other: string | RoomKey): boolean {
	return canonicalText(one) === canonicalText(other);
}

/** What makes the key the key it is, in the order of RFC 7638. */
function canonicalText(key: string | RoomKey): string {
	if (typeof key === 'string') {
		const { n, e } = publicNumbers(key);
		return JSON.stringify({ e: String(e), kty: 'RSA', n: String(n) });
	}
	const jwk = fromJson(key?.jwk);
	const bytes = fromBase64Url(jwk?.k);
	if (!bytes) throw malformed('The room key');
	return JSON.stringify({ alg: jwk?.alg, k: toBase64Url(bytes), kty: 'oct' });
}

function digits(bytes: Bytes): string {
	const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
	return String(number % 100_000).padStart(5, '0');
}
