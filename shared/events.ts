/** Events that methods publish after a write, for sessions and publications in this process or others. */
import type { DocumentOf, Store } from './store.js';

/**
 * A document was written. `document` is its present state, or its last state before the removal; for a user only the
 * id.
 */
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
	/** An event for the readers of a stream (`test/contract/rocketchat-e2e.md` section 10). */
	notify: { readonly stream: string; readonly eventName: string; readonly args: readonly unknown[] };
}

export type EventName = keyof EventPayloads;

/** A listener may be asynchronous: `updated` of the publishing method is sent after it has ended. */
export type Listener<N extends EventName> = (payload: EventPayloads[N]) => void | Promise<void>;

export interface EventPublisher {
	/**
	 * Notifies every listener.
	 * @returns resolves when all listeners have ended, and never rejects; undefined if none is asynchronous
	 */
	publish<N extends EventName>(name: N, payload: EventPayloads[N]): Promise<unknown> | undefined;
}

export interface Events {
	emit<N extends EventName>(name: N, payload: EventPayloads[N]): void;
}
