/**
 * Identity keys: the pair a person has, the public half for all to see, the private half stored under a passphrase that
 * only the person knows (`test/contract/rocketchat-e2e.md` section 13).
 */
import {
	type Box,
	type Bytes,
	fromBase64,
	fromJson,
	type Key,
	latin1,
	lock,
	subtle,
	toBase64,
	toJwkText,
	unlock,
	utf8,
} from './bytes.js';
import { E2EError, malformed } from './error.js';

const RSA = { name: 'RSA-OAEP', hash: 'SHA-256' };

/** Rounds of PBKDF2 a v1 key always has, and a new v2 key gets. */
const ROUNDS = { v1: 1000, v2: 100_000 };

/** More rounds than these are refused: whoever stores the key must not be able to keep its owner's machine busy. */
const MOST_ROUNDS = 10_000_000;

const AES_OF = { v1: 'AES-CBC', v2: 'AES-GCM' };

const PRIVATE_MEMBERS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];
const BASE64_URL = /^[\w-]+$/;

/** The forms of Rocket.Chat: `v1` that of all its clients, `v2` that of those since 2025. */
export type Format = 'v1' | 'v2';

export interface Identity {
	/** JSON text of a JWK: `public_key` of `e2e.setUserPublicAndPrivateKeys` as it is. */
	readonly publicKey: string;
	/** Never leaves the client; `wrapPrivateKey` makes of it what may be stored. */
	readonly privateKey: Key;
}

/** Makes a pair of RSA-OAEP-256 keys of 2048 bits. */
export async function makeIdentity(): Promise<Identity> {
	const size = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
	const pair = await subtle().generateKey({ ...RSA, ...size }, true, ['encrypt', 'decrypt']);
	return { publicKey: await toJwkText(pair.publicKey), privateKey: pair.privateKey };
}

/**
 * The public key that belongs to a private one. Who has unwrapped the private key need not believe the server about the
 * public one.
 */
export async function publicKeyOf(privateKey: Key): Promise<string> {
	const { n, e } = await subtle().exportKey('jwk', privateKey);
	const jwk = { alg: 'RSA-OAEP-256', e, ext: true, key_ops: ['encrypt'], kty: 'RSA', n };
	return JSON.stringify(jwk);
}

/** Reads a stored public key. Throws `malformed` for anything but the JSON text of an RSA JWK. */
export async function importPublicKey(publicKey: string): Promise<Key> {
	return importRsa(fromJson(publicKey), ['n', 'e'], 'encrypt', 'The public key');
}

/**
 * Wraps a private key for storage, as `private_key` of `e2e.setUserPublicAndPrivateKeys`.
 *
 * @param userId the owner's: part of the salt
 * @param format `v1` only for clients older than 2025
 */
export async function wrapPrivateKey(
	privateKey: Key,
	passphrase: string,
	userId: string,
	format: Format = 'v2',
): Promise<string> {
	const salt = format === 'v1' ? userId : `v2:${userId}:${crypto.randomUUID()}`;
	const iterations = ROUNDS[format];
	const [encoded = utf8(passphrase)] = encodings(passphrase);
	const { iv, data } = await lock(await derive(encoded, salt, iterations, format), utf8(await toJwkText(privateKey)));
	if (format === 'v1') return JSON.stringify({ $binary: toBase64(Uint8Array.of(...iv, ...data)) });
	return JSON.stringify({ iv: toBase64(iv), ciphertext: toBase64(data), salt, iterations });
}

/**
 * Unwraps a stored private key of either form. Throws `malformed` for anything that is neither, and `wrong-passphrase`.
 *
 * @param userId the owner's
 */
export async function unwrapPrivateKey(stored: string, passphrase: string, userId: string): Promise<Key> {
	const { box, salt, iterations, format } = readWrapped(stored, userId);
	for (const encoded of encodings(passphrase)) {
		const opened = await unlock(await derive(encoded, salt, iterations, format), box);
		if (opened) return importRsa(opened, PRIVATE_MEMBERS, 'decrypt', 'The private key');
	}
	throw new E2EError('wrong-passphrase', 'The private key does not open with this passphrase');
}

/** Imports of a JWK what makes the key; what else it says, such as of its uses, clients say differently. */
async function importRsa(
	jwk: Record<string, unknown> | undefined,
	members: readonly string[],
	use: 'encrypt' | 'decrypt',
	what: string,
): Promise<Key> {
	const key = members.map((name) => [name, jwk?.[name]]);
	// Not every runtime minds a number that is missing.
	if (jwk?.kty !== 'RSA' || !key.every(([, number]) => BASE64_URL.test(String(number ?? '')))) throw malformed(what);
	try {
		return await subtle().importKey('jwk', { kty: 'RSA', ...Object.fromEntries(key) }, RSA, true, [use]);
	} catch {
		throw malformed(what);
	}
}

function readWrapped(stored: string, userId: string): { box: Box; salt: string; iterations: number; format: Format } {
	const json = fromJson(stored);
	if (json && '$binary' in json) {
		const bytes = fromBase64(json.$binary, 'The wrapped private key');
		// An IV and at least one block, all in whole blocks: anything else is cut off, whatever the passphrase.
		if (bytes.length < 32 || bytes.length % 16 !== 0) throw malformed('The wrapped private key');
		const box = { iv: bytes.slice(0, 16), data: bytes.slice(16) };
		return { box, salt: userId, iterations: ROUNDS.v1, format: 'v1' };
	}
	const { salt, iterations } = json ?? {};
	const countable = Number.isInteger(iterations) && Number(iterations) >= 1 && Number(iterations) <= MOST_ROUNDS;
	if (typeof salt !== 'string' || !countable) throw malformed('The wrapped private key');
	const iv = fromBase64(json?.iv, 'The wrapped private key');
	const data = fromBase64(json?.ciphertext, 'The wrapped private key');
	// The tag at the end alone is 16 bytes.
	if (iv.length !== 12 || data.length < 17) throw malformed('The wrapped private key');
	return { box: { iv, data }, salt, iterations: Number(iterations), format: 'v2' };
}

async function derive(passphrase: Bytes, salt: string, iterations: number, format: Format): Promise<Key> {
	const base = await subtle().importKey('raw', passphrase, 'PBKDF2', false, ['deriveKey']);
	const pbkdf2 = { name: 'PBKDF2', hash: 'SHA-256', salt: utf8(salt), iterations };
	return subtle().deriveKey(pbkdf2, base, { name: AES_OF[format], length: 256 }, false, ['encrypt', 'decrypt']);
}

/**
 * The bytes a passphrase may stand for. Rocket.Chat's web client takes a byte a character and cannot have more, its
 * mobile one UTF-8. They are the same as long as the passphrase is ASCII, as generated ones are.
 */
function encodings(passphrase: string): Bytes[] {
	const widest = Math.max(0, ...Array.from(passphrase, (character) => character.codePointAt(0) ?? 0));
	if (widest < 0x80 || widest > 0xff) return [utf8(passphrase)];
	return [latin1(passphrase), utf8(passphrase)];
}
