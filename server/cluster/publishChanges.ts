/** Publishes the writes of a store as events on the bus. */
import type { Change } from '../../shared/store.js';
import type { OpenStore } from '../store/collections.js';
import type { Bus } from './bus.js';

/**
 * Publishes every announced write on the bus. For a user, the event has only the id, because the document has secrets:
 * listeners read the fields that they need.
 * @returns a function that ends the publishing
 */
export function publishChanges(onChange: OpenStore['onChange'], bus: Bus): () => void {
	return onChange((change) => bus.publish('changed', withoutUserFields(change)));
}

/** A change as listeners receive it: that of a user has only the id. */
export function withoutUserFields(change: Change): Change {
	const { collection, action, document } = change;
	return collection === 'users' ? { collection, action, document: { _id: document._id } } : change;
}
