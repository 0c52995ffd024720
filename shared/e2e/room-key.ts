/** Room keys: one for all who are in a room, sealed for each of them by itself (`test/contract/rocketchat-e2e.md` section 13). */
import { fromBase64, fromJson, fromUtf8, type Key, subtle, toBase64, toJwkText, utf8 } from './bytes.js';
import { E2EError, malformed } from './error.js';
import { type Format, importPublicKey } from './identity.js';

/** Characters that 256 bytes are in base64: a sealed key ends in so many, and what is before them is its id. */
const SEALED_LENGTH = 344;

const AES_OF = { v1: { name: 'AES-CBC', length: 128 }, v2: { name: 'AES-GCM', length: 256 } };
const ALG_OF = { v1: 'A128CBC', v2: 'A256GCM' };

export interface RoomKey {
	/** `keyID` of `e2e.setRoomKeyID`; no secret. */
	readonly id: string;
	/** JSON text of the JWK, exactly as it was made: what is sealed, and of v1 keys what the id was made of. */
	readonly jwk: string;
	readonly key: Key;
}

/** Makes a key for a room. A v1 key (AES-128-CBC) is for rooms with members whose clients are older than 2025. */
export async function makeRoomKey(format: Format = 'v2'): Promise<RoomKey> {
	const key = await subtle().generateKey(AES_OF[format], true, ['encrypt', 'decrypt']);
	const jwk = await toJwkText(key);
	return { id: format === 'v1' ? await keyIdOf(jwk) : crypto.randomUUID(), jwk, key };
}

/** The id of a v1 key: the first twelve hexadecimal digits of the SHA-256 of its JSON text. */
async function keyIdOf(jwk: string): Promise<string> {
	const hash = new Uint8Array(await subtle().digest('SHA-256', utf8(jwk)));
	return Array.from(hash.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A room key from its parts, such as a client kept them. Throws `malformed` for anything but an AES key of section 13. */
export async function importRoomKey(id: string, jwk: string): Promise<RoomKey> {
	const parsed = fromJson(jwk);
	const format = (['v1', 'v2'] as const).find((format) => ALG_OF[format] === parsed?.alg);
	if (!parsed || !format || typeof parsed.k !== 'string') throw malformed('The room key');
	try {
		const bare = { kty: 'oct', alg: ALG_OF[format], k: parsed.k };
		return { id, jwk, key: await subtle().importKey('jwk', bare, AES_OF[format], true, ['encrypt', 'decrypt']) };
	} catch {
		throw malformed('The room key');
	}
}

/**
 * Seals a room key for one member: `key` of `e2e.updateGroupKey` and `e2e.provideUsersSuggestedGroupKeys`. The id, then
 * 344 characters of base64. Sealing twice gives two different texts.
 *
 * @param publicKey the member's, as stored. Throws `malformed` if it is none
 */
export async function sealRoomKey({ id, jwk }: RoomKey, publicKey: string): Promise<string> {
	const sealed = await subtle().encrypt({ name: 'RSA-OAEP' }, await importPublicKey(publicKey), utf8(jwk));
	// Keys of another length than 2048 bits would make texts that nobody can take apart again.
	if (sealed.byteLength !== 256) throw malformed('The public key');
	return id + toBase64(new Uint8Array(sealed));
}

/** The id of a sealed key, which is in the clear before it. Throws `malformed`. */
export function sealedKeyId(sealed: string): string {
	return split(sealed).id;
}

/**
 * Opens a sealed room key (`E2EKey`, `E2ESuggestedKey`, or the `E2EKey` of one of `oldRoomKeys`). Throws `malformed`, and
 * `wrong-key` if it was sealed for another than this private key.
 */
export async function openRoomKey(sealed: string, privateKey: Key): Promise<RoomKey> {
	const { id, data } = split(sealed);
	let jwk: string | undefined;
	try {
		jwk = fromUtf8(await subtle().decrypt({ name: 'RSA-OAEP' }, privateKey, data));
	} catch {
		throw new E2EError('wrong-key', 'The room key is not sealed for this private key');
	}
	if (jwk === undefined) throw malformed('The room key');
	return importRoomKey(id, jwk);
}

function split(sealed: string) {
	// Ids have any length (twelve characters, 36, others): count from the end.
	if (typeof sealed !== 'string' || sealed.length <= SEALED_LENGTH) throw malformed('The sealed room key');
	const data = fromBase64(sealed.slice(-SEALED_LENGTH), 'The sealed room key');
	if (data.length !== 256) throw malformed('The sealed room key');
	return { id: sealed.slice(0, -SEALED_LENGTH), data };
}
