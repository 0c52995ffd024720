/** Key fingerprints. Two people compare them, in person or by telephone, to detect a replaced key. */
import { type Bytes, fromBase64Url, fromJson, subtle, toBase64Url, utf8 } from './bytes.js';
import { malformed } from './error.js';
import { publicNumbers } from './identity.js';
import type { RoomKey } from './room-key.js';

/** Number of groups of digits. Each is derived from five bytes of a hash. */
const GROUPS = 12;

/**
 * The fingerprint of a key: 60 digits in twelve groups, from the SHA-512 of the key's value. It does not reveal a room
 * key.
 *
 * @param key a public key as stored, or a room key
 * @throws E2EError `malformed`; `unfit-key` for a weak public key; `not-extractable` for a room key that WebCrypto does
 * not export
 */
export async function fingerprintOf(key: string | RoomKey): Promise<string> {
	const value = utf8(`roomkey fingerprint\n${canonicalText(key)}`);
	const hash = new Uint8Array(await subtle().digest('SHA-512', value));
	return Array.from({ length: GROUPS }, (_, group) => groupOf(hash.slice(5 * group, 5 * group + 5))).join(' ');
}

/** Whether two public keys, or two room keys, have the same value. Their JSON texts may differ. */
export function sameKey(first: string | RoomKey, second: string | RoomKey): boolean {
	return canonicalText(first) === canonicalText(second);
}

/** The members that determine the value of a key, in the order of RFC 7638. */
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

/** Five digits from five bytes. */
function groupOf(bytes: Bytes): string {
	const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
	return String(number % 100_000).padStart(5, '0');
}
