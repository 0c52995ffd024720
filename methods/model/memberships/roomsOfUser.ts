/** Reads the rooms of a user and the memberships in them, in pages. */
import { batchesOf } from '../../../shared/batches.js';
import type { Room, Subscription } from '../../../shared/documents.js';
import type { Filter, Store } from '../../../shared/store.js';
import { type PageOptions, pagesOf } from '../pages.js';
import { MEMBER } from './members.js';

/** Number of rooms in a page, and so of ids in one query. */
const ROOMS_PER_PAGE = 200;

/**
 * Reads the memberships of a user in pages.
 * @param extraFilter for example `MEMBER`; without a filter, invitations are read too
 * @param options as in `pagesOf`
 * @throws ClientError `error-timeout` once the signal has fired
 */
export function membershipsOfUser(
	store: Store,
	userId: string,
	extraFilter: Filter<Subscription> = {},
	options: Omit<PageOptions, 'key'> = {},
): AsyncGenerator<Subscription[]> {
	return pagesOf(store.subscriptions, { ...extraFilter, 'u._id': userId }, options);
}

export interface RoomsOfUserOptions {
	/** Default `MEMBER`, which excludes invitations. */
	readonly memberships?: Filter<Subscription>;
	/** `rid` is always read. Default: only `rid` and `_id`. */
	readonly membershipFields?: Readonly<Record<string, 1>>;
	/** Default: all rooms of the memberships. */
	readonly rooms?: Filter<Room>;
	readonly roomFields: Readonly<Record<string, 1>>;
	readonly signal?: AbortSignal | undefined;
}

/** Some memberships of the user, and the rooms of these memberships that match the filter. */
export interface RoomsPage {
	readonly memberships: Subscription[];
	readonly rooms: Room[];
}

/**
 * Reads the rooms of a user in pages, with the memberships.
 * @throws ClientError `error-timeout` once the signal has fired
 */
export async function* roomsOfUser(
	store: Store,
	userId: string,
	{
		memberships: membershipFilter = MEMBER,
		membershipFields,
		rooms: roomFilter,
		roomFields,
		signal,
	}: RoomsOfUserOptions,
): AsyncGenerator<RoomsPage> {
	const projection = { ...membershipFields, rid: 1 } as const;
	for await (const page of membershipsOfUser(store, userId, membershipFilter, { projection, signal })) {
		for (const memberships of batchesOf(page, ROOMS_PER_PAGE)) {
			const whereInPage = { ...roomFilter, _id: { $in: memberships.map(({ rid }) => rid) } };
			const rooms = await store.rooms.find(whereInPage, { projection: roomFields }).toArray();
			yield { memberships, rooms };
		}
	}
}
