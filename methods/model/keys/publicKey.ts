/**
 * Checks of public identity keys. Clients can seal (encrypt) room keys only with a public key that is the JSON text of
 * an RSA JWK (`test/contract/rocketchat-e2e.md` 13).
 */
import { isObject } from '../../../shared/isObject.js';

/** Length of the RSA modulus, in bits. Sealed room keys contain a ciphertext of exactly this length. */
const BITS = 2048;

/** Minimum RSA exponent: smaller ones have made attacks possible. */
const MIN_EXPONENT = 65_537n;

/** Limit of the RSA exponent: some clients refuse one of more than 8 bytes. */
const EXPONENT_LIMIT = 1n << 64n;

type Jwk = Readonly<Record<string, unknown>>;

function readObject(text: string): Jwk | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return isObject(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

function readNumber(value: unknown): bigint | undefined {
	// A length of 4n + 1 characters is not possible.
	if (typeof value !== 'string' || !/^[A-Za-z0-9_-]+$/.test(value) || value.length % 4 === 1) return undefined;
	return BigInt(`0x${Buffer.from(value, 'base64url').toString('hex')}`);
}

/** Whether room keys can be sealed with this public key. False for a text that contains a private key (`d`). */
export function isFitPublicKey(text: string | null | undefined): boolean {
	const jwk = typeof text === 'string' ? readObject(text) : undefined;
	if (jwk?.kty !== 'RSA' || jwk.d !== undefined) return false;
	const modulus = readNumber(jwk.n);
	const exponent = readNumber(jwk.e);
	if (modulus === undefined || exponent === undefined) return false;
	const isModulusValid = modulus >> BigInt(BITS - 1) === 1n && modulus % 2n === 1n;
	const isExponentValid = exponent >= MIN_EXPONENT && exponent < EXPONENT_LIMIT && exponent % 2n === 1n;
	if (!isModulusValid || !isExponentValid) return false;
	const { key_ops: operations = ['encrypt'], alg = 'RSA-OAEP-256', use = 'enc' } = jwk;
	return Array.isArray(operations) && operations.includes('encrypt') && alg === 'RSA-OAEP-256' && use === 'enc';
}

/** Whether two texts are the same public key. RSA JWKs are compared by `kty`, `n` and `e`. */
export function isSamePublicKey(first: string | undefined, second: string | undefined): boolean {
	if (first === second) return true;
	const firstJwk = readObject(first ?? '');
	const secondJwk = readObject(second ?? '');
	if (firstJwk?.kty !== 'RSA' || secondJwk?.kty !== 'RSA') return false;
	return ['n', 'e'].every((field) => typeof firstJwk[field] === 'string' && firstJwk[field] === secondJwk[field]);
}
