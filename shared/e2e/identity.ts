/**
 * Identity keys: the RSA key pair of a user. The private key is stored encrypted with a passphrase that only the user
 * knows (`wrapping.ts`, `test/contract/rocketchat-e2e.md` section 13).
 */
import { fromBase64Url, fromJson, type Key, requireWebCrypto, subtle, toHex, toJwk, toJwkText } from './bytes.js';
import { E2EError, malformed, orThrow } from './error.js';
import { type Format, requireFormat } from './formats.js';

const RSA = { name: 'RSA-OAEP', hash: 'SHA-256' };

const PUBLIC_MEMBERS = ['n', 'e'];
const PRIVATE_MEMBERS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];

/**
 * Limits of a modulus in bits. A shorter one is weak, a longer one is slow. A room key is only sealed for 2048 bits
 * (`room-key.ts`). Longer keys are accepted elsewhere, for example for a fingerprint.
 */
const MIN_BITS = 2048;
const MAX_BITS = 16_384;

/** Limits of a public exponent: smaller ones have made attacks possible, larger ones are slow. Clients use 65537. */
const MIN_EXPONENT = 65_537n;
const MAX_EXPONENT_BYTES = 8;

/** Maximum length of a number in a JWK. Longer ones take too long to convert. */
const MAX_NUMBER_BYTES = 16_384;

export interface Identity {
	/** JSON text of a JWK: `public_key` of `e2e.setUserPublicAndPrivateKeys`. */
	readonly publicKey: string;
	/** Never send it: `wrapPrivateKey` encrypts it for storage. */
	readonly privateKey: Key;
}

export interface PublicNumbers {
	readonly n: bigint;
	readonly e: bigint;
}

/**
 * Makes a pair of RSA-OAEP-256 keys of 2048 bits.
 *
 * @param format only checked: the pair is the same in all formats
 * @throws E2EError `unknown-format`
 */
export async function makeIdentity(format: Format = 'v2'): Promise<Identity> {
	requireFormat(format);
	// The exponent is 65537.
	const size = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
	const pair = await subtle().generateKey({ ...RSA, ...size }, true, ['encrypt', 'decrypt']);
	return { publicKey: await toJwkText(pair.publicKey, 'The public key'), privateKey: pair.privateKey };
}

/**
 * The public key of a private key, so that a client does not have to trust the server's copy.
 * @throws E2EError `malformed` for another kind of key; `not-extractable` if WebCrypto does not export the key. In that
 * case `unwrapIdentity` (`wrapping.ts`) can return the public key, from the stored private key and the passphrase
 */
export async function publicKeyOf(privateKey: Key): Promise<string> {
	requirePrivateKey(privateKey);
	return publicKeyText(await toJwk(privateKey, 'The private key'));
}

/** The JSON text of the public key with these numbers. */
export function publicKeyText({ n, e }: Record<string, unknown>): string {
	return JSON.stringify({ alg: 'RSA-OAEP-256', e, ext: true, key_ops: ['encrypt'], kty: 'RSA', n });
}

/**
 * Imports a stored public key.
 * @throws E2EError `malformed` if it is not the JSON text of an RSA JWK; `unfit-key` if `publicNumbers` does not
 * accept its numbers, or WebCrypto refuses it
 */
export async function importPublicKey(publicKey: string): Promise<Key> {
	requireWebCrypto();
	// Throws for numbers that are not accepted.
	publicNumbers(publicKey);
	return importRsa(fromJson(publicKey), PUBLIC_MEMBERS, 'encrypt', true, () => unfit('WebCrypto refuses it'));
}

/** @throws E2EError `malformed` for any key but the private one of an identity */
export function requirePrivateKey(key: Key): void {
	requireWebCrypto();
	const { name, hash }: { name?: string; hash?: { name?: string } } = key?.algorithm ?? {};
	const isIdentity = key?.type === 'private' && name === RSA.name && hash?.name === RSA.hash;
	if (!isIdentity || !key.usages?.includes('decrypt')) throw malformed('The private key');
}

export async function importPrivateKey(jwk: Record<string, unknown>, extractable: boolean): Promise<Key> {
	return importRsa(jwk, PRIVATE_MEMBERS, 'decrypt', extractable, () => malformed('The private key'));
}

/**
 * The numbers of a public key text.
 * @throws E2EError `malformed` for another text; `unfit-key` beyond the limits above, or for an even number
 */
export function publicNumbers(publicKey: string): PublicNumbers {
	const jwk = fromJson(publicKey);
	const [n, e] = [numberIn(jwk?.n), numberIn(jwk?.e)];
	if (jwk?.kty !== 'RSA' || n === undefined || e === undefined) throw malformed('The public key');
	const bits = n.toString(2).length;
	if (bits < MIN_BITS || bits > MAX_BITS) throw unfit(`its modulus must have ${MIN_BITS} to ${MAX_BITS} bits`);
	if (n % 2n === 0n) throw unfit('its modulus is even');
	const isTooLong = e >= 1n << BigInt(8 * MAX_EXPONENT_BYTES);
	if (e < MIN_EXPONENT || e % 2n === 0n || isTooLong) throw unfit('its exponent must be odd and at least 65537');
	return { n, e };
}

const unfit = (why: string) => new E2EError('unfit-key', `The public key cannot be used: ${why}`);

function numberIn(text: unknown): bigint | undefined {
	const bytes = fromBase64Url(text);
	if (!bytes || bytes.length > MAX_NUMBER_BYTES) return undefined;
	return BigInt(`0x${toHex(bytes)}`);
}

/** Imports only the numbers of a JWK. Other members, such as `key_ops`, differ between clients. */
async function importRsa(
	jwk: Record<string, unknown> | undefined,
	members: readonly string[],
	use: 'encrypt' | 'decrypt',
	extractable: boolean,
	error: () => E2EError,
): Promise<Key> {
	// Some runtimes accept a key with missing numbers. Only a private key can lack them here: public keys are checked
	// before.
	const hasAllNumbers = members.every((name) => fromBase64Url(jwk?.[name]));
	if (jwk?.kty !== 'RSA' || !hasAllNumbers) throw malformed('The private key');
	const webCrypto = subtle();
	const numbers = { kty: 'RSA', ...Object.fromEntries(members.map((name) => [name, jwk[name]])) };
	return orThrow(error, () => webCrypto.importKey('jwk', numbers, RSA, extractable, [use]));
}
