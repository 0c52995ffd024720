import { type CompactSet, membersOf } from '../../core/compact-set.js';
import { wireId } from '../codec.js';
import { DocumentMap } from './document-map.js';
import type { LiveQuerySubscriber } from './live-query.js';
import type { SubscriptionHost } from './subscription-host.js';

/**
 * The documents that must be removed from the client when a subscription stops, as collection and id. Stops early when
 * the session has ended.
 * @param added ids of the documents that the publish function has added by calling `added`
 */
export function* documentsToRemove(
	added: DocumentMap<unknown> | undefined,
	queries: CompactSet<LiveQuerySubscriber>,
	host: Pick<SubscriptionHost<unknown>, 'mergeBox' | 'isClosed'>,
): Iterable<[string, unknown]> {
	// Listed before the first wait, because a result that other subscribers share may change during a wait.
	const lists = [...membersOf(queries)]
		.filter(({ name }) => host.mergeBox.removesOnStop(name))
		.map(({ name, sentIds }) => ({ name, sentIds }));
	const documents = added ?? new DocumentMap();
	for (const collection of documents.collections()) {
		for (const [, id] of documents.entriesOf(collection)) {
			if (host.isClosed) return;
			yield [collection, id];
		}
	}
	for (const { name, sentIds } of lists) {
		for (const id of sentIds) {
			if (host.isClosed) return;
			// A document that the publish function has added as well was listed above.
			if (!documents.get(name, wireId(id))) yield [name, id];
		}
	}
}
