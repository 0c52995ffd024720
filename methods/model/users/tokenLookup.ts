/** Looks up the users of login tokens. Look-ups in the same turn of the event loop share queries of up to 200 tokens. */
import { batchesOf } from '../../../shared/batches.js';
import type { LoginToken, User } from '../../../shared/documents.js';
import { type Store, sourceOf } from '../../../shared/store.js';
import { listOf } from '../storedLists.js';

export const TOKENS = 'services.resume.loginTokens';
export const TOKEN_HASH = `${TOKENS}.hashedToken`;

const PROJECTION = { username: 1, active: 1, [TOKENS]: 1 } as const;

const MAX_TOKENS_PER_QUERY = 200;

interface Lookup {
	readonly hashedToken: string;
	/** If given, the token must be this user's. */
	readonly userId: string | undefined;
	resolve(user: User | null): void;
	reject(error: unknown): void;
}

/** The login tokens of a user. Other programs may store a user without the list, or entries without a hash. */
export function loginTokensOf(user: User | null | undefined): LoginToken[] {
	return listOf(user?.services?.resume?.loginTokens).filter((entry) => typeof entry?.hashedToken === 'string');
}

async function lookUpOne({ users }: Store, { hashedToken, userId, resolve, reject }: Lookup): Promise<void> {
	const filter = { ...(userId !== undefined && { _id: userId }), [TOKEN_HASH]: hashedToken };
	try {
		resolve(await users.findOne(filter, { projection: PROJECTION }));
	} catch (error) {
		reject(error);
	}
}

async function lookUpTogether({ users }: Store, lookups: readonly Lookup[]): Promise<void> {
	try {
		const hashes = [...new Set(lookups.map(({ hashedToken }) => hashedToken))];
		const found = await users.find({ [TOKEN_HASH]: { $in: hashes } }, { projection: PROJECTION }).toArray();
		const holders = new Map<string, User[]>();
		for (const user of found) {
			for (const { hashedToken } of loginTokensOf(user)) {
				const otherHolders = holders.get(hashedToken);
				if (otherHolders) otherHolders.push(user);
				else holders.set(hashedToken, [user]);
			}
		}
		for (const { hashedToken, userId, resolve } of lookups) {
			const tokenHolders = holders.get(hashedToken) ?? [];
			const user = userId === undefined ? tokenHolders[0] : tokenHolders.find(({ _id }) => _id === userId);
			resolve(user ?? null);
		}
	} catch (error) {
		for (const { reject } of lookups) reject(error);
	}
}

/** The look-ups that wait for the end of this turn, by store. */
const lookupsByStore = new WeakMap<Store, Lookup[]>();

function flush(store: Store): void {
	const lookups = lookupsByStore.get(store) ?? [];
	lookupsByStore.delete(store);
	for (const [first, ...others] of batchesOf(lookups, MAX_TOKENS_PER_QUERY)) {
		if (first) void (others.length === 0 ? lookUpOne(store, first) : lookUpTogether(store, [first, ...others]));
	}
}

/**
 * Finds the user of a token. The shared query sees everything that was written before this call.
 * @param userId if given, the token must be this user's
 */
export function findUserOfToken(view: Store, hashedToken: string, userId?: string): Promise<User | null> {
	// Each call of a method has its own view of the store. The look-ups of all views are combined.
	const store = sourceOf(view);
	return new Promise((resolve, reject) => {
		const lookups = lookupsByStore.get(store);
		const lookup = { hashedToken, userId, resolve, reject };
		if (lookups) {
			lookups.push(lookup);
			return;
		}
		lookupsByStore.set(store, [lookup]);
		setImmediate(flush, store);
	});
}
