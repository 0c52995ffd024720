/** The collections and their indexes, as Rocket.Chat has them (`contract/rocketchat-e2e.md` section 2). */
import type { Store } from '../../shared/store.js';

export interface Index {
	readonly fields: readonly string[];
	/** No two documents have the same value. */
	readonly unique?: true;
	/** Documents without the field are not in it. */
	readonly sparse?: true;
}

export interface CollectionDescription {
	/** Its name in the database, and of its file. */
	readonly name: string;
	readonly indexes: readonly Index[];
}

export const collections: Readonly<Record<keyof Store, CollectionDescription>> = {
	users: {
		name: 'users',
		indexes: [
			{ fields: ['username'], unique: true, sparse: true },
			{ fields: ['emails.address'], unique: true, sparse: true },
			{ fields: ['services.resume.loginTokens.hashedToken'], unique: true, sparse: true },
		],
	},
	rooms: { name: 'rocketchat_room', indexes: [] },
	subscriptions: {
		name: 'rocketchat_subscription',
		indexes: [
			{ fields: ['rid', 'u._id'], unique: true },
			{ fields: ['u._id'] },
			{ fields: ['E2EKey'], unique: true, sparse: true },
		],
	},
	permissions: { name: 'rocketchat_permissions', indexes: [] },
	teams: { name: 'rocketchat_team', indexes: [] },
	teamMembers: { name: 'rocketchat_team_member', indexes: [{ fields: ['teamId', 'userId'], unique: true }] },
};

/** Makes a store of one collection each. */
export async function storeOf(open: (description: CollectionDescription) => Promise<unknown>): Promise<Store> {
	const opened = await Promise.all(
		Object.entries(collections).map(async ([key, description]) => [key, await open(description)] as const),
	);
	return Object.fromEntries(opened) as unknown as Store;
}
