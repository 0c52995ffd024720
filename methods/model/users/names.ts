/** Validates and changes user names and e-mails. */
import type { User } from '../../../shared/documents.js';
import { clientError, clientErrorFrom } from '../../../shared/errors.js';
import { Match } from '../../../shared/match.js';
import { isDuplicateKey, type Store, type UpdateFilter } from '../../../shared/store.js';
import { updateOf } from '../updateOf.js';
import { findTaken } from './insertUser.js';

/** Maximum length of an e-mail (RFC 5321), used for names too, in characters. */
const MAX_EMAIL_LENGTH = 254;

/** ASCII letters, digits, dots, underscores and hyphens. */
const USERNAME = /^[0-9a-zA-Z._-]+$/;
/** Two parts around one `@`, without spaces, control characters and unpaired surrogates. */
const EMAIL = /^[^@\s\p{Cc}\p{Cs}]+@[^@\s\p{Cc}\p{Cs}]+$/u;

/** Rocket.Chat's list of reserved names. Some suggest an authority; `@all` and `@here` mention all members. */
const BLOCKED = new Set(['all', 'here', 'admin', 'administrator', 'system', 'user']);

/** Control characters and unpaired surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** A display name: neither blank nor too long. */
export const RealName = Match.Where(
	(text): text is string => {
		if (typeof text !== 'string' || text.length > MAX_EMAIL_LENGTH) return false;
		return text.trim() !== '' && !UNPRINTABLE.test(text);
	},
	'text of 1 to 254 characters on one line',
	{ type: 'string', minLength: 1, maxLength: MAX_EMAIL_LENGTH },
);

export const isUsername = (text: string): boolean => text.length <= MAX_EMAIL_LENGTH && USERNAME.test(text);
export const isEmail = (text: string): boolean => text.length <= MAX_EMAIL_LENGTH && EMAIL.test(text);
const isBlocked = (username: string): boolean => BLOCKED.has(username.toLowerCase());

/** @throws ClientError `error-input-is-not-a-valid-field` */
function requireUsername(username: string): void {
	if (!isUsername(username)) throw clientErrorFrom('invalidUsername', username.slice(0, MAX_EMAIL_LENGTH));
}

/**
 * Refuses a user name that is invalid or reserved. `insertUser` checks whether another user has the name.
 * @throws ClientError `error-input-is-not-a-valid-field`, `error-blocked-username`
 */
export function requireAllowedUsername(username: string): void {
	requireUsername(username);
	if (isBlocked(username)) throw clientErrorFrom('blockedUsername', username);
}

/** @throws ClientError `error-invalid-email` */
export function requireEmail(email: string): void {
	if (!isEmail(email)) throw clientErrorFrom('invalidEmail', email.slice(0, MAX_EMAIL_LENGTH));
}

export interface NewNames {
	readonly username?: string | undefined;
	readonly email?: string | undefined;
	/** Whether the e-mail is verified. By default a new e-mail is not verified, and an unchanged e-mail stays as it was. */
	readonly verified?: boolean | undefined;
}

/** The e-mails of a user after the change; undefined if there are none. Only the first e-mail can change. */
function emailsAfter({ emails = [] }: User, { email, verified }: NewNames): User['emails'] {
	const [first, ...others] = emails;
	const address = email ?? first?.address;
	if (address === undefined) return undefined;
	const isSameAddress = address.toLowerCase() === first?.address.toLowerCase();
	return [{ address, verified: verified ?? (isSameAddress && first?.verified === true) }, ...others];
}

/** Builds an update that restores the values that these fields have in `user`. */
function restoreUpdate(fields: readonly (keyof User)[], user: User): UpdateFilter<User> | null {
	const present = fields.filter((field) => user[field] !== undefined);
	const absent = fields.filter((field) => user[field] === undefined);
	return updateOf(Object.fromEntries(present.map((field) => [field, user[field]])), absent);
}

/**
 * Changes the user name and the e-mail of a user, unless another user has one of them. Checks again after the write,
 * because the indexes distinguish `alice` from `Alice`. If two users concurrently take names that differ only in case,
 * at least one of the two calls undoes its change.
 * @param user as stored, with `username` and `emails`
 * @throws ClientError `error-could-not-save-identity` for a name that is taken or blocked, `error-field-unavailable` for
 * an e-mail that is taken, and what `requireUsername` and `requireEmail` throw
 */
export async function saveNames(store: Store, user: User, names: NewNames): Promise<void> {
	const { username, email } = names;
	if (username !== undefined) requireUsername(username);
	if (email !== undefined) requireEmail(email);
	const changes: Pick<User, 'username' | 'emails'> = {};
	if (username !== undefined && username !== user.username) changes.username = username;
	const emails = emailsAfter(user, names);
	if (emails && JSON.stringify(emails) !== JSON.stringify(user.emails)) changes.emails = emails;
	const fields = Object.keys(changes) as (keyof User)[];
	if (fields.length === 0) return;
	const changedUser = { _id: user._id, ...changes };
	const unavailableError = (text: string) =>
		text === changes.username
			? clientError('identityNotSaved')
			: clientErrorFrom('fieldUnavailable', text, { field: text });
	if (changes.username !== undefined && isBlocked(changes.username)) throw unavailableError(changes.username);
	const taken = await findTaken(store, changedUser);
	if (taken !== null) throw unavailableError(taken);
	try {
		await store.users.updateOne({ _id: user._id }, { $set: changes });
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		// If nothing is taken any more, the other call has undone its change. The user name is reported then.
		throw unavailableError((await findTaken(store, changedUser)) ?? changes.username ?? '');
	}
	const takenSince = await findTaken(store, changedUser);
	if (takenSince !== null) {
		const restore = restoreUpdate(fields, user);
		if (restore) await store.users.updateOne({ _id: user._id }, restore);
		throw unavailableError(takenSince);
	}
}
