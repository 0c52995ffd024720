/** The face of a store or a server for commands: methods called as an admin. */
import { CommandError } from './command.js';

export interface Admin {
	/** Says where it works, in one line. */
	readonly where: string;
	/**
	 * Calls a method.
	 * @param args by name; undefined ones are left out
	 * @returns its answer as JSON has it: a date is text
	 * @throws CommandError if it is refused
	 */
	call<T>(name: string, args?: Readonly<Record<string, unknown>>): Promise<T>;
	/** Creates the first admin. Absent if there is an admin, or this is a server, which has one. */
	readonly first?: ((admin: FirstAdminArgs) => Promise<void>) | undefined;
	close(): Promise<void>;
}

export interface FirstAdminArgs {
	readonly username: string;
	readonly password: string;
	readonly email?: string | undefined;
	readonly name?: string | undefined;
}

/** What to do about an error, by its code. */
const HINTS: Readonly<Record<string, string>> = {
	'user-last-owner':
		'The user is the only owner of rooms. With --confirm-relinquish other members become owners, and rooms without other members are deleted.',
	'error-last-key-holder': 'Nobody else holds the keys of some rooms. With --confirm-key-loss they may be lost.',
	'totp-required': 'This user has a second factor, for which there is no way here. Use a login token.',
	'error-unauthorized': 'The admin is not allowed to do that: the permissions of the server say so.',
};

/** The error of a refused call. */
export function refusedCall(code: unknown, text: string): CommandError {
	return new CommandError((typeof code === 'string' && HINTS[code]) || text.replace(/ \[[\w.-]+\]$/, ''));
}
