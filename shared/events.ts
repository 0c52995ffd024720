/** The events by which the parts of a server notify each other (`server/cluster/bus.ts`). */
import type { Change } from './store.js';

export type { Change };

export interface EventPayloads {
	/** A written document. For a user the event has only the id, because user documents have secrets. */
	changed: Change;
	/** Every session that uses one of these login tokens must end (`test/contract/ddp.md` 16.2). */
	'tokens-removed': { readonly userId: string; readonly hashedTokens: readonly string[] };
	/** An event for the readers of a stream (`test/contract/rocketchat-e2e.md` section 10). */
	notify: { readonly stream: string; readonly eventName: string; readonly args: readonly unknown[] };
}

export type EventName = keyof EventPayloads;

/** DDP's `updated` of the publishing method waits for an asynchronous listener. */
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

/** Methods do not publish `changed`: it is published for the writes that the store announces. */
export type PublishedEvent = Exclude<EventName, 'changed'>;

/** `context.events` of a method. */
export interface Events {
	emit<N extends PublishedEvent>(name: N, payload: EventPayloads[N]): void;
}
