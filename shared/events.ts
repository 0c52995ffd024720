/** What methods announce after a write, for whoever must know: sessions and publications, in this process or others. */
import type { DocumentOf, Store } from './store.js';

/** A document was written. `document` is what is known of it now, or was before it was removed; of a user only the id. */
export type Change = {
	[C in keyof Store]: {
		readonly collection: C;
		readonly action: 'inserted' | 'updated' | 'removed';
		readonly document: { readonly _id: string } & Partial<DocumentOf<C>>;
	};
}[keyof Store];

export interface EventPayloads {
	changed: Change;
	/** Login tokens are no longer valid: every session that uses one must end (`test/contract/ddp.md` 16.2). */
	'tokens-removed': { readonly userId: string; readonly hashedTokens: readonly string[] };
	/** Something for those who read a stream (`test/contract/rocketchat-e2e.md` section 10). */
	notify: { readonly stream: string; readonly eventName: string; readonly args: readonly unknown[] };
}

export type EventName = keyof EventPayloads;

/** A listener may go on asynchronously: until it has ended, the method that announced is not `updated`. */
export type Listener<N extends EventName> = (payload: EventPayloads[N]) => void | Promise<void>;

export interface EventPublisher {
	/**
	 * Notifies every listener.
	 * @returns resolves, and never rejects, when all listeners have ended; undefined where none goes on asynchronously
	 */
	publish<N extends EventName>(name: N, payload: EventPayloads[N]): Promise<unknown> | undefined;
}

export interface Events {
	emit<N extends EventName>(name: N, payload: EventPayloads[N]): void;
}
