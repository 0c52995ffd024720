/**
 * A sealed key is a room key that a client has encrypted with the public key of one member. Rocket.Chat's clients write
 * the key id, directly followed by the base64 of 256 bytes (`test/contract/rocketchat-e2e.md` 13). Other formats are
 * allowed too.
 */
import { clientError } from '../../../shared/errors.js';

/** Longest key id, in characters. Those of Rocket.Chat have 12 or 36. */
export const MAX_KEY_ID_LENGTH = 128;

/** Longest sealed key, in characters: more than ten times the length of those of Rocket.Chat's clients. */
const MAX_KEY_LENGTH = 4096;

/** Length of the base64 of a 2048-bit RSA ciphertext, in characters. */
const CIPHERTEXT_LENGTH = 344;

const CIPHERTEXT = /^[A-Za-z0-9+/]{342}==$/;

/**
 * The key id that a sealed key begins with: all that precedes the ciphertext. Null for a key of another format, which
 * shows no key id.
 */
export function keyIdOf(key: string): string | null {
	return CIPHERTEXT.test(key.slice(-CIPHERTEXT_LENGTH)) ? key.slice(0, -CIPHERTEXT_LENGTH) : null;
}

/**
 * Whether a sealed key can contain the room key with this id. Always true for a key that shows no key id
 * (`test/contract/beyond.md` E6).
 */
export function isOfKeyId(key: string, keyId: string | null | undefined): boolean {
	const shownKeyId = keyIdOf(key);
	return shownKeyId === null || shownKeyId === keyId;
}

/** @throws ClientError `error-key-id-mismatch` for a sealed key that begins with another key id than the given one */
export function requireMatchingKeyId(key: string, keyId: string | null | undefined): void {
	if (!isOfKeyId(key, keyId)) throw clientError('keyIdMismatch');
}

/** Whether a value can be a key id. */
export function isKeyId(value: unknown): value is string {
	return typeof value === 'string' && value !== '' && value.length <= MAX_KEY_ID_LENGTH;
}

/** @throws ClientError `error-invalid-key-id` for an empty key id, or one that is too long */
export function requireValidKeyId(keyID: string): void {
	if (!isKeyId(keyID)) throw clientError('invalidKeyId');
}

/** Whether a value can be a sealed key: a text, neither blank nor too long. */
export function isSealedKey(value: unknown): value is string {
	return typeof value === 'string' && value.length <= MAX_KEY_LENGTH && value.trim() !== '';
}

/** @throws ClientError `error-invalid-key` for text that cannot be a sealed key */
export function requireSealedKey(key: string): void {
	if (!isSealedKey(key)) throw clientError('invalidKey');
}
