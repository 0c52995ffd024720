/** Wraps private identity keys with a passphrase, for storage (`test/contract/rocketchat-e2e.md` section 13). */
import {
	type Bytes,
	concat,
	decrypt,
	type Encrypted,
	encrypt,
	fromBase64,
	fromJson,
	isObject,
	type Key,
	requireWebCrypto,
	subtle,
	toBase64,
	toJwkText,
	utf8,
} from './bytes.js';
import { E2EError, malformed, orMalformed, requireOptions } from './error.js';
import { type Format, requireFormat } from './formats.js';
import { type Identity, importPrivateKey, publicKeyText, publicNumbers, requirePrivateKey } from './identity.js';
import { checkPassphrase, encodings } from './passphrase.js';

/** Number of PBKDF2 rounds of every v1 key. */
const V1_ROUNDS = 1000;

/** Number of PBKDF2 rounds of a new v2 key, as OWASP recommends for SHA-256. The number is stored with the key. */
const DEFAULT_ROUNDS = 600_000;
const MIN_ROUNDS = 1000;

/** A larger number from a malicious server would keep a client busy. */
const MAX_ROUNDS = 10_000_000;

const AES_BY_VERSION = { v1: 'AES-CBC', v2: 'AES-GCM' };

/** How a private key is stored. The format `legacy` stores it in the same way as `v1`. */
type Version = 'v1' | 'v2';

export interface WrapOptions {
	/** Rounds of PBKDF2 for a v2 key, 1,000 to 10,000,000. Default 600,000. A v1 key always has 1,000. */
	readonly rounds?: number;
	/** Accepts a passphrase that Rocket.Chat's clients convert to different bytes. */
	readonly allowAmbiguous?: boolean;
}

/** The identity keys of a user, as in `e2e.fetchMyKeys` and `e2e.setUserPublicAndPrivateKeys`. */
export interface StoredKeys {
	readonly public_key: string;
	readonly private_key: string;
}

/**
 * Wraps a private key for storage, as `private_key` of `e2e.setUserPublicAndPrivateKeys`.
 *
 * @param userId id of the owner, a part of the salt
 * @param format a format that all clients of the owner read, see `formatFor`
 * @throws E2EError `empty-passphrase`, `ambiguous-passphrase`, `missing-user-id`, `unknown-format`, `bad-option`,
 * `not-extractable`; `malformed` for another kind of key
 */
export async function wrapPrivateKey(
	privateKey: Key,
	passphrase: string,
	userId: string,
	format: Format = 'v2',
	options: WrapOptions = {},
): Promise<string> {
	const wrap = createWrapper(passphrase, userId, format, options);
	requirePrivateKey(privateKey);
	return wrap(await toJwkText(privateKey, 'The private key'));
}

export interface UnwrapOptions {
	/** Whether WebCrypto may export the key, for example to wrap it again. Default true. */
	readonly extractable?: boolean;
}

/**
 * Unwraps a stored private key of any format.
 *
 * @param userId id of the owner, needed for a v1 key
 * @throws E2EError `malformed`; `wrong-passphrase`; `missing-user-id` for a v1 key without `userId`
 */
export async function unwrapPrivateKey(
	stored: string,
	passphrase: string,
	userId: string,
	options: UnwrapOptions = {},
): Promise<Key> {
	return (await unwrapIdentity(stored, passphrase, userId, options)).privateKey;
}

/**
 * Unwraps a stored private key and returns it with its public key. This also works if `extractable` is false, unlike
 * `publicKeyOf`.
 */
export async function unwrapIdentity(
	stored: string,
	passphrase: string,
	userId: string,
	options: UnwrapOptions = {},
): Promise<Identity> {
	const { extractable = true } = requireOptions(options);
	const { jwk } = await unwrap(stored, passphrase, userId);
	return { publicKey: publicKeyText(jwk), privateKey: await importPrivateKey(jwk, extractable) };
}

/**
 * Wraps the private key with a different passphrase, for `e2e.setUserPublicAndPrivateKeys` with `force`. The public key
 * stays the same.
 *
 * @param format default: the format of the stored key
 * @throws E2EError as `unwrapPrivateKey` and `wrapPrivateKey` do; `wrong-key` if the two keys are not a pair
 */
export async function changePassphrase(
	keys: StoredKeys,
	presentPassphrase: string,
	newPassphrase: string,
	userId: string,
	format?: Format,
	options: WrapOptions = {},
): Promise<StoredKeys> {
	if (!isObject(keys)) throw malformed('The stored keys');
	const { public_key, private_key } = keys;
	const wrap = createWrapper(newPassphrase, userId, format ?? parseWrapped(private_key, userId).version, options);
	const { jwk, text } = await unwrap(private_key, presentPassphrase, userId);
	const stated = publicNumbers(public_key);
	const actual = publicNumbers(publicKeyText(jwk));
	if (stated.n !== actual.n || stated.e !== actual.e) {
		throw new E2EError('wrong-key', 'The public key does not belong to the private key');
	}
	// Throws for an invalid private key.
	await importPrivateKey(jwk, false);
	return { public_key, private_key: await wrap(text) };
}

/** Wraps a stored private key again in v2, for users whose clients all read v2. */
export async function upgradePrivateKey(
	stored: string,
	passphrase: string,
	userId: string,
	options: WrapOptions = {},
): Promise<string> {
	const wrap = createWrapper(passphrase, userId, 'v2', options);
	const { jwk, text } = await unwrap(stored, passphrase, userId);
	// Throws for an invalid private key.
	await importPrivateKey(jwk, false);
	return wrap(text);
}

/** Checks the options. The returned function wraps the text of a key. */
function createWrapper(passphrase: string, userId: string, format: Format, options: WrapOptions) {
	requireWebCrypto();
	const { rounds, allowAmbiguous } = requireOptions(options);
	const version: Version = requireFormat(format) === 'v2' ? 'v2' : 'v1';
	checkPassphrase(passphrase, allowAmbiguous);
	requireUserId(userId);
	const iterations = rounds ?? (version === 'v1' ? V1_ROUNDS : DEFAULT_ROUNDS);
	const isInRange = Number.isInteger(iterations) && iterations >= MIN_ROUNDS && iterations <= MAX_ROUNDS;
	const isWrongForV1 = version === 'v1' && iterations !== V1_ROUNDS;
	if (!isInRange || isWrongForV1) {
		throw new E2EError('bad-option', 'The rounds are 1,000 to 10,000,000, and for a v1 key always 1,000');
	}
	return async (text: string): Promise<string> => {
		const salt = version === 'v1' ? userId : `v2:${userId}:${crypto.randomUUID()}`;
		const [encoded] = encodings(passphrase);
		const { iv, data } = await encrypt(await deriveKey(encoded, salt, iterations, version), utf8(text));
		if (version === 'v1') return JSON.stringify({ $binary: toBase64(concat([iv, data])) });
		return JSON.stringify({ iv: toBase64(iv), ciphertext: toBase64(data), salt, iterations });
	};
}

async function unwrap(stored: string, passphrase: string, userId: string) {
	requireWebCrypto();
	const { salt, iterations, version, ...encrypted } = parseWrapped(stored, userId);
	if (typeof passphrase !== 'string') throw malformed('The passphrase');
	for (const encoded of encodings(passphrase)) {
		const text = await decrypt(await deriveKey(encoded, salt, iterations, version), encrypted);
		const jwk = fromJson(text);
		if (jwk && text !== undefined) return { jwk, text };
	}
	throw new E2EError('wrong-passphrase', 'The private key cannot be decrypted with this passphrase');
}

function requireUserId(userId: unknown): void {
	if (typeof userId !== 'string' || userId === '') {
		throw new E2EError('missing-user-id', 'The user id of the owner is part of the salt, and is missing');
	}
}

interface WrappedKey extends Encrypted {
	readonly salt: string;
	readonly iterations: number;
	readonly version: Version;
}

/** @throws E2EError `malformed`; for a v1 key also `missing-user-id` */
function parseWrapped(stored: string, userId: string): WrappedKey {
	const json = fromJson(stored);
	if (json && '$binary' in json) {
		const bytes = fromBase64(json.$binary, 'The wrapped private key');
		// The IV and at least one block, of 16 bytes each.
		if (bytes.length < 32 || bytes.length % 16 !== 0) throw malformed('The wrapped private key');
		requireUserId(userId);
		return { iv: bytes.slice(0, 16), data: bytes.slice(16), salt: userId, iterations: V1_ROUNDS, version: 'v1' };
	}
	const { salt, iterations } = json ?? {};
	// A stored key may have fewer rounds than a new one.
	const isInRange = Number.isInteger(iterations) && Number(iterations) >= 1 && Number(iterations) <= MAX_ROUNDS;
	if (typeof salt !== 'string' || !isInRange) throw malformed('The wrapped private key');
	const iv = fromBase64(json?.iv, 'The wrapped private key');
	const data = fromBase64(json?.ciphertext, 'The wrapped private key');
	// The authentication tag has 16 bytes.
	if (iv.length !== 12 || data.length < 17) throw malformed('The wrapped private key');
	return { iv, data, salt, iterations: Number(iterations), version: 'v2' };
}

async function deriveKey(passphrase: Bytes, salt: string, iterations: number, version: Version): Promise<Key> {
	const webCrypto = subtle();
	return orMalformed('The passphrase', async () => {
		const base = await webCrypto.importKey('raw', passphrase, 'PBKDF2', false, ['deriveKey']);
		const pbkdf2 = { name: 'PBKDF2', hash: 'SHA-256', salt: utf8(salt), iterations };
		const aes = { name: AES_BY_VERSION[version], length: 256 };
		return webCrypto.deriveKey(pbkdf2, base, aes, false, ['encrypt', 'decrypt']);
	});
}
