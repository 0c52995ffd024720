/** Users by their id, or by a name or e-mail as somebody typed it. */
import type { User } from '../../../shared/documents.js';
import { clientError } from '../../../shared/errors.js';
import { Match } from '../../../shared/match.js';
import type { MethodContext } from '../../../shared/method.js';
import type { Filter, Projection, Store } from '../../../shared/store.js';
import { throwIfAborted } from '../signal.js';

/** The fields by which a user can be named. */
export type NameField = 'username' | 'emails.address';

/** Letters of a prefix whose spellings are listed one by one: 16 at most. */
const PREFIX_LENGTH = 4;

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

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
 * Matches a field without regard to case. MongoDB can use the field's index for a prefix that is spelled out, as Meteor
 * does it, but not for a pattern that ignores case. Letters beyond ASCII have more spellings than two: the prefix ends
 * before them.
 */
export function ignoringCase(field: NameField, text: string): Filter<User> {
	const prefix = /^[\x20-\x7e]*/.exec(text)?.[0].slice(0, PREFIX_LENGTH) ?? '';
	const spelledOut = spellings(prefix).map((start) => ({ [field]: new RegExp(`^${escaped(start)}`) }));
	return { [field]: new RegExp(`^${escaped(text)}$`, 'i'), ...(prefix && { $or: spelledOut }) } as Filter<User>;
}

/** Longest name or e-mail that a user can have, in characters. A regular expression cannot hold text of any length. */
const MAX_NAME_LENGTH = 254;

/**
 * Finds the user of a name or an e-mail: the one whose spelling is the same, else the only one whose spelling differs in
 * case alone.
 * @returns null where there is none, or more than one
 */
export async function findByName(
	{ users }: Pick<Store, 'users'>,
	field: NameField,
	text: string,
	projection: Projection,
): Promise<User | null> {
	const exact = await users.findOne({ [field]: text } as Filter<User>, { projection });
	if (exact || text === '' || text.length > MAX_NAME_LENGTH) return exact;
	const found = await users.find(ignoringCase(field, text), { projection, limit: 2 }).toArray();
	return found.length === 1 ? (found[0] as User) : null;
}

/** User names looked up in one query. */
const BATCH = 200;

/**
 * Finds the users of many names, each as `findByName` does. Names that nobody has are passed over.
 * @param projection must hold `username`
 * @returns users by the names that were asked for
 */
export async function findByUsernames(
	{ store, signal }: Pick<MethodContext, 'store' | 'signal'>,
	usernames: readonly string[],
	projection: Projection,
): Promise<Map<string, User>> {
	const found = new Map<string, User>();
	const wanted = [...new Set(usernames)].filter((username) => username !== '');
	for (let i = 0; i < wanted.length; i += BATCH) {
		throwIfAborted(signal);
		const exact = { username: { $in: wanted.slice(i, i + BATCH) } };
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

/** The arguments by which Rocket.Chat's endpoints name a user: one of them is needed. */
export const Whom = {
	userId: Match.Optional(String),
	username: Match.Optional(String),
	/** Another word for `username`. */
	user: Match.Optional(String),
} as const;

/**
 * Finds the user that arguments name; the id goes first.
 * @throws ClientError `error-user-param-not-provided` where they name nobody
 */
export async function findUser(
	{ store, name }: Pick<MethodContext, 'store' | 'name'>,
	{ userId, username, user }: { userId?: string; username?: string; user?: string },
	projection: Projection,
): Promise<User | null> {
	if (userId) return store.users.findOne({ _id: userId }, { projection });
	const typed = username || user;
	if (!typed) throw clientError('userNotNamed', { method: name });
	return findByName(store, 'username', typed, projection);
}
