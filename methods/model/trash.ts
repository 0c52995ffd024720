/** What was removed, for clients that ask what has changed since (`test/contract/rocketchat-e2e.md` 2.4). */
import type { Trashed, UserRef } from '../../shared/documents.js';
import { isDuplicateKey, type Store } from '../../shared/store.js';

/**
 * Notes that a document is removed, before it is: a crash in between leaves a note that is true as soon as the call is
 * repeated. The note of a membership holds no key.
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
		await store.trash.insertOne(note);
	} catch (error) {
		if (!isDuplicateKey(error)) throw error;
		// Noted before a crash, or a direct room, which has the same id each time it is made.
		await store.trash.updateOne({ _id }, { $set: { _deletedAt } });
	}
}
