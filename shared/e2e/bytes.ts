/** Bytes, text and keys into one another, with what every runtime has that knows WebCrypto. */
import { E2EError, malformed } from './error.js';

export type Bytes = Uint8Array<ArrayBuffer>;

/** A key as WebCrypto has it: the type of whichever runtime this is compiled for. */
export type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Ciphertext with what it takes, beside the key, to read it. */
export interface Box {
	readonly iv: Bytes;
	readonly data: Bytes;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** WebCrypto, or an error that says why there is none. */
export function subtle(): typeof crypto.subtle {
	if (!globalThis.crypto?.subtle) {
		throw new E2EError(
			'no-web-crypto',
			'There is no crypto.subtle here: in a browser, the page has to be a secure one',
		);
	}
	return crypto.subtle;
}

export const randomBytes = (count: number): Bytes => crypto.getRandomValues(new Uint8Array(count));

/** Base64 with padding, in the alphabet with + and /, as Rocket.Chat's clients write it. */
export function toBase64(bytes: Bytes): string {
	let binary = '';
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return btoa(binary);
}

/** Throws `malformed` for all else than padded base64; atob by itself would pass over blanks and missing ends. */
export function fromBase64(text: unknown, what: string): Bytes {
	if (typeof text !== 'string' || text.length % 4 !== 0 || !BASE64.test(text)) throw malformed(what);
	return latin1(atob(text));
}

/** A byte a character. */
export const latin1 = (text: string): Bytes => Uint8Array.from(text, (character) => character.charCodeAt(0));

export const utf8 = (text: string): Bytes => Uint8Array.from(new TextEncoder().encode(text));

/** Undefined where the bytes are no UTF-8, as what comes of a wrong key mostly is not. */
export function fromUtf8(bytes: ArrayBuffer): string | undefined {
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		return undefined;
	}
}

/** The members of a JSON object; undefined for any other text. */
export function fromJson(text: unknown): Record<string, unknown> | undefined {
	try {
		const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
		return typeof value === 'object' && value !== null && !Array.isArray(value)
			? (value as Record<string, unknown>)
			: undefined;
	} catch {
		return undefined;
	}
}

/** The JSON text of a key, its members in the order of the alphabet: runtimes differ in theirs. */
export async function toJwkText(key: Key): Promise<string> {
	const jwk = await subtle().exportKey('jwk', key);
	return JSON.stringify(jwk, Object.keys(jwk).sort());
}

/** Length of an IV in bytes: what Rocket.Chat's clients take. */
const ivLength = (key: Key) => (key.algorithm.name === 'AES-GCM' ? 12 : 16);

/** Encrypts under a new IV. */
export async function lock(key: Key, plain: Bytes, iv = randomBytes(ivLength(key))): Promise<Box> {
	return { iv, data: new Uint8Array(await subtle().encrypt({ name: key.algorithm.name, iv }, key, plain)) };
}

/** The JSON object in the box; undefined where the key does not open it, or opens it to something else. */
export async function unlock(key: Key, { iv, data }: Box): Promise<Record<string, unknown> | undefined> {
	try {
		// A wrong key opens one in 256 boxes of AES-CBC, to noise: that is no object.
		return fromJson(fromUtf8(await subtle().decrypt({ name: key.algorithm.name, iv }, key, data)));
	} catch {
		return undefined;
	}
}
