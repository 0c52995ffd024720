/** What can go wrong in `roomkey/e2e`. */

/**
 * - `malformed`: what was given is not of the form it should have: cut off, not base64, not JSON, another kind of key
 * - `wrong-passphrase`: the private key does not open with this passphrase (or was changed)
 * - `wrong-key`: sealed or encrypted for another key, or changed since
 * - `unknown-key`: the text names a key id that none of the given keys has
 * - `no-web-crypto`: no `crypto.subtle`; a browser has it only on pages from https or localhost
 */
export type E2EErrorCode = 'malformed' | 'wrong-passphrase' | 'wrong-key' | 'unknown-key' | 'no-web-crypto';

/**
 * The one error `roomkey/e2e` throws. It has no `cause`, and its message never repeats what was given: the errors beneath
 * do, such as that of JSON.parse, and what is given here is secret.
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
