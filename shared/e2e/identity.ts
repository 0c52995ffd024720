/**
 * Identity keys: the pair a user has. Everybody may see the public half; the private half is stored under a passphrase that
 * only the user knows (`wrapping.ts`; `test/contract/rocketchat-e2e.md` section 13).
 */
import { fromBase64Url, fromJson, type Key, subtle, toJwk, toJwkText } from './bytes.js';
import { E2EError, malformed, orThrow } from './error.js';
import { type Format, requireFormat } from './formats.js';

const RSA = { name: 'RSA-OAEP', hash: 'SHA-256' };

const PUBLIC_MEMBERS = ['n', 'e'];
const PRIVATE_MEMBERS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];

/** Sizes of a modulus in bits: a shorter one can be broken, a longer one keeps the machine that uses it busy. */
const MIN_BITS = 2048;
const MAX_BITS = 16_384;

/** The least public exponent. Small ones have made attacks possible; 65537 is what every client takes. */
const MIN_EXPONENT = 65_537n;
const MAX_EXPONENT_BYTES = 8;

export interface Identity {
	/** JSON text of a JWK: `public_key` of `e2e.setUserPublicAndPrivateKeys`. */
	readonly publicKey: string;
	/** Never leaves the client; `wrapPrivateKey` makes of it what may be stored. */
	readonly privateKey: Key;
}

/** What makes an RSA public key the key it is, without the spelling of its JSON. */
export interface PublicNumbers {
	readonly n: bigint;
	readonly e: bigint;
}

/**
 * Makes a pair of RSA-OAEP-256 keys of 2048 bits.
 *
 * @param format the pair is the same in all formats; a format that is none throws `unknown-format` here already
 */
export async function makeIdentity(format: Format = 'v2'): Promise<Identity> {
	requireFormat(format);
	const size = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
	const pair = await subtle().generateKey({ ...RSA, ...size }, true, ['encrypt', 'decrypt']);
	return { publicKey: await toJwkText(pair.publicKey, 'The public key'), privateKey: pair.privateKey };
}

/**
 * The public key that belongs to a private one: a client that unwrapped the private key need not believe the server about
 * the public one. Throws `not-extractable`; `unwrapIdentity` gives both halves of a key that may not leave.
 */
export async function publicKeyOf(privateKey: Key): Promise<string> {
	return publicKeyText(await toJwk(privateKey, 'The private key'));
}

/** The text of the public key with the numbers of this JWK. */
export function publicKeyText({ n, e }: Record<string, unknown>): string {
	return JSON.stringify({ alg: 'RSA-OAEP-256', e, ext: true, key_ops: ['encrypt'], kty: 'RSA', n });
}

/**
 * Reads a stored public key. Throws `malformed` for anything but the JSON text of an RSA JWK, and `unfit-key` for a key that
 * nothing should be sealed for: fewer than 2048 bits, or an exponent that is even or below 65537.
 */
export async function importPublicKey(publicKey: string): Promise<Key> {
	subtle();
	const jwk = fromJson(publicKey);
	publicNumbers(publicKey);
	return importRsa(jwk, PUBLIC_MEMBERS, 'encrypt', true, () => unfit('WebCrypto here does not take it'));
}

/** Imports the private key in a JWK. */
export async function importPrivateKey(jwk: Record<string, unknown>, extractable: boolean): Promise<Key> {
	return importRsa(jwk, PRIVATE_MEMBERS, 'decrypt', extractable, () => malformed('The private key'));
}

/** The numbers of a public key text. Throws `malformed` and `unfit-key` as `importPublicKey` does. */
export function publicNumbers(publicKey: string): PublicNumbers {
	const jwk = fromJson(publicKey);
	const [n, e] = [numberIn(jwk?.n), numberIn(jwk?.e)];
	if (jwk?.kty !== 'RSA' || n === undefined || e === undefined) throw malformed('The public key');
	const bits = n.toString(2).length;
	if (bits < MIN_BITS || bits > MAX_BITS) throw unfit(`its modulus has not ${MIN_BITS} to ${MAX_BITS} bits`);
	if (n % 2n === 0n) throw unfit('its modulus is even');
	const tooLong = e >= 1n << BigInt(8 * MAX_EXPONENT_BYTES);
	if (e < MIN_EXPONENT || e % 2n === 0n || tooLong) throw unfit('its exponent is not an odd one from 65537 on');
	return { n, e };
}

const unfit = (why: string) => new E2EError('unfit-key', `The public key cannot be used: ${why}`);

function numberIn(text: unknown): bigint | undefined {
	const bytes = fromBase64Url(text);
	// No number of a key that is accepted takes so many bytes: a longer one is not worth the conversion.
	if (!bytes || bytes.length > MAX_BITS) return undefined;
	return BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`);
}

/** Imports of a JWK the numbers alone: about the rest, such as the uses, clients differ. */
async function importRsa(
	jwk: Record<string, unknown> | undefined,
	members: readonly string[],
	use: 'encrypt' | 'decrypt',
	extractable: boolean,
	error: () => E2EError,
): Promise<Key> {
	const key = members.map((name) => [name, jwk?.[name]]);
	// Not every runtime refuses a key in which a number is missing.
	if (jwk?.kty !== 'RSA' || !key.every(([, number]) => fromBase64Url(number))) throw malformed('The private key');
	const crypto = subtle();
	const bare = { kty: 'RSA', ...Object.fromEntries(key) };
	return orThrow(error, () => crypto.importKey('jwk', bare, RSA, extractable, [use]));
}
