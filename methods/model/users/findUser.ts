/** Finds users by id, or by user name or e-mail without regard to case. */

import { batchesOf } from '../../../shared/batches.js';
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { escapeRegExp } from '../../../shared/escapeRegExp.js';
import { Match } from '../../../shared/match.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Projection, Store } from '../../../shared/store.js';
import { throwIfAborted } from '../signal.js';

export type NameField = 'username' | 'emails.address';

/** A prefix of this length has at most 16 spellings in upper and lower case. */
const PREFIX_LENGTH = 4;

function spellings(text: string): string[] {
	let all = [''];
	for (const letter of text) {
		const forms = [...new Set([letter.toLowerCase(), letter.toUpperCase()])];
		all = all.flatMap((start) => forms.map((form) => start + form));
	}
	return all;
}

/**
 * Matches a field without regard to case. MongoDB uses no index for a pattern that ignores case. The filter therefore
 * also lists all spellings of the first letters, as in Meteor: for these MongoDB uses the index. Letters beyond ASCII,
 * which can have more than two spellings, end the prefix.
 */
export function ignoringCase(field: NameField, text: string): Filter<User> {
	const [asciiStart = ''] = /^[\x20-\x7e]*/.exec(text) ?? [];
	const prefix = asciiStart.slice(0, PREFIX_LENGTH);
	const startsWithPrefix = spellings(prefix).map((start) => ({ [field]: new RegExp(`^${escapeRegExp(start)}`) }));
	return { [field]: new RegExp(`^${escapeRegExp(text)}$`, 'i'), ...(prefix && { $or: startsWithPrefix }) };
}

/** In characters, for user names and e-mails. The length of a regular expression is limited. */
const MAX_NAME_LENGTH = 254;

/** Finds a user by user name or e-mail: an exact match, or else the only match without regard to case. */
export async function findByName(
	{ users }: Pick<Store, 'users'>,
	field: NameField,
	text: string,
	projection: Projection,
): Promise<User | null> {
	const exact = await users.findOne({ [field]: text }, { projection });
	// A regular expression of MongoDB cannot contain the NUL character.
	if (exact || text === '' || text.length > MAX_NAME_LENGTH || text.includes('\0')) return exact;
	const found = await users.find(ignoringCase(field, text), { projection, limit: 2 }).toArray();
	return found.length === 1 ? (found[0] as User) : null;
}

/** How a login identifies its user. The first given field in this order counts. */
export interface LoginName {
	readonly id?: string | undefined;
	readonly username?: string | undefined;
	readonly email?: string | undefined;
}

/** Finds the user whom a login identifies. */
export async function findByLoginName(
	store: Pick<Store, 'users'>,
	{ id, username, email }: LoginName,
	projection: Projection,
): Promise<User | null> {
	if (id !== undefined) return store.users.findOne({ _id: id }, { projection });
	if (username !== undefined) return findByName(store, 'username', username, projection);
	return email === undefined ? null : findByName(store, 'emails.address', email, projection);
}

const NAMES_PER_QUERY = 200;

/**
 * Finds the users of many names, each as `findByName` does.
 * @param projection must contain `username`
 * @returns the users by requested name; unknown names are missing
 */
export async function findByUsernames(
	{ store, signal }: Pick<MethodContext, 'store' | 'signal'>,
	usernames: readonly string[],
	projection: Projection,
): Promise<Map<string, User>> {
	const found = new Map<string, User>();
	const distinctNames = [...new Set(usernames)].filter((username) => username !== '');
	for (const batch of batchesOf(distinctNames, NAMES_PER_QUERY)) {
		throwIfAborted(signal);
		const exact = { username: { $in: batch } };
		for await (const user of store.users.find(exact, { projection })) found.set(user.username as string, user);
	}
	for (const username of distinctNames) {
		if (found.has(username)) continue;
		throwIfAborted(signal);
		const user = await findByName(store, 'username', username, projection);
		if (user) found.set(username, user);
	}
	return found;
}

/** The arguments that identify a user in Rocket.Chat's REST API. One of them is required. */
export const USER_ARGS = {
	userId: Match.Optional(String),
	username: Match.Optional(String),
	/** An alias of `username`. */
	user: Match.Optional(String),
} as const;

export type UserArgs = { userId?: string; username?: string; user?: string };

/**
 * Finds the user that the arguments identify; the id takes precedence. The audit event of the call gets the user's id.
 * @throws ClientError `error-user-param-not-provided` if all arguments are absent or empty
 */
export async function findUser(
	context: Pick<MethodContext, 'store' | 'audit'>,
	{ userId, username, user }: UserArgs,
	projection: Projection,
): Promise<User | null> {
	const name = username || user;
	if (!userId && !name) throw clientError('userParamNotProvided');
	const found = userId
		? await context.store.users.findOne({ _id: userId }, { projection })
		: await findByName(context.store, 'username', name as string, projection);
	if (found) context.audit({ userId: found._id });
	return found;
}
