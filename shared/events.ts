/** The events by which the parts of a server notify each other (`server/cluster/bus.ts`). */
import type { Change } from './store.js';

export type { Change };

/** What the listeners of each event receive. */
export interface EventPayloads {
	/** The store announces a written document. For a user the event has only the id, because user documents have secrets. */
	changed: Change;
	/** Login tokens are no longer valid: every session that uses one must end (`test/contract/ddp.md` 16.2). */
	'tokens-removed': { readonly userId: string; readonly hashedTokens: readonly string[] };
	/** An event for the readers of a stream (`test/contract/rocketchat-e2e.md` section 10). */
	notify: { readonly stream: string; readonly eventName: string; readonly args: readonly unknown[] };
}

export type EventName = keyof EventPayloads;

/** May be asynchronous: DDP's message `updated` of the publishing method is sent after the listener has ended. */
export type Listener<N extends EventName> = (payload: EventPayloads[N], by?: EventSource) => void | Promise<void>;

/** The call that published an event. */
export interface EventSource {
	/** What the log says about the call. */
	facts(): object;
}

export interface EventPublisher {
	/**
	 * Notifies every listener.
	 * @param by absent if no call of this process published the event
	 * @returns resolves when all listeners have ended, and never rejects; undefined if none is asynchronous
	 */
	publish<N extends EventName>(name: N, payload: EventPayloads[N], by?: EventSource): Promise<unknown> | undefined;
}

/** An event that a method may publish: not `changed`, which is published for the writes that the store announces. */
export type PublishedEvent = Exclude<EventName, 'changed'>;

/** What a method publishes events by: `context.events`. */
export interface Events {
	emit<N extends PublishedEvent>(name: N, payload: EventPayloads[N]): void;
}
