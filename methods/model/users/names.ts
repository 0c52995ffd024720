/** Validates user names, e-mails and display names. Changes user names and e-mails. */
import type { User } from '../../../shared/documents.js';
import { clientError, clientErrorFrom } from '../../../shared/errors.js';
import { Match } from '../../../shared/match.js';
import type { Store, UpdateFilter } from '../../../shared/store.js';
import { isDuplicateKey } from '../../../shared/storeErrors.js';
import { Text } from '../../../shared/text.js';
import { updateOf } from '../updateOf.js';
import { findTaken, type TakenValue } from './insertUser.js';

/** Maximum length of an e-mail (RFC 5321), a user name and a display name, in characters. */
const MAX_LENGTH = 254;

const USERNAME = /^[0-9a-zA-Z._-]+$/;
/** `Cc` are control characters, `Cs` unpaired surrogates. */
const EMAIL = /^[^@\s\p{Cc}\p{Cs}]+@[^@\s\p{Cc}\p{Cs}]+$/u;

/** Rocket.Chat's reserved user names. */
const BLOCKED = new Set(['all', 'here', 'admin', 'administrator', 'system', 'user']);

/** A text on one line that is not blank. */
const ONE_LINE = /^(?=\s*\S)[^\p{Cc}\p{Cs}]*$/u;
const LimitedText = Text({ max: MAX_LENGTH });

export const RealName = Match.Where(
	(value): value is string => Match.test(value, LimitedText) && ONE_LINE.test(value),
	'text of 1 to 254 characters on one line',
	{ type: 'string', minLength: 1, maxLength: MAX_LENGTH, pattern: ONE_LINE.source },
);

export const isUsername = (text: string): boolean => text.length <= MAX_LENGTH && USERNAME.test(text);
export const isEmail = (text: string): boolean => text.length <= MAX_LENGTH && EMAIL.test(text);
const isBlocked = (username: string): boolean => BLOCKED.has(username.toLowerCase());

/** @throws ClientError `error-input-is-not-a-valid-field` */
function requireValidUsername(username: string): void {
	if (!isUsername(username)) throw clientErrorFrom('invalidUsername', username.slice(0, MAX_LENGTH));
}

/**
 * Refuses a user name that is invalid or reserved.
 * @throws ClientError `error-input-is-not-a-valid-field`; `error-blocked-username` for a reserved name
 */
export function requireAllowedUsername(username: string): void {
	requireValidUsername(username);
	if (isBlocked(username)) throw clientErrorFrom('blockedUsername', username);
}

/** @throws ClientError `error-invalid-email` */
export function requireValidEmail(email: string): void {
	if (!isEmail(email)) throw clientErrorFrom('invalidEmail', email.slice(0, MAX_LENGTH));
}

export interface NewUsernameAndEmail {
	readonly username?: string | undefined;
	readonly email?: string | undefined;
	/** By default a new e-mail is not verified, and an unchanged one stays as it was. */
	readonly verified?: boolean | undefined;
}

/** Only the first e-mail of a user can change. */
function emailsAfter({ emails = [] }: User, { email, verified }: NewUsernameAndEmail): User['emails'] {
	const [first, ...others] = emails;
	const address = email ?? first?.address;
	if (address === undefined) return undefined;
	const isSameAddress = address.toLowerCase() === first?.address.toLowerCase();
	return [{ address, verified: verified ?? (isSameAddress && first?.verified === true) }, ...others];
}

/** An update that restores these fields as they are in `user`. */
function restoreUpdate(fields: readonly (keyof User)[], user: User): UpdateFilter<User> | null {
	const present = fields.filter((field) => user[field] !== undefined);
	const absent = fields.filter((field) => user[field] === undefined);
	return updateOf(Object.fromEntries(present.map((field) => [field, user[field]])), absent);
}

const takenError = ({ field, value }: TakenValue) =>
	field === 'username' ? clientError('identityNotSaved') : clientErrorFrom('fieldUnavailable', value, { field: value });

/** What to report if an index refused a value that is free again, because a concurrent call undid its change. */
function presumablyTaken({ username, emails }: Pick<User, 'username' | 'emails'>): TakenValue {
	if (username !== undefined) return { field: 'username', value: username };
	return { field: 'emails.address', value: emails?.[0]?.address as string };
}

/**
 * Changes the user name and the e-mail of a user, unless another user has one of them. Checks again after the write,
 * because the indexes distinguish `alice` from `Alice`. Of two concurrent calls for two such names, at least one undoes
 * its change.
 * @param user as stored, with `username` and `emails`
 * @throws ClientError `error-could-not-save-identity` for a taken or blocked name; `error-field-unavailable` for a
 * taken e-mail; the errors of `requireValidUsername` and `requireValidEmail`
 */
export async function saveUsernameAndEmail(store: Store, user: User, values: NewUsernameAndEmail): Promise<void> {
	const { username, email } = values;
	if (username !== undefined) requireValidUsername(username);
	if (email !== undefined) requireValidEmail(email);
	const changes: Pick<User, 'username' | 'emails'> = {};
	if (username !== undefined && username !== user.username) changes.username = username;
	const emails = emailsAfter(user, values);
	if (emails && JSON.stringify(emails) !== JSON.stringify(user.emails)) changes.emails = emails;
	const fields = Object.keys(changes) as (keyof User)[];
	if (fields.length === 0) return;
	const changedUser = { _id: user._id, ...changes };
	if (changes.username !== undefined && isBlocked(changes.username)) throw clientError('identityNotSaved');
	const taken = await findTaken(store, changedUser);
	if (taken !== null) throw takenError(taken);
	try {
		await store.users.updateOne({ _id: user._id }, { $set: changes });
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		throw takenError((await findTaken(store, changedUser)) ?? presumablyTaken(changes));
	}
	const takenSince = await findTaken(store, changedUser);
	if (takenSince !== null) {
		const restore = restoreUpdate(fields, user);
		if (restore) await store.users.updateOne({ _id: user._id }, restore);
		throw takenError(takenSince);
	}
}
