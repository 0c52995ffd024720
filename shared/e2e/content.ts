/** Encrypts and decrypts the content of messages with a room key (`test/contract/rocketchat-e2e.md` section 13). */
import {
	concat,
	decrypt,
	type Encrypted,
	encrypt,
	fromBase64,
	fromJson,
	isObject,
	requireWebCrypto,
	toBase64,
	utf8,
} from './bytes.js';
import { fromEjson, toEjsonText } from './ejson.js';
import { E2EError, malformed, orMalformed } from './error.js';
import { type Format, requireFormat } from './formats.js';
import { fitsV1, type RoomKey } from './room-key.js';

const V1 = 'rc.v1.aes-sha2';
const V2 = 'rc.v2.aes-sha2';

/** Length of the key id at the beginning of a v1 text. No separator follows the id. */
const V1_ID_LENGTH = 12;

/** The `content` of a message of Rocket.Chat. */
export type EncryptedContent =
	| { readonly algorithm: typeof V1; readonly ciphertext: string }
	| { readonly algorithm: typeof V2; readonly kid: string; readonly iv: string; readonly ciphertext: string };

/** The decrypted content. Clients write `msg`, `attachments`, `files` and `file`. Values may be dates. */
export type Content = Record<string, unknown>;

/**
 * Encrypts a text, as `{msg: text}`.
 * @throws E2EError `malformed` if the text is no string; otherwise as `encryptContent` does
 */
export async function encryptText(text: string, roomKey: RoomKey, format?: Format): Promise<EncryptedContent> {
	if (typeof text !== 'string') throw malformed('The text');
	return encryptContent({ msg: text }, roomKey, format);
}

/**
 * Decrypts a text from any client.
 * @returns the text; empty for a message with only a file
 * @throws E2EError as `decryptContent` does
 */
export async function decryptText(content: EncryptedContent | string, keys: Iterable<RoomKey>): Promise<string> {
	// Rocket.Chat's web client before 6.10 and its phone apps write `text` instead of `msg`.
	const { msg, text } = await decryptContent(content, keys);
	if (typeof msg === 'string') return msg;
	return typeof text === 'string' ? text : '';
}

/**
 * Encrypts the whole content of a message.
 *
 * @param format default: the format of the key. `v1` and `legacy` make the same content, and need an AES-128-CBC key
 * with an id of twelve characters. `encryptV1Text` makes the additional `msg` of a legacy message. Rocket.Chat reads
 * `v2` in its web client from 7.13 on and in its current phone apps
 * @throws E2EError `malformed` if the content is no object, cannot be written as JSON or is nested too deep; or if the
 * room key has no text as id or cannot encrypt. `unknown-format`; `unfit-key` if the format needs another key
 */
export async function encryptContent(content: Content, roomKey: RoomKey, format?: Format): Promise<EncryptedContent> {
	requireWebCrypto();
	const usesV2 = format === undefined ? !fitsV1(roomKey) : requireFormat(format) === 'v2';
	const { iv, data } = await encryptJson(content, roomKey);
	if (usesV2) return { algorithm: V2, kid: roomKey.id, iv: toBase64(iv), ciphertext: toBase64(data) };
	return { algorithm: V1, ciphertext: v1Text(roomKey, { iv, data }) };
}

/**
 * Encrypts content as a v1 text, for the `msg` of a legacy message.
 * @throws E2EError as `encryptContent` does with the format `v1`
 */
export async function encryptV1Text(content: Content, roomKey: RoomKey): Promise<string> {
	return v1Text(roomKey, await encryptJson(content, roomKey));
}

async function encryptJson(content: Content, roomKey: RoomKey): Promise<Encrypted> {
	if (!isObject(content)) throw malformed('The content');
	// Content without a key id cannot be decrypted.
	if (typeof roomKey?.id !== 'string') throw malformed('The room key');
	const text = await orMalformed('The content', () => toEjsonText(content));
	return encrypt(roomKey.key, utf8(text));
}

function v1Text(roomKey: RoomKey, { iv, data }: Encrypted): string {
	if (!fitsV1(roomKey)) {
		throw new E2EError('unfit-key', 'This format needs an AES-128-CBC key whose id has twelve characters');
	}
	return roomKey.id + toBase64(concat([iv, data]));
}

/**
 * Decrypts the content of a message in any format.
 *
 * @param content the `content` of a message, or the `msg` of a message from Rocket.Chat's web client before 6.10
 * @param keys the room's keys, the present one first. Keys with the id in the content are tried before the others
 * @throws E2EError `malformed` if the content has no known format or is nested too deep, or if `keys` cannot be
 * iterated. If no key decrypts the content: `wrong-key` if a key has the id in it, otherwise `unknown-key`
 */
export async function decryptContent(content: EncryptedContent | string, keys: Iterable<RoomKey>): Promise<Content> {
	requireWebCrypto();
	const { id, ...encrypted } = parseContent(content);
	const all = await orMalformed('The room keys', () => [...keys].filter(isObject<RoomKey>));
	const withId = all.filter((key) => key.id === id);
	const others = all.filter((key) => key.id !== id);
	for (const { key } of [...withId, ...others]) {
		const decrypted = fromJson(await decrypt(key, encrypted));
		if (decrypted) return orMalformed('The content', () => fromEjson(decrypted));
	}
	if (withId.length > 0) throw new E2EError('wrong-key', 'The text cannot be decrypted with the key of this id');
	throw new E2EError('unknown-key', 'None of the given room keys can decrypt the text');
}

interface ParsedContent extends Encrypted {
	readonly id: string;
}

/**
 * Reads content of any format. The format does not tell the cipher. The key does, because current clients also write
 * v2 with AES-CBC keys.
 */
function parseContent(content: unknown): ParsedContent {
	if (typeof content === 'string') {
		// For the description of an upload, Rocket.Chat's phone apps write the v2 content as JSON text.
		return content.startsWith('{') ? parseV2(fromJson(content)) : parseV1(content);
	}
	const fields = isObject(content) ? content : {};
	if (fields.algorithm === V1 && typeof fields.ciphertext === 'string') return parseV1(fields.ciphertext);
	if (fields.algorithm !== V2) throw malformed('The encrypted text');
	return parseV2(fields);
}

/**
 * The IV has 12 bytes for AES-GCM, 16 for AES-CBC. The data has at least an authentication tag or a block, both of 16
 * bytes.
 */
function parseV2(fields: Record<string, unknown> = {}): ParsedContent {
	if (typeof fields.kid !== 'string') throw malformed('The encrypted text');
	const iv = fromBase64(fields.iv, 'The encrypted text');
	const data = fromBase64(fields.ciphertext, 'The encrypted text');
	const isIvLength = iv.length === 12 || iv.length === 16;
	if (!isIvLength || data.length < 16) throw malformed('The encrypted text');
	return { id: fields.kid, iv, data };
}

/** The key id, then base64 of the IV (16 bytes) and of at least one block (16 bytes). */
function parseV1(text: string): ParsedContent {
	const bytes = fromBase64(text.slice(V1_ID_LENGTH), 'The encrypted text');
	if (bytes.length < 32) throw malformed('The encrypted text');
	return { id: text.slice(0, V1_ID_LENGTH), iv: bytes.slice(0, 16), data: bytes.slice(16) };
}
