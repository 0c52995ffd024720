/** Room keys sealed for a member: the key id, directly followed by base64 of 256 bytes (`test/contract/rocketchat-e2e.md` 13). */
import { clientError } from '../../../shared/errors.js';

/** Longest key id, in characters: three times a UUID (13). Rocket.Chat's own are 12 or 36 characters long. */
export const MAX_KEY_ID_LENGTH = 128;

/** Longest sealed key, in characters: ten times what Rocket.Chat's clients make. */
const MAX_KEY_LENGTH = 4096;

/** Base64 of a 2048-bit RSA ciphertext, in characters. */
const SEALED_LENGTH = 344;

const SEALED = /^[A-Za-z0-9+/]{342}==$/;

/**
 * The key id a sealed key begins with. Null for a key of another form. Key ids have no fixed length, so the position is
 * counted from the end.
 */
export function keyIdOf(key: string): string | null {
	return SEALED.test(key.slice(-SEALED_LENGTH)) ? key.slice(0, -SEALED_LENGTH) : null;
}

/**
 * Whether a sealed key can contain the room's present key: keys of another form always can (`test/contract/beyond.md`
 * E6).
 */
export function isOfKeyId(key: string, keyId: string | null | undefined): boolean {
	const own = keyIdOf(key);
	return own === null || own === keyId;
}

/** @throws ClientError `error-key-id-mismatch` for a key sealed under another key id than the room's */
export function requireKeyId(key: string, keyId: string | null | undefined): void {
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

/** Whether a value can be a sealed key: text that is not blank, and no longer than any sealed key. */
export function isKey(value: unknown): value is string {
	return typeof value === 'string' && value.length <= MAX_KEY_LENGTH && value.trim() !== '';
}

/** @throws ClientError `error-invalid-key` for text that cannot be a sealed key */
export function requireKey(key: string): void {
	if (!isKey(key)) throw clientError('invalidKey');
}
