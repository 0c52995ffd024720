import type { Change } from '../../shared/store.js';
import type { OpenStore } from '../store/collections.js';
import type { Bus } from './bus.js';

/** Publishes every announced write of a store on the bus. @returns a function that stops this */
export function publishChanges(onChange: OpenStore['onChange'], bus: Bus): () => void {
	return onChange((change) => bus.publish('changed', withoutUserFields(change)));
}

/** The change of a user keeps only the id, because the document has secrets. */
export function withoutUserFields(change: Change): Change {
	const { collection, action, document } = change;
	return collection === 'users' ? { collection, action, document: { _id: document._id } } : change;
}
