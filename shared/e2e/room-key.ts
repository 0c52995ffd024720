/** Room keys: one for all members of a room, sealed for each of them (`test/contract/rocketchat-e2e.md` section 13). */
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
import { E2EError, malformed, orThrow } from './error.js';
import { type Format, requireFormat } from './formats.js';
import { importPublicKey } from './identity.js';

/** Characters of 256 bytes in base64: a sealed key ends in so many, and its id is what stands before them. */
const SEALED_LENGTH = 344;

/** Length of a key id in v1 and legacy. */
const SHORT_ID_LENGTH = 12;

/** The form of v1 key ids. Those of legacy are base64 and begin with `eyJ`, which is no hexadecimal number. */
const HASH_ID = /^[0-9a-f]{12}$/;

const CBC = { name: 'AES-CBC', length: 128 };
const GCM = { name: 'AES-GCM', length: 256 };
const CIPHERS = { A128CBC: { aes: CBC, bytes: 16 }, A256GCM: { aes: GCM, bytes: 32 } };

export interface RoomKey {
	/** `keyID` of `e2e.setRoomKeyID`; no secret. */
	readonly id: string;
	/** JSON text of the JWK as it was made: this text is sealed, and the ids of v1 and legacy are made of it. Secret. */
	readonly jwk: string;
	readonly key: Key;
}

export interface OpenOptions {
	/** Whether the key can be sealed for others. Default true; a client that only reads and writes needs it false. */
	readonly extractable?: boolean;
	/**
	 * Accepts a v1 key id that is not the hash of the key. Default false. A client that asks for it cannot tell a wrong key
	 * that a member offers from the right one.
	 */
	readonly anyId?: boolean;
}

export interface OpenSealedOptions extends OpenOptions {
	/**
	 * The key id of the room (`e2eKeyId`): the key is checked against it, and named by it, in place of the id in the seal. Web
	 * 7 that lost a race for the key id of a room goes on to seal the right key under its own wrong id.
	 */
	readonly keyId?: string;
}

/** A room key that does not show its secret when it is printed or turned into JSON. */
class HeldRoomKey implements RoomKey {
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

/** Makes a key for a room, of the format that the oldest client among its members reads (`formatFor`). */
export async function makeRoomKey(format: Format = 'v2'): Promise<RoomKey> {
	const known = requireFormat(format);
	const key = await subtle().generateKey(known === 'v2' ? GCM : CBC, true, ['encrypt', 'decrypt']);
	const jwk = await toJwkText(key, 'The room key');
	return new HeldRoomKey(await makeId(known, jwk), jwk, key);
}

/**
 * The id of a new key. In v1 the first twelve hexadecimal digits of the SHA-256 of its text. In legacy the first twelve
 * characters of its text in base64: web before 7.0 gives every key it reads this id, whatever the seal says.
 */
async function makeId(format: Format, jwk: string): Promise<string> {
	if (format === 'v2') return crypto.randomUUID();
	if (format === 'v1') return (await sha256Hex(jwk)).slice(0, SHORT_ID_LENGTH);
	return toBase64(latin1(jwk)).slice(0, SHORT_ID_LENGTH);
}

/**
 * A room key from its parts, such as a client kept them. Throws `malformed` for anything but an AES key of section 13, and
 * `key-id-mismatch` for a v1 id that is not the hash of the key.
 */
export async function importRoomKey(id: string, jwk: string, options: OpenOptions = {}): Promise<RoomKey> {
	const webCrypto = subtle();
	const { extractable = true, anyId = false } = options;
	const parsed = fromJson(jwk);
	const alg = parsed?.alg;
	if (typeof id !== 'string' || (alg !== 'A128CBC' && alg !== 'A256GCM')) throw malformed('The room key');
	const { aes, bytes } = CIPHERS[alg];
	const k = parsed?.k;
	if (fromBase64Url(k)?.length !== bytes) throw malformed('The room key');
	if (!anyId && alg === 'A128CBC' && HASH_ID.test(id) && (await makeId('v1', jwk)) !== id) {
		throw new E2EError('key-id-mismatch', 'The key id is not that of this room key');
	}
	const bare = { kty: 'oct', alg, k: String(k) };
	const key = await orThrow(
		() => malformed('The room key'),
		() => webCrypto.importKey('jwk', bare, aes, extractable, ['encrypt', 'decrypt']),
	);
	return new HeldRoomKey(id, extractable ? jwk : undefined, key);
}

/**
 * Seals a room key for one member: `key` of `e2e.updateGroupKey` and `e2e.provideUsersSuggestedGroupKeys`. The id, then
 * 344 characters of base64. Sealing twice gives two different texts.
 *
 * @param publicKey the member's, as stored
 *
 * Throws `malformed` for a text that is no public key, `unfit-key` for one that nothing should be sealed for, and
 * `not-extractable` for a room key that may not leave.
 */
export async function sealRoomKey(roomKey: RoomKey, publicKey: string): Promise<string> {
	const webCrypto = subtle();
	if (typeof roomKey !== 'object' || roomKey === null) throw malformed('The room key');
	const { id, jwk } = roomKey;
	if (typeof id !== 'string' || id === '' || typeof jwk !== 'string') throw malformed('The room key');
	const member = await importPublicKey(publicKey);
	const sealed = await orThrow(
		() => malformed('The room key'),
		() => webCrypto.encrypt({ name: 'RSA-OAEP' }, member, utf8(jwk)),
	);
	// With a key of another length nobody could tell where the id ends.
	if (sealed.byteLength !== 256) throw new E2EError('unfit-key', 'A room key is sealed for keys of 2048 bits only');
	return id + toBase64(new Uint8Array(sealed));
}

/** The id of a sealed key, which stands before it in the clear. Throws `malformed`. */
export function sealedKeyId(sealed: string): string {
	return split(sealed).id;
}

/**
 * Opens a sealed room key (`E2EKey`, `E2ESuggestedKey`, or the `E2EKey` of one of `oldRoomKeys`). Throws `malformed`,
 * `wrong-key` if it was sealed for another than this private key, and `key-id-mismatch`.
 */
export async function openRoomKey(sealed: string, privateKey: Key, options: OpenSealedOptions = {}): Promise<RoomKey> {
	const webCrypto = subtle();
	const { id, data } = split(sealed);
	const jwk = await orThrow(
		() => new E2EError('wrong-key', 'The room key is not sealed for this private key'),
		async () => fromUtf8(await webCrypto.decrypt({ name: 'RSA-OAEP' }, privateKey, data)),
	);
	if (jwk === undefined) throw malformed('The room key');
	return importRoomKey(options.keyId ?? id, jwk, options);
}

function split(sealed: string) {
	// Ids have any length (twelve characters, 36, others): count from the end.
	if (typeof sealed !== 'string' || sealed.length <= SEALED_LENGTH) throw malformed('The sealed room key');
	const data = fromBase64(sealed.slice(-SEALED_LENGTH), 'The sealed room key');
	if (data.length !== 256) throw malformed('The sealed room key');
	return { id: sealed.slice(0, -SEALED_LENGTH), data };
}

/** Whether texts of v1 and legacy can name this key: an AES-128-CBC key whose id has twelve characters. */
export const hasShortId = (roomKey: RoomKey): boolean =>
	roomKey?.key?.algorithm?.name === 'AES-CBC' && roomKey.id?.length === SHORT_ID_LENGTH;
