/** How commands call methods as an admin, on a store or through a server. */
import type { ErrorRow } from '../../shared/errorTable.js';
import { CommandError } from './command.js';

export interface Admin {
	/** A line for the operator that names the store or the server. */
	readonly where: string;
	/**
	 * @param args the arguments by name; undefined arguments are left out
	 * @returns the answer as plain JSON, with dates as text
	 * @throws RefusedCall if the call is refused; another CommandError if the server cannot be reached
	 */
	call<T>(name: string, args?: Readonly<Record<string, unknown>>): Promise<T>;
	/** Absent if there is an admin, or if calls go through a server. */
	readonly createFirstAdmin?: ((admin: FirstAdminArgs) => Promise<void>) | undefined;
	close(): Promise<void>;
}

export interface FirstAdminArgs {
	readonly username: string;
	readonly password: string;
	readonly email?: string | undefined;
	readonly name?: string | undefined;
	readonly requirePasswordChange?: true | undefined;
}

/** Error texts for operators, by error code. */
export const HINTS: Readonly<Record<string, string>> = {
	'user-last-owner':
		'The user is the only owner of rooms. With --confirm-relinquish other members become owners, and rooms without other members are deleted.',
	'error-last-key-holder': 'Nobody else holds the keys of some rooms. With --confirm-key-loss they may be lost.',
	'totp-required': 'This user has a second factor, which this command cannot ask for. Use a login token.',
	'error-unauthorized': 'The permissions on the server do not allow this admin to do that.',
};

/** The message is for the operator. */
export class RefusedCall extends CommandError {
	readonly #code: unknown;
	readonly #text: string;

	/** @param text may end with the code in brackets, such as ` [error-invalid-room]` */
	constructor(code: unknown, text: string) {
		const withoutCode = text.replace(/ \[[\w.-]+\]$/, '');
		super((typeof code === 'string' ? HINTS[code] : undefined) ?? withoutCode);
		this.#code = code;
		this.#text = withoutCode;
	}

	/**
	 * Whether this is the given error of `shared/errorTable.ts`. Several errors have the same code, so the text is
	 * compared too.
	 */
	is({ error, reason = String(error) }: ErrorRow): boolean {
		return this.#code === error && this.#text === reason;
	}
}
