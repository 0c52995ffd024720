/**
 * Streams (`test/contract/rocketchat-e2e.md` section 10): events that pass by. Unlike a publication a stream shows no
 * documents; who was not there has missed it, unless the stream's `initial` makes up for that.
 */
import type { CallContext } from './method.js';

export interface StreamDefinition {
	/** Without the `stream-` that clients put before it. */
	readonly name: string;
	/** One line for people. */
	readonly summary: string;
	/** Whether the caller may read the events of that name, such as `<rid>` or `<uid>/rooms-changed`. */
	mayRead(eventName: string, context: CallContext): boolean | Promise<boolean>;
	/**
	 * The room that events of that name are about, where they are about one. Its readers are authorized again when they leave
	 * it, or the room is deleted.
	 */
	roomOf?(eventName: string): string | undefined;
	/**
	 * Events for somebody who has just subscribed, and for nobody else: what they would otherwise have missed. Gives the
	 * arguments of each event.
	 */
	initial?(eventName: string, context: CallContext): AsyncIterable<readonly unknown[]>;
}

export type Stream = StreamDefinition;

/** Defines a stream that clients can subscribe to as `stream-<name>`. */
export function stream(definition: StreamDefinition): Stream {
	return Object.freeze(definition);
}
