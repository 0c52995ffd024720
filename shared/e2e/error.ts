/** What can go wrong in `roomkey/e2e`. */

/**
 * - `malformed`: the input does not have the form it should have: cut off, not base64, not JSON, another kind of key
 * - `wrong-passphrase`: the private key does not open with this passphrase, or was changed
 * - `empty-passphrase`: a passphrase without characters protects nothing
 * - `ambiguous-passphrase`: clients turn this passphrase into different bytes, or refuse it
 * - `wrong-key`: sealed or encrypted for another key, or changed since
 * - `unknown-key`: the text names a key id that none of the given keys has, and none of them opens it
 * - `unfit-key`: a key that is well-formed but too weak, or that this format cannot use
 * - `key-id-mismatch`: the key id is a hash, and not that of this key
 * - `not-extractable`: the operation needs the bytes of a key that may not leave WebCrypto
 * - `missing-user-id`: the user id is part of the salt and was not given
 * - `unknown-format`: the format is none of `v2`, `v1` and `legacy`
 * - `bad-option`: an option has a value outside its range
 * - `file-changed`: the decrypted file does not have the hash that its message states
 * - `broken-history`: a list of identity keys is not the chain it should be, or lacks an entry that was known
 * - `no-web-crypto`: no WebCrypto; a browser has it only on pages from https or localhost
 */
export type E2EErrorCode =
	| 'malformed'
	| 'wrong-passphrase'
	| 'empty-passphrase'
	| 'ambiguous-passphrase'
	| 'wrong-key'
	| 'unknown-key'
	| 'unfit-key'
	| 'key-id-mismatch'
	| 'not-extractable'
	| 'missing-user-id'
	| 'unknown-format'
	| 'bad-option'
	| 'file-changed'
	| 'broken-history'
	| 'no-web-crypto';

/**
 * The one error `roomkey/e2e` throws. It has no `cause`, and its message never repeats the input: the errors beneath do,
 * such as that of JSON.parse, and the input is secret.
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

export const malformed = (what: string): E2EError =>
	new E2EError('malformed', `${what} is not of the form it should have`);

/** Runs it, and throws this error in place of any other that is no E2EError itself. */
export async function orThrow<T>(error: () => E2EError, run: () => T | Promise<T>): Promise<T> {
	try {
		return await run();
	} catch (thrown) {
		throw thrown instanceof E2EError ? thrown : error();
	}
}
