/**
 * Finds recently written documents that concern the readers of streams in this process. All stores have indexes for the
 * ids in the queries. Settings and permissions are few.
 */
import { batchesOf } from '../../shared/batches.js';
import type { Store } from '../../shared/store.js';
import { createYielder } from '../../shared/yielding.js';
import type { ChangedElsewhere } from './changedElsewhere.js';

/** Maximum number of users or rooms in one query. */
const BATCH_SIZE = 100;

/** The event names of a stream that have readers in this process, such as `<user id>/rooms-changed`. */
export type EventNamesOf = (stream: string) => ReadonlyMap<string, unknown>;

/**
 * Reports the documents that were written since `since`. Each part waits until the earlier ones are handled, so that
 * not too many reports wait.
 */
export async function reportRecentWrites(
	store: Store,
	eventNamesOf: EventNamesOf,
	{ report, settled }: Pick<ChangedElsewhere, 'report' | 'settled'>,
	since: Date,
): Promise<void> {
	const yielder = createYielder(BATCH_SIZE);
	const recent = { _updatedAt: { $gte: since } };
	const idOnly = { projection: { _id: 1 } } as const;

	for await (const { _id } of store.settings.find(recent, idOnly)) report('settings', _id);
	for await (const { _id } of store.permissions.find(recent, idOnly)) report('permissions', _id);

	const userIds = new Set<string>();
	// These names begin with the id of a user and a slash.
	for (const name of eventNamesOf('notify-user').keys()) userIds.add(name.slice(0, name.indexOf('/')));
	const roomIds = new Set(eventNamesOf('room-data').keys());
	for (const ids of batchesOf([...userIds], BATCH_SIZE)) {
		for await (const { _id } of store.users.find({ _id: { $in: ids }, ...recent }, idOnly)) report('users', _id);
		const memberships = store.subscriptions.find({ 'u._id': { $in: ids } }, { projection: { rid: 1, _updatedAt: 1 } });
		for await (const { _id, rid, _updatedAt } of memberships) {
			roomIds.add(rid);
			if (_updatedAt !== undefined && _updatedAt >= since) report('subscriptions', _id);
			const pause = yielder();
			if (pause) await pause;
		}
		const recentlyRemoved = { 'u._id': { $in: ids }, __collection__: 'subscription', _deletedAt: { $gte: since } };
		for await (const { _id, rid, u } of store.trash.find(recentlyRemoved)) {
			report('subscriptions', _id, {
				action: 'removed',
				last: { _id, ...(rid !== undefined && { rid }), ...(u && { u }) },
			});
		}
		await settled();
	}
	for (const ids of batchesOf([...roomIds], BATCH_SIZE)) {
		for await (const { _id } of store.rooms.find({ _id: { $in: ids }, ...recent }, idOnly)) report('rooms', _id);
		await settled();
	}
}
