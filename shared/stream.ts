/**
 * Streams (`contract/rocketchat-e2e.md` section 10): events that pass by. Unlike a publication a stream shows no
 * documents; who was not there has missed it.
 */
import type { CallContext } from './method.js';

export interface StreamDefinition {
	/** Without the `stream-` that clients put before it. */
	readonly name: string;
	/** One line for people. */
	readonly summary: string;
	/** Whether the caller may read the events of that name, such as `<rid>` or `<uid>/rooms-changed`. */
	mayRead(eventName: string, context: CallContext): boolean | Promise<boolean>;
}

export type Stream = StreamDefinition;

/** Defines a stream that clients can subscribe to as `stream-<name>`. */
export function stream(definition: StreamDefinition): Stream {
	return Object.freeze(definition);
}
