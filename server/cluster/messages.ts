/**
 * The messages between processes, as EJSON. Only events of streams may contain secrets. Other events name documents,
 * which the receiver reads.
 */
import { parse, stringify } from '../../shared/ejson.js';
import type { EventName, EventPayloads } from '../../shared/events.js';
import { Match } from '../../shared/match.js';
import { compile, type Infer } from '../../shared/pattern.js';
import type { Change } from '../../shared/store.js';
import { lastKnown } from './lastKnown.js';

/** Version of the format. Messages of other versions are ignored. */
const VERSION = 1;

/** In bytes. A larger message is not read. */
export const MAX_BYTES = 8 * 1024 * 1024;

/** Maximum length of an id or a name, in characters. */
const MAX_NAME_LENGTH = 1024;

/** Maximum number of messages that one message asks for. */
export const MAX_ASKED = 1000;

const isName = (value: unknown): value is string =>
	typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
const Name = Match.Where(isName);
const Count = Match.Where((value): value is number => Number.isSafeInteger(value) && (value as number) >= 0);
const MessageNumbers = Match.Where(
	(value): value is number[] =>
		Array.isArray(value) && value.length > 0 && value.length <= MAX_ASKED && value.every(Number.isSafeInteger),
);

/** A document was written. `last`: some fields of a removed document (`lastKnown.ts`). */
const Written = compile({
	type: 'changed',
	collection: Name,
	id: Name,
	action: Match.OneOf('inserted', 'updated', 'removed'),
	last: Match.Optional(Match.ObjectIncluding({})),
} as const);

const Notice = compile({ type: 'notify', stream: Name, eventName: Name, args: Array } as const);

/** Tokens of a user were removed. The receiver reads which ones still exist. */
const TokensRemoved = compile({ type: 'tokens-removed', userId: Name } as const);

/** Replaces an event that cannot be sent. Receivers read everything again. */
const LookAgain = compile({ type: 'look-again' } as const);

export type ClusterEvent =
	| Infer<typeof Written>
	| Infer<typeof Notice>
	| Infer<typeof TokensRemoved>
	| Infer<typeof LookAgain>;

const EVENTS = [Written, Notice, TokensRemoved, LookAgain];

/** The members of messages. `from` is the sender; `n` is the number of the sender's last message with events. */
const Envelope = compile({
	v: VERSION,
	from: Name,
	n: Count,
	/** In a message with events, `n` is the number of this message. */
	events: Match.Optional(Array),
	/**
	 * The sender has just connected, and asks for the numbers of the others' last messages. The value: for how many ms
	 * the sender may have missed messages.
	 */
	hello: Match.Optional(Count),
	/** The sender stops. */
	bye: Match.Optional(Boolean),
	/** The sender asks the process `of` for messages that it misses, by their numbers. */
	ask: Match.Optional({ of: Name, missing: MessageNumbers }),
});

export interface ClusterMessage extends Omit<Infer<typeof Envelope>, 'v' | 'events'> {
	readonly events?: readonly ClusterEvent[] | undefined;
	/** Number of events that match no pattern. */
	readonly invalid: number;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** @returns undefined for data that is no message */
export function decodeMessage(data: Uint8Array): ClusterMessage | undefined {
	if (data.length > MAX_BYTES) return undefined;
	let message: unknown;
	try {
		message = parse(decoder.decode(data));
	} catch {
		return undefined;
	}
	if (!Envelope.is(message)) return undefined;
	const { v, events, ...envelope } = message;
	if (!events) return { ...envelope, invalid: 0 };
	const valid = events.filter((event): event is ClusterEvent => EVENTS.some((pattern) => pattern.is(event)));
	return { ...envelope, events: valid, invalid: events.length - valid.length };
}

/** Encodes a message without events. */
export function encodeMessage(parts: Omit<Infer<typeof Envelope>, 'v' | 'events'>): Uint8Array {
	return Buffer.from(stringify({ v: VERSION, ...parts }) as string);
}

/** @param events EJSON texts */
export function encodeEvents(from: string, n: number, events: readonly string[]): Uint8Array {
	return Buffer.from(`{"v":${VERSION},"from":"${from}","n":${n},"events":[${events.join(',')}]}`);
}

/** The event that other processes receive for a published event. */
export function eventOf<N extends EventName>(name: N, payload: EventPayloads[N]): ClusterEvent {
	switch (name) {
		case 'changed': {
			const { collection, action, document } = payload as Change;
			const event = { type: 'changed', collection, id: document._id, action } as const;
			return action === 'removed' ? { ...event, last: removedFields(document) } : event;
		}
		case 'notify': {
			const { stream, eventName, args } = payload as EventPayloads['notify'];
			return { type: 'notify', stream, eventName, args: args as unknown[] };
		}
		default:
			return { type: 'tokens-removed', userId: (payload as EventPayloads['tokens-removed']).userId };
	}
}

/** The known fields of a removed document. Of the user `u`, only the id and the user name. */
function removedFields(document: Change['document']) {
	const last = lastKnown(document);
	if (!last.u) return last;
	const { _id, username } = last.u;
	return { ...last, u: { _id, ...(typeof username === 'string' && { username }) } };
}
