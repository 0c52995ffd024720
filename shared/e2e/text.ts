/** Text under a room key (`test/contract/rocketchat-e2e.md` section 13). */
import { type Box, fromBase64, lock, toBase64, unlock, utf8 } from './bytes.js';
import { E2EError, malformed } from './error.js';
import type { RoomKey } from './room-key.js';

const V1 = 'rc.v1.aes-sha2';
const V2 = 'rc.v2.aes-sha2';

/** Length of the key id in a v1 text, which nothing marks off from what follows. */
const V1_ID_LENGTH = 12;

/** What stands in the member `content` of a message of Rocket.Chat. */
export type EncryptedContent =
	| { readonly algorithm: typeof V1; readonly ciphertext: string }
	| { readonly algorithm: typeof V2; readonly kid: string; readonly iv: string; readonly ciphertext: string };

/** Encrypts a text, in the form that belongs to the key. */
export async function encryptText(text: string, { id, key }: RoomKey): Promise<EncryptedContent> {
	const { iv, data } = await lock(key, utf8(JSON.stringify({ msg: text })));
	// A v1 key with an id of another length cannot be named in a v1 text; Rocket.Chat's clients read v2 under either key.
	if (key.algorithm.name === 'AES-CBC' && id.length === V1_ID_LENGTH) {
		return { algorithm: V1, ciphertext: id + toBase64(Uint8Array.of(...iv, ...data)) };
	}
	return { algorithm: V2, kid: id, iv: toBase64(iv), ciphertext: toBase64(data) };
}

/**
 * Decrypts what `encryptText` or a client of Rocket.Chat made.
 *
 * @param content the `content` of a message, or the `msg` of one of before 2024
 * @param keys those of the room, former ones too; which of them it is, the text says
 * @returns the text; empty if the message has none, such as one with only a file
 *
 * Throws `malformed`, `unknown-key` if none of the keys has the id named, and `wrong-key` if one has and opens nothing.
 */
export async function decryptText(content: EncryptedContent | string, keys: Iterable<RoomKey>): Promise<string> {
	const { id, box } = read(content);
	// Old clients gave all their keys the same id.
	const named = [...keys].filter((key) => key.id === id);
	if (named.length === 0)
		throw new E2EError('unknown-key', 'The text is encrypted under a key that is not among these');
	for (const { key } of named) {
		const payload = await unlock(key, box);
		// Mobile clients used to say `text`.
		if (payload) return [payload.msg, payload.text].find((text) => typeof text === 'string') ?? '';
	}
	throw new E2EError('wrong-key', 'The text does not open with the key of this id');
}

/** Takes a text apart. Which cipher it is, the key says: under a v1 key clients of today write v2 texts. */
function read(content: unknown): { id: string; box: Box } {
	if (typeof content === 'string') return readV1(content);
	const members = typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {};
	if (members.algorithm === V1 && typeof members.ciphertext === 'string') return readV1(members.ciphertext);
	if (members.algorithm !== V2 || typeof members.kid !== 'string') throw malformed('The encrypted text');
	const box = {
		iv: fromBase64(members.iv, 'The encrypted text'),
		data: fromBase64(members.ciphertext, 'The encrypted text'),
	};
	if ((box.iv.length !== 12 && box.iv.length !== 16) || box.data.length < 16) throw malformed('The encrypted text');
	return { id: members.kid, box };
}

function readV1(text: string): { id: string; box: Box } {
	const bytes = fromBase64(text.slice(V1_ID_LENGTH), 'The encrypted text');
	if (bytes.length < 32) throw malformed('The encrypted text');
	return { id: text.slice(0, V1_ID_LENGTH), box: { iv: bytes.slice(0, 16), data: bytes.slice(16) } };
}
