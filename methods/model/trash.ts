/**
 * Records of removed documents, for clients that ask for changes since a time (`test/contract/rocketchat-e2e.md` 2.4).
 */
import type { Trashed, UserRef } from '../../shared/documents.js';
import { isDuplicateKey, type Store } from '../../shared/store.js';

/**
 * Records the removal of a document before it is removed: after a crash in between, the record becomes true when the
 * call is repeated. The record of a membership contains no key.
 */
export async function noteRemoval(
	store: Store,
	kind: 'room' | 'subscription',
	{ _id, rid, u }: { _id: string; rid?: string; u?: UserRef },
): Promise<void> {
	const _deletedAt = new Date();
	const note: Trashed = { _id, __collection__: kind, _deletedAt };
	if (rid !== undefined) note.rid = rid;
	if (kind === 'subscription' && u) note.u = u;
	try {
		await store.trash.insertOne(note, { silent: true });
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		// The record exists already: it was written before a crash, or for an earlier direct room with the same id.
		await store.trash.updateOne({ _id }, { $set: { _deletedAt } }, { silent: true });
	}
}
