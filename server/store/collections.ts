/** Which property of a `Store` is which collection: the names are Rocket.Chat's, so that both work on the same data. */
import type { Collection, Store } from '../../shared/store.js';

export type CollectionName =
	| 'users'
	| 'rocketchat_room'
	| 'rocketchat_subscription'
	| 'rocketchat_permissions'
	| 'rocketchat_team'
	| 'rocketchat_team_member';

/** A store that is open, and the way to end it. */
export interface OpenStore {
	readonly store: Store;
	/** Refuses further writes, waits for those that run, and lets go of files and connections. A second call does nothing. */
	close(): Promise<void>;
}

/** Opens one collection by its name. */
export type OpenCollection = <T extends { _id: string }>(name: CollectionName) => Promise<Collection<T>>;

/** Opens all collections one after the other; rejects with the first failure. */
export async function buildStore(open: OpenCollection): Promise<Store> {
	return {
		users: await open('users'),
		rooms: await open('rocketchat_room'),
		subscriptions: await open('rocketchat_subscription'),
		permissions: await open('rocketchat_permissions'),
		teams: await open('rocketchat_team'),
		teamMembers: await open('rocketchat_team_member'),
	};
}
