import { type CompactSet, membersOf } from '../../core/compact-set.js';
import { wireId } from '../codec.js';
import { DocumentMap } from './document-map.js';
import type { LiveQuerySubscriber } from './live-query.js';
import type { SubscriptionHost } from './subscription-host.js';

/**
 * The documents that must be removed from the client when a subscription stops, as collection and id. Ends early when
 * the client has disconnected.
 * @param added ids of the documents that the publish function has added by calling `added`; undefined if there are none
 * @param queries the live queries of the subscription
 */
export function* documentsToRemove(
	added: DocumentMap<unknown> | undefined,
	queries: CompactSet<LiveQuerySubscriber>,
	host: Pick<SubscriptionHost<unknown>, 'mergeBox' | 'isClosed'>,
): Iterable<[string, unknown]> {
	const documents = added ?? new DocumentMap();
	for (const collection of documents.collections()) {
		for (const [, id] of documents.entriesOf(collection)) {
			if (host.isClosed) return;
			yield [collection, id];
		}
	}
	for (const { name, sentIds } of membersOf(queries)) {
		if (!host.mergeBox.removesOnStop(name)) continue;
		for (const id of sentIds) {
			if (host.isClosed) return;
			// A document that the publish function has added as well was listed above.
			if (!documents.get(name, wireId(id))) yield [name, id];
		}
	}
}
