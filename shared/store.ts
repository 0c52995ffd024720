/**
 * The collections that methods use: a subset of the type `Collection` of the MongoDB driver. The embedded stores (in
 * memory and in files) implement it too.
 */
import type {
	KeyHistory,
	Permission,
	Role,
	Room,
	Setting,
	SharedState,
	Subscription,
	Team,
	TeamMember,
	Trashed,
	User,
} from './documents.js';
import type { Filter, UpdateFilter } from './query.js';

export type { Filter, UpdateFilter };

/** Which fields to read: `{name: 1}` these and `_id`, `{name: 0}` all others. Not mixed, except for `_id`. */
export type Projection = Record<string, 0 | 1>;

export interface FindOptions {
	projection?: Projection;
	/** 1 ascending, -1 descending. */
	sort?: Record<string, 1 | -1>;
	skip?: number;
	/** 0 or absent: no limit. */
	limit?: number;
}

/** The result of a query, read on demand. */
export interface Cursor<T> extends AsyncIterable<T> {
	toArray(): Promise<T[]>;
}

export interface WriteOptions {
	/** True: the write is not announced to subscribers. */
	readonly silent?: boolean;
	/**
	 * Called for each announcement of the write that a subscriber receives asynchronously. `delivered` resolves when all
	 * subscribers have received it, and never rejects.
	 */
	readonly onAnnounced?: (delivered: Promise<unknown>) => void;
}

/** Every update also sets `_updatedAt`, as in Rocket.Chat. */
export interface Collection<T extends { _id: string }> {
	findOne(filter: Filter<T>, options?: FindOptions): Promise<T | null>;
	find(filter: Filter<T>, options?: FindOptions): Cursor<T>;
	countDocuments(filter: Filter<T>): Promise<number>;
	/** Rejects with a duplicate key error (see `isDuplicateKey`) if a unique value is already stored. */
	insertOne(document: T, options?: WriteOptions): Promise<unknown>;
	/** Atomic: if the update makes the filter false, only one of several concurrent callers matches. */
	updateOne(filter: Filter<T>, update: UpdateFilter<T>, options?: WriteOptions): Promise<{ matchedCount: number }>;
	updateMany(filter: Filter<T>, update: UpdateFilter<T>, options?: WriteOptions): Promise<{ matchedCount: number }>;
	/** Returns the document before or after the update; null if none matched. */
	findOneAndUpdate(
		filter: Filter<T>,
		update: UpdateFilter<T>,
		options: { returnDocument: 'before' | 'after'; projection?: Projection } & WriteOptions,
	): Promise<T | null>;
	deleteOne(filter: Filter<T>, options?: WriteOptions): Promise<{ deletedCount: number }>;
	deleteMany(filter: Filter<T>, options?: WriteOptions): Promise<{ deletedCount: number }>;
	/**
	 * Announces a silent write later, when related writes are stored too. Announces the stored state, because other
	 * writes may have been announced meanwhile. Does nothing after an insert or update if the document does not exist
	 * any more.
	 * @param document after a removal the last state; otherwise only `_id` is used
	 */
	announce(action: Change['action'], document: Pick<T, '_id'> & Partial<T>, options?: WriteOptions): Promise<void>;
}

export interface Store {
	readonly users: Collection<User>;
	readonly rooms: Collection<Room>;
	readonly subscriptions: Collection<Subscription>;
	readonly permissions: Collection<Permission>;
	readonly roles: Collection<Role>;
	readonly teams: Collection<Team>;
	readonly teamMembers: Collection<TeamMember>;
	readonly settings: Collection<Setting>;
	readonly trash: Collection<Trashed>;
	readonly keyHistory: Collection<KeyHistory>;
	/** Shared by the processes of one service for a limited time. Used only if `isShared`. All writes are silent. */
	readonly sharedState: Collection<SharedState>;
}

export type DocumentOf<C extends keyof Store> = Store[C] extends Collection<infer T> ? T : never;

/** A written document. Listeners must not change it. */
export interface Change<C extends string = string> {
	readonly collection: C;
	readonly action: 'inserted' | 'updated' | 'removed';
	/** The present state, or the last one before the removal. */
	readonly document: C extends keyof Store ? DocumentOf<C> : { readonly _id: string };
	/** The state before an update, if known. */
	readonly before?: C extends keyof Store ? DocumentOf<C> : { readonly _id: string };
}

export function isChangeOf<C extends keyof Store>(change: Change, collection: C): change is Change<C> {
	return change.collection === collection;
}

/** A view of a store, such as that of one call. Caches belong to the store behind the view. */
export abstract class StoreView {
	abstract readonly source: Store;
}

/** The store behind a view. Any other store is returned unchanged. */
export function sourceOf(store: Store): Store {
	return store instanceof StoreView ? store.source : store;
}

const sharedStores = new WeakSet<Store>();

/** Declares that other processes of the same service may use this store. */
export function declareShared(store: Store): void {
	sharedStores.add(sourceOf(store));
}

/** Whether other processes of the same service may use this store. If not, memory replaces `sharedState`. */
export function isShared(store: Store): boolean {
	return sharedStores.has(sourceOf(store));
}

const readOnlyStores = new WeakSet<Store>();

/** Declares that this store refuses all writes. */
export function declareReadOnly(store: Store): void {
	readOnlyStores.add(sourceOf(store));
}

/** Whether a store refuses all writes. Then reading methods must not repair what is stored. */
export function isReadOnly(store: Store): boolean {
	return readOnlyStores.has(sourceOf(store));
}

/**
 * Names of the collections in the database and in DDP: those of Rocket.Chat, so that Roomkey and Rocket.Chat can use
 * the same database, and two of Roomkey's own.
 */
export const collectionNames = {
	users: 'users',
	rooms: 'rocketchat_room',
	subscriptions: 'rocketchat_subscription',
	permissions: 'rocketchat_permissions',
	roles: 'rocketchat_roles',
	teams: 'rocketchat_team',
	teamMembers: 'rocketchat_team_member',
	settings: 'rocketchat_settings',
	trash: 'rocketchat__trash',
	keyHistory: 'roomkey_key_history',
	sharedState: 'roomkey_shared_state',
} as const satisfies Record<keyof Store, string>;
