/**
 * Room keys. All members of a room share one key, which is sealed for each member (`test/contract/rocketchat-e2e.md`
 * section 13).
 */
import {
	fromBase64,
	fromBase64Url,
	fromJson,
	fromUtf8,
	type Key,
	latin1,
	sha256Hex,
	subtle,
	toBase64,
	toJwkText,
	utf8,
} from './bytes.js';
import { E2EError, malformed, orMalformed, orThrow, requireOptions } from './error.js';
import { type Format, requireFormat } from './formats.js';
import { importPublicKey, requirePrivateKey } from './identity.js';

/** Length of an RSA ciphertext of 2048 bits, in bytes. */
const CIPHERTEXT_BYTES = 256;

/** Length of these bytes in base64. A sealed key ends with them, after the key id. */
const SEALED_LENGTH = 344;

/** Length of a key id in v1 and legacy. */
const SHORT_ID_LENGTH = 12;

/** A v1 key id. Legacy ids do not match, because they begin with `eyJ`. */
const HASH_ID = /^[0-9a-f]{12}$/;

const CBC = { name: 'AES-CBC', length: 128 };
const GCM = { name: 'AES-GCM', length: 256 };
const CIPHERS = { A128CBC: { aes: CBC, keyBytes: 16 }, A256GCM: { aes: GCM, keyBytes: 32 } };

/** A room key with its id. */
export interface RoomKey {
	/** `keyID` of `e2e.setRoomKeyID`; not secret. */
	readonly id: string;
	/**
	 * The JWK as text: it is sealed, and the ids of v1 and legacy are derived from it. Secret.
	 * @throws E2EError `not-extractable` if WebCrypto does not export the key
	 */
	readonly jwk: string;
	readonly key: Key;
}

export interface OpenOptions {
	/**
	 * Whether the key can be exported and sealed for others. False is safer for a client that does not seal. Default
	 * true.
	 */
	readonly extractable?: boolean;
	/** Accepts a v1 key id that is not the hash of the key, so a wrong key is not detected. Default false. */
	readonly anyId?: boolean;
}

export interface OpenSealedOptions extends OpenOptions {
	/**
	 * The key id of the room (`e2eKeyId`), used instead of the id in the sealed key. A Rocket.Chat 7 web client that
	 * lost a race for this id seals the right key with another id.
	 */
	readonly keyId?: string;
}

/** Hides the key when printed or converted to JSON. */
class OpaqueRoomKey implements RoomKey {
	readonly #jwk: string | undefined;

	constructor(
		readonly id: string,
		jwk: string | undefined,
		readonly key: Key,
	) {
		this.#jwk = jwk;
	}

	get jwk(): string {
		if (this.#jwk === undefined) throw new E2EError('not-extractable', 'The room key may not leave WebCrypto');
		return this.#jwk;
	}

	toJSON(): { id: string } {
		return { id: this.id };
	}
}

/** Makes a room key. @param format a format that the clients of all members read, see `formatFor` */
export async function makeRoomKey(format: Format = 'v2'): Promise<RoomKey> {
	const validFormat = requireFormat(format);
	const key = await subtle().generateKey(validFormat === 'v2' ? GCM : CBC, true, ['encrypt', 'decrypt']);
	const jwk = await toJwkText(key, 'The room key');
	return new OpaqueRoomKey(await makeId(validFormat, jwk), jwk, key);
}

/** The id of a new key. Rocket.Chat's web client before 7.0 always uses the legacy id, not the id in the sealed key. */
async function makeId(format: Format, jwk: string): Promise<string> {
	if (format === 'v2') return crypto.randomUUID();
	if (format === 'v1') return (await sha256Hex(jwk)).slice(0, SHORT_ID_LENGTH);
	return toBase64(latin1(jwk)).slice(0, SHORT_ID_LENGTH);
}

/**
 * Makes a room key from its stored id and JWK.
 * @throws E2EError `malformed`; `key-id-mismatch` for a v1 id that is not the hash of the key
 */
export async function importRoomKey(id: string, jwk: string, options: OpenOptions = {}): Promise<RoomKey> {
	const webCrypto = subtle();
	const { extractable = true, anyId = false } = requireOptions(options);
	const { alg, k } = parseJwk(jwk);
	if (typeof id !== 'string') throw malformed('The room key');
	if (!anyId && alg === 'A128CBC' && HASH_ID.test(id) && (await makeId('v1', jwk)) !== id) {
		throw new E2EError('key-id-mismatch', 'The key id is not that of this room key');
	}
	const members = { kty: 'oct', alg, k };
	const key = await orMalformed('The room key', () =>
		webCrypto.importKey('jwk', members, CIPHERS[alg].aes, extractable, ['encrypt', 'decrypt']),
	);
	return new OpaqueRoomKey(id, extractable ? jwk : undefined, key);
}

/** @throws E2EError `malformed` */
function parseJwk(jwk: string) {
	const { alg, k } = fromJson(jwk) ?? {};
	if (alg !== 'A128CBC' && alg !== 'A256GCM') throw malformed('The room key');
	if (fromBase64Url(k)?.length !== CIPHERS[alg].keyBytes) throw malformed('The room key');
	return { alg, k: String(k) } as const;
}

/**
 * Seals a room key for a member, for `e2e.updateGroupKey` and `e2e.provideUsersSuggestedGroupKeys`. Each call returns a
 * different text.
 *
 * @param publicKey the member's public key, as stored
 * @returns the key id, followed by 344 characters of base64
 * @throws E2EError `malformed`; `not-extractable` if WebCrypto does not export the room key; `unfit-key` for a public
 * key that is weak or not of 2048 bits
 */
export async function sealRoomKey(roomKey: RoomKey, publicKey: string): Promise<string> {
	const webCrypto = subtle();
	if (typeof roomKey !== 'object' || roomKey === null) throw malformed('The room key');
	const { id, jwk } = roomKey;
	if (typeof id !== 'string' || id === '') throw malformed('The room key');
	parseJwk(jwk);
	const member = await importPublicKey(publicKey);
	const sealed = await orMalformed('The room key', () => webCrypto.encrypt({ name: 'RSA-OAEP' }, member, utf8(jwk)));
	// `parseSealed` finds the end of the id by this length.
	if (sealed.byteLength !== CIPHERTEXT_BYTES)
		throw new E2EError('unfit-key', 'A room key can only be sealed for keys of 2048 bits');
	return id + toBase64(new Uint8Array(sealed));
}

/** The key id in a sealed key. This part is not encrypted. @throws E2EError `malformed` */
export function sealedKeyId(sealed: string): string {
	return parseSealed(sealed).id;
}

/**
 * Opens a sealed room key: `E2EKey`, `E2ESuggestedKey`, or the `E2EKey` of one of `oldRoomKeys`.
 * @throws E2EError `malformed`; `key-id-mismatch` as `importRoomKey` does; `wrong-key` if the text was sealed for
 * another private key
 */
export async function openRoomKey(sealed: string, privateKey: Key, options: OpenSealedOptions = {}): Promise<RoomKey> {
	const webCrypto = subtle();
	const { keyId } = requireOptions(options);
	const { id, data } = parseSealed(sealed);
	requirePrivateKey(privateKey);
	const jwk = await orThrow(
		() => new E2EError('wrong-key', 'The room key is not sealed for this private key'),
		async () => fromUtf8(await webCrypto.decrypt({ name: 'RSA-OAEP' }, privateKey, data)),
	);
	if (jwk === undefined) throw malformed('The room key');
	return importRoomKey(keyId ?? id, jwk, options);
}

function parseSealed(sealed: string) {
	// The length of the id varies, but not the length of the rest.
	if (typeof sealed !== 'string' || sealed.length <= SEALED_LENGTH) throw malformed('The sealed room key');
	const data = fromBase64(sealed.slice(-SEALED_LENGTH), 'The sealed room key');
	if (data.length !== CIPHERTEXT_BYTES) throw malformed('The sealed room key');
	return { id: sealed.slice(0, -SEALED_LENGTH), data };
}

/** Whether v1 and legacy can use this key. */
export const fitsV1 = (roomKey: RoomKey): boolean =>
	roomKey?.key?.algorithm?.name === 'AES-CBC' && roomKey.id?.length === SHORT_ID_LENGTH;
