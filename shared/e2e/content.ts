/** What a message says, encrypted under a room key (`test/contract/rocketchat-e2e.md` section 13). */
import { type Box, concat, fromBase64, fromJson, isObject, lock, subtle, toBase64, unlock, utf8 } from './bytes.js';
import { fromEjson, toEjsonText } from './ejson.js';
import { E2EError, malformed, orThrow } from './error.js';
import { type Format, requireFormat } from './formats.js';
import { hasShortId, type RoomKey } from './room-key.js';

const V1 = 'rc.v1.aes-sha2';
const V2 = 'rc.v2.aes-sha2';

/** Length of the key id in a v1 text, where nothing separates it from what follows. */
const V1_ID_LENGTH = 12;

/** The member `content` of a message of Rocket.Chat. */
export type EncryptedContent =
	| { readonly algorithm: typeof V1; readonly ciphertext: string }
	| { readonly algorithm: typeof V2; readonly kid: string; readonly iv: string; readonly ciphertext: string };

/** The decrypted content: any JSON object. Clients write `msg`, `attachments`, `files` and `file`; values may be dates. */
export type Content = Record<string, unknown>;

/** Encrypts a text, as `{msg: text}`. */
export async function encryptText(text: string, roomKey: RoomKey, format?: Format): Promise<EncryptedContent> {
	if (typeof text !== 'string') throw malformed('The text');
	return encryptContent({ msg: text }, roomKey, format);
}

/**
 * Decrypts a text that `encryptText` or a client of Rocket.Chat made.
 *
 * @returns the text; empty if the content has none, such as that of a message with only a file. `decryptContent` tells the
 * two apart
 *
 * Takes and throws what `decryptContent` does.
 */
export async function decryptText(content: EncryptedContent | string, keys: Iterable<RoomKey>): Promise<string> {
	// Web before 6.10 and phones write `text`.
	const { msg, text } = await decryptContent(content, keys);
	return [msg, text].find((text) => typeof text === 'string') ?? '';
}

/**
 * Encrypts the whole content of a message.
 *
 * @param format that of the key if it is not given. `v1` and `legacy` need an AES-128-CBC key with an id of twelve characters;
 * `v2` can be written under any key, and only web since 7.13 and current phones read it
 *
 * Throws `malformed` for what is no JSON object, `unknown-format`, and `unfit-key` if the key cannot be used in the format.
 */
export async function encryptContent(content: Content, roomKey: RoomKey, format?: Format): Promise<EncryptedContent> {
	subtle();
	const hasV1Form = format === undefined ? hasShortId(roomKey) : requireFormat(format) !== 'v2';
	const { iv, data } = await encryptJson(content, roomKey);
	if (hasV1Form) return { algorithm: V1, ciphertext: v1Text(roomKey, { iv, data }) };
	return { algorithm: V2, kid: roomKey.id, iv: toBase64(iv), ciphertext: toBase64(data) };
}

/** Encrypts content in the form of v1, which is also that of `msg` in legacy messages. */
export async function encryptV1Text(content: Content, roomKey: RoomKey): Promise<string> {
	return v1Text(roomKey, await encryptJson(content, roomKey));
}

async function encryptJson(content: Content, roomKey: RoomKey): Promise<Box> {
	if (!isObject(content)) throw malformed('The content');
	const text = await orThrow(
		() => malformed('The content'),
		() => toEjsonText(content),
	);
	return lock(roomKey?.key, utf8(text));
}

function v1Text(roomKey: RoomKey, { iv, data }: Box): string {
	if (!hasShortId(roomKey)) {
		throw new E2EError('unfit-key', 'This format takes AES-128-CBC keys whose id has twelve characters');
	}
	return roomKey.id + toBase64(concat(iv, data));
}

/**
 * Decrypts the content of a message, whichever client wrote it.
 *
 * @param content the `content` of a message, or the `msg` of one from before 2024
 * @param keys those of the room: the present one first, then the former ones. Those with the id that the content names are
 * tried first, then all others in this order: some clients seal and write under other ids than the room has
 *
 * Throws `malformed`, `unknown-key` if none of the keys has the id named and none opens it, and `wrong-key` if one has the id.
 */
export async function decryptContent(content: EncryptedContent | string, keys: Iterable<RoomKey>): Promise<Content> {
	subtle();
	const { id, box } = read(content);
	const all = await orThrow(
		() => malformed('The room keys'),
		() => [...keys].filter(isObject<RoomKey>),
	);
	const named = all.filter((key) => key.id === id);
	for (const { key } of [...named, ...all.filter((key) => key.id !== id)]) {
		const opened = await unlock(key, box);
		if (opened) {
			return orThrow(
				() => malformed('The content'),
				() => fromEjson(opened),
			);
		}
	}
	if (named.length > 0) throw new E2EError('wrong-key', 'The text does not open with the key of this id');
	throw new E2EError('unknown-key', 'The text is encrypted under a key that is not among these');
}

/** Takes a text apart. The cipher depends on the key alone: under a v1 key clients of today write v2 texts. */
function read(content: unknown): { id: string; box: Box } {
	if (typeof content === 'string') {
		// Phones write the description of an upload so in v2.
		return content.startsWith('{') ? readV2(fromJson(content)) : readV1(content);
	}
	const members = isObject(content) ? content : {};
	if (members.algorithm === V1 && typeof members.ciphertext === 'string') return readV1(members.ciphertext);
	if (members.algorithm !== V2) throw malformed('The encrypted text');
	return readV2(members);
}

function readV2(members: Record<string, unknown> = {}): { id: string; box: Box } {
	if (typeof members.kid !== 'string') throw malformed('The encrypted text');
	const iv = fromBase64(members.iv, 'The encrypted text');
	const data = fromBase64(members.ciphertext, 'The encrypted text');
	if ((iv.length !== 12 && iv.length !== 16) || data.length < 16) throw malformed('The encrypted text');
	return { id: members.kid, box: { iv, data } };
}

function readV1(text: string): { id: string; box: Box } {
	const bytes = fromBase64(text.slice(V1_ID_LENGTH), 'The encrypted text');
	if (bytes.length < 32) throw malformed('The encrypted text');
	return { id: text.slice(0, V1_ID_LENGTH), box: { iv: bytes.slice(0, 16), data: bytes.slice(16) } };
}
