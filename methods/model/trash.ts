/**
 * Records of removed documents, for clients that ask for changes since a time (`test/contract/rocketchat-e2e.md` 2.4).
 */

import type { Trashed, UserRef } from '../../shared/documents.js';
import type { Store } from '../../shared/store.js';
import { insertIfAbsent } from './insertIfAbsent.js';

/**
 * Records the removal of a document. Must be called before the removal, so that no crash leaves a removal without a
 * record. The record of a membership contains no room keys.
 */
export async function recordRemoval(
	store: Store,
	kind: 'room' | 'subscription',
	{ _id, rid, u }: { _id: string; rid?: string; u?: UserRef },
): Promise<void> {
	const _deletedAt = new Date();
	const record: Trashed = { _id, __collection__: kind, _deletedAt };
	if (rid !== undefined) record.rid = rid;
	if (kind === 'subscription' && u) record.u = u;
	if (await insertIfAbsent(store.trash, record, { silent: true })) return;
	// The record exists already: an earlier call has crashed before the removal, or an earlier direct room had the same
	// id.
	await store.trash.updateOne({ _id }, { $set: { _deletedAt } }, { silent: true });
}
