/** Converts between bytes, text and keys, and encrypts bytes. Uses only what Node and browsers have in common. */
import { E2EError, malformed, orMalformed } from './error.js';

export type Bytes = Uint8Array<ArrayBuffer>;

/** A WebCrypto key, in Node or in a browser. */
export type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export interface Encrypted {
	/** The initialization vector. */
	readonly iv: Bytes;
	readonly data: Bytes;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const BASE64_URL = /^[\w-]+$/;

const noWebCrypto = () =>
	new E2EError(
		'no-web-crypto',
		'The runtime has no WebCrypto. In a browser, the page must come from https or localhost',
	);

/** @throws E2EError `no-web-crypto` if the runtime has no WebCrypto */
export function subtle(): typeof crypto.subtle {
	if (!globalThis.crypto?.subtle) throw noWebCrypto();
	return crypto.subtle;
}

/** @throws E2EError `no-web-crypto` */
export function requireWebCrypto(): void {
	subtle();
}

export function randomBytes(count: number): Bytes {
	if (!globalThis.crypto?.getRandomValues) throw noWebCrypto();
	return crypto.getRandomValues(new Uint8Array(count));
}

export function toBase64(bytes: Bytes): string {
	let binary = '';
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return btoa(binary);
}

/** Decodes base64. Unlike `atob`, it refuses blanks and missing padding. @throws E2EError `malformed` */
export function fromBase64(text: unknown, what: string): Bytes {
	if (typeof text !== 'string' || text.length % 4 !== 0 || !BASE64.test(text)) throw malformed(what);
	return latin1(atob(text));
}

/** Decodes base64url without padding; undefined for any other value. */
export function fromBase64Url(text: unknown): Bytes | undefined {
	// A single character after groups of four encodes no byte.
	if (typeof text !== 'string' || !BASE64_URL.test(text) || text.length % 4 === 1) return undefined;
	const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
	const paddedLength = Math.ceil(base64.length / 4) * 4;
	return latin1(atob(base64.padEnd(paddedLength, '=')));
}

export const toBase64Url = (bytes: Bytes): string =>
	toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** Encodes each character as one byte. The characters must not be above U+00FF. */
export function latin1(text: string): Bytes {
	const bytes = new Uint8Array(text.length);
	for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
	return bytes;
}

export const utf8 = (text: string): Bytes => new Uint8Array(new TextEncoder().encode(text));

export const toHex = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export function concat(parts: readonly Bytes[]): Bytes {
	const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
	let offset = 0;
	for (const part of parts) {
		whole.set(part, offset);
		offset += part.length;
	}
	return whole;
}

/** Decodes UTF-8; undefined for other bytes, as after decryption with a wrong key. */
export function fromUtf8(bytes: ArrayBuffer): string | undefined {
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		return undefined;
	}
}

export const isObject = <T extends object = Record<string, unknown>>(value: unknown): value is T =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members of a JSON object; undefined for any other text. */
export function fromJson(text: unknown): Record<string, unknown> | undefined {
	try {
		const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
		return isObject(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

export async function sha256Hex(text: string): Promise<string> {
	return toHex(new Uint8Array(await subtle().digest('SHA-256', utf8(text))));
}

/**
 * Exports a key as a JWK.
 * @throws E2EError `not-extractable` if WebCrypto does not export the key; `malformed` for a value that is no key
 */
export async function toJwk(key: Key, what: string): Promise<Record<string, unknown>> {
	const webCrypto = subtle();
	if (key?.extractable === false) throw new E2EError('not-extractable', `${what} may not leave WebCrypto`);
	return orMalformed(what, async () => ({ ...(await webCrypto.exportKey('jwk', key)) }));
}

/** The JWK as text. Runtimes return its members in different orders, so they are sorted. */
export async function toJwkText(key: Key, what: string): Promise<string> {
	const jwk = await toJwk(key, what);
	return JSON.stringify(jwk, Object.keys(jwk).sort());
}

/** Length of an initialization vector (IV) in bytes, as in Rocket.Chat's clients. */
function ivLength({ algorithm: { name } }: Key): number {
	if (name === 'AES-GCM') return 12;
	// Without this check, an RSA key would encrypt short texts.
	if (name !== 'AES-CBC') throw malformed('The key');
	return 16;
}

/** Encrypts with a new IV. */
export async function encrypt(key: Key, plain: Bytes): Promise<Encrypted> {
	const webCrypto = subtle();
	return orMalformed('The key', async () => {
		const iv = randomBytes(ivLength(key));
		return { iv, data: new Uint8Array(await webCrypto.encrypt({ name: key.algorithm.name, iv }, key, plain)) };
	});
}

/** Decrypts text; undefined if the key does not fit, or the result is not UTF-8. */
export async function decrypt(key: Key, { iv, data }: Encrypted): Promise<string | undefined> {
	const webCrypto = subtle();
	try {
		// One wrong key in 256 makes AES-CBC return random bytes, which are rarely UTF-8.
		return fromUtf8(await webCrypto.decrypt({ name: key.algorithm.name, iv }, key, data));
	} catch {
		return undefined;
	}
}
