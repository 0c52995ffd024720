/**
 * Streams (`test/contract/rocketchat-e2e.md` section 10): events without documents. New subscribers receive no earlier
 * events, except those of `initial`.
 */
import { badEntryOf, checkDefinition, type MemberRules, required, rules } from './definition.js';
import { isObject } from './isObject.js';
import type { CallContext, Patterns } from './method.js';

/** One kind of event of a stream, for the documentation. */
export interface StreamEvent {
	/** Such as `<uid>/rooms-changed`: a part in angle brackets stands for any text without a slash. */
	readonly name: string;
	/** One line for people. */
	readonly summary: string;
	/** A pattern for each argument, in order. The names are for the documentation. */
	readonly args: Patterns;
}

export interface StreamDefinition {
	/** Name without the prefix `stream-` that clients add. */
	readonly name: string;
	/** One line for people. */
	readonly summary: string;
	/** Default: unknown. */
	readonly events?: readonly StreamEvent[];
	/** Whether the caller may read the events with this name. */
	mayRead(eventName: string, context: CallContext): boolean | Promise<boolean>;
	/**
	 * The room of the events with this name, if they belong to one. Readers are authorized again when they leave the
	 * room or the room is deleted.
	 */
	roomOf?(eventName: string): string | undefined;
	/** The arguments of events that only a new subscriber receives, at the start. */
	initial?(eventName: string, context: CallContext): AsyncIterable<readonly unknown[]>;
}

export type Stream = StreamDefinition;

const EVENT: MemberRules<keyof StreamEvent> = {
	name: required(rules.name),
	summary: required(rules.text),
	args: required(rules.patterns),
};

const MEMBERS: MemberRules<keyof StreamDefinition> = {
	name: required(rules.name),
	summary: required(rules.text),
	events: {
		form: 'a list of { name, summary, args }',
		accepts: Array.isArray,
		badEntry: (value) =>
			badEntryOf(value as unknown[], (event) => (isObject(event) ? undefined : 'must be { name, summary, args }')),
	},
	mayRead: required(rules.function),
	roomOf: rules.function,
	initial: rules.function,
};

/** Defines a stream that clients can subscribe to as `stream-<name>`. @throws DefinitionError */
export function stream(definition: StreamDefinition): Stream {
	checkDefinition('stream', definition, MEMBERS);
	for (const event of definition.events ?? [])
		checkDefinition('event', event, EVENT, `${definition.name} ${event.name}`);
	return Object.freeze(definition);
}
