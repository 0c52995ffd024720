/** Finds users by id, or by a name or e-mail without regard to case. */

import { batchesOf } from '../../../shared/batches.js';
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { escapeRegExp } from '../../../shared/escapeRegExp.js';
import { Match } from '../../../shared/match.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Projection, Store } from '../../../shared/store.js';
import { throwIfAborted } from '../signal.js';

/** The fields that identify a user. */
export type NameField = 'username' | 'emails.address';

/** Letters of the prefix whose upper and lower case spellings are listed: at most 16 spellings. */
const PREFIX_LENGTH = 4;

/** Every spelling of an ASCII text in upper and lower case. */
function spellings(text: string): string[] {
	return [...text].reduce<string[]>(
		(all, letter) => {
			const both = [...new Set([letter.toLowerCase(), letter.toUpperCase()])];
			return all.flatMap((start) => both.map((form) => start + form));
		},
		[''],
	);
}

/**
 * Matches a field without regard to case. MongoDB can use the field's index for listed prefixes, as in Meteor, but not
 * for a pattern that ignores case. Letters beyond ASCII can have more than two spellings, so the prefix ends before
 * them.
 */
export function ignoringCase(field: NameField, text: string): Filter<User> {
	const prefix = /^[\x20-\x7e]*/.exec(text)?.[0].slice(0, PREFIX_LENGTH) ?? '';
	const spelledOut = spellings(prefix).map((start) => ({ [field]: new RegExp(`^${escapeRegExp(start)}`) }));
	return { [field]: new RegExp(`^${escapeRegExp(text)}$`, 'i'), ...(prefix && { $or: spelledOut }) };
}

/** Longest name or e-mail that a user can have, in characters. The length of a regular expression is limited. */
const MAX_NAME_LENGTH = 254;

/**
 * Finds a user by name or e-mail: an exact match, or else the only match without regard to case.
 * @returns null if there is none, or more than one
 */
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

/** User names looked up in one query. */
const BATCH = 200;

/**
 * Finds the users of many names, each as `findByName` does. Unknown names are ignored.
 * @param projection must contain `username`
 * @returns users by the requested names
 */
export async function findByUsernames(
	{ store, signal }: Pick<MethodContext, 'store' | 'signal'>,
	usernames: readonly string[],
	projection: Projection,
): Promise<Map<string, User>> {
	const found = new Map<string, User>();
	const wanted = [...new Set(usernames)].filter((username) => username !== '');
	for (const batch of batchesOf(wanted, BATCH)) {
		throwIfAborted(signal);
		const exact = { username: { $in: batch } };
		for await (const user of store.users.find(exact, { projection })) found.set(user.username as string, user);
	}
	for (const username of wanted) {
		if (found.has(username)) continue;
		throwIfAborted(signal);
		const user = await findByName(store, 'username', username, projection);
		if (user) found.set(username, user);
	}
	return found;
}

/** The arguments by which Rocket.Chat's endpoints identify a user: one of them is required. */
export const USER_ARGS = {
	userId: Match.Optional(String),
	username: Match.Optional(String),
	/** An alias of `username`. */
	user: Match.Optional(String),
} as const;

export type UserArgs = { userId?: string; username?: string; user?: string };

/**
 * Finds the user that the arguments identify; the id takes precedence.
 * @throws ClientError `error-user-param-not-provided` if all are absent
 */
export async function findUser(
	store: Store,
	{ userId, username, user }: UserArgs,
	projection: Projection,
): Promise<User | null> {
	if (userId) return store.users.findOne({ _id: userId }, { projection });
	const typed = username || user;
	if (!typed) throw clientError('userNotNamed');
	return findByName(store, 'username', typed, projection);
}
