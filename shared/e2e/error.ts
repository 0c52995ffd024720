/** The error of `roomkey/e2e`. */

export type E2EErrorCode =
	/** The input is truncated, not base64, not JSON, or a different kind of key. */
	| 'malformed'
	/** The private key cannot be decrypted with this passphrase, or was changed. */
	| 'wrong-passphrase'
	| 'empty-passphrase'
	/** Clients convert this passphrase to different bytes, or refuse it. */
	| 'ambiguous-passphrase'
	/** The text was encrypted for a different key, or was changed. Or a public and a private key are not a pair. */
	| 'wrong-key'
	/** None of the given keys has the key id of the text, and none decrypts it. */
	| 'unknown-key'
	/** The key is too weak, or cannot be used in this format. */
	| 'unfit-key'
	/** The key id is a hash, but not the hash of this key. */
	| 'key-id-mismatch'
	/** The operation needs the bytes of a key that WebCrypto does not export. */
	| 'not-extractable'
	/** The user id, a part of the salt, was not given. */
	| 'missing-user-id'
	| 'unknown-format'
	/** An option is outside its range, or the options are no object. */
	| 'bad-option'
	/** The decrypted file does not have the hash that its message states. */
	| 'file-changed'
	/** A list of identity keys is not a hash chain, or lacks a known entry. */
	| 'broken-history'
	/** The runtime has no WebCrypto. Browsers have it only on pages from https or localhost. */
	| 'no-web-crypto';

/**
 * The error of all functions of `roomkey/e2e`. It never quotes the input, which is secret. It has no `cause`, because
 * errors of `JSON.parse` and others may quote the input. A stream of a file can also fail with the error of its source.
 */
export class E2EError extends Error {
	override readonly name = 'E2EError';

	constructor(
		readonly code: E2EErrorCode,
		message: string,
	) {
		super(message);
	}
}

export const malformed = (what: string): E2EError => new E2EError('malformed', `${what} is malformed`);

/** @throws E2EError `bad-option` if the options are no object */
export function requireOptions<T extends object>(options: T): T {
	if (typeof options !== 'object' || options === null) throw new E2EError('bad-option', 'The options are no object');
	return options;
}

/** Runs a function. Replaces every error of it by `malformed`, except an `E2EError`. */
export function orMalformed<T>(what: string, run: () => T | Promise<T>): Promise<T> {
	return orThrow(() => malformed(what), run);
}

/** Runs a function. Replaces every error of it by the given one, except an `E2EError`. */
export async function orThrow<T>(error: () => E2EError, run: () => T | Promise<T>): Promise<T> {
	try {
		return await run();
	} catch (thrown) {
		throw thrown instanceof E2EError ? thrown : error();
	}
}
