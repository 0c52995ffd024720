/** Publishes the writes of a store as events on the bus. */
import type { Change } from '../../shared/store.js';
import type { OpenStore } from '../store/collections.js';
import type { Bus } from './bus.js';

/**
 * Publishes every announced write on the bus. Of a user it publishes only the id, because the document contains secrets.
 * Listeners read the fields that they need.
 * @returns a function that stops it
 */
export function publishChanges(onChange: OpenStore['onChange'], bus: Bus): () => void {
	return onChange((change) => bus.publish('changed', withoutSecrets(change)));
}

/** A change as listeners receive it: of a user only the id. */
export function withoutSecrets(change: Change): Change {
	const { collection, action, document } = change;
	return collection === 'users' ? { collection, action, document: { _id: document._id } } : change;
}
