/** How commands call methods as an admin, on a store or through a server. */
import { CommandError } from './command.js';

export interface Admin {
	/** A line for the operator that names the store, or the server through which calls are made. */
	readonly where: string;
	/**
	 * Calls a method.
	 * @param args the arguments by name; undefined arguments are left out
	 * @returns the answer as plain JSON, with dates as text
	 * @throws CommandError if the call is refused
	 */
	call<T>(name: string, args?: Readonly<Record<string, unknown>>): Promise<T>;
	/** Creates the first admin. Absent if there is an admin, or if calls go through a server. */
	readonly createFirstAdmin?: ((admin: FirstAdminArgs) => Promise<void>) | undefined;
	close(): Promise<void>;
}

export interface FirstAdminArgs {
	readonly username: string;
	readonly password: string;
	readonly email?: string | undefined;
	readonly name?: string | undefined;
}

/**
 * Error texts for operators, by error code. They name flags of the command. The texts of `shared/errorTable.ts` are for
 * callers of methods, and name arguments.
 */
export const HINTS: Readonly<Record<string, string>> = {
	'user-last-owner':
		'The user is the only owner of rooms. With --confirm-relinquish other members become owners, and rooms without other members are deleted.',
	'error-last-key-holder': 'Nobody else holds the keys of some rooms. With --confirm-key-loss they may be lost.',
	'totp-required': 'This user has a second factor, which this command cannot ask for. Use a login token.',
	'error-unauthorized': 'The permissions on the server do not allow this admin to do that.',
};

/** The error of a refused call. */
export function refusedCall(code: unknown, text: string): CommandError {
	const hint = typeof code === 'string' ? HINTS[code] : undefined;
	// The text of an error may end with its code in brackets, such as ` [error-invalid-room]`.
	return new CommandError(hint ?? text.replace(/ \[[\w.-]+\]$/, ''));
}
