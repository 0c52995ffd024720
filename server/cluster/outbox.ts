/** Numbers and sends the messages of this process. Other processes can ask for the last ones again. */
import { MAX_VALUES, stringify } from '../../shared/ejson.js';
import { type ClusterEvent, decodeMessage, encodeEvents } from './messages.js';

/** Maximum number of messages that are kept. */
const MAX_MESSAGES = 10_000;

/** Maximum size of all messages that are kept, in characters. */
const MAX_LENGTH = 8 * 1024 * 1024;

/** Size of a message without its events, in bytes, with room to spare. */
const ENVELOPE_BYTES = 512;

/**
 * Maximum size of a message with several events, in bytes. Receivers parse at most `MAX_VALUES` values, which take at
 * least two bytes each.
 */
const MAX_COMBINED_BYTES = 2 * MAX_VALUES;

/** Minimum time between two repetitions of a message, in ms. One serves all processes that ask within this time. */
const RESEND_PAUSE_MS = 500;

interface KeptMessage {
	/** The events as JSON texts. */
	readonly events: readonly string[];
	/** Size of the events, in characters. */
	readonly length: number;
	/** When the message was last repeated, by `performance.now()`; minus infinity: never. */
	resentAt: number;
}

export interface Outbox {
	/** Number of the last message; 0 before the first. */
	readonly last: number;
	/** Adds an event to the next message, which is sent at the end of this turn of the event loop. */
	add(event: ClusterEvent): void;
	/** Sends messages again that are still kept and were not just repeated. @returns how many were sent */
	resend(numbers: readonly number[]): number;
	/** Sends the waiting events now. */
	flush(): void;
}

export interface OutboxOptions {
	readonly from: string;
	/** Largest message that may be sent, in bytes. */
	readonly maxBytes: () => number;
	/** Drops the message if there is no connection. */
	send(data: Uint8Array): void;
	/**
	 * Called for an event that is too large, or that others could not read. The others are asked to read everything
	 * again.
	 */
	onUnsendable(event: ClusterEvent): void;
}

/** An event as EJSON. Undefined if others could not read it. */
function textOf(event: ClusterEvent): string | undefined {
	try {
		const text = stringify(event) as string;
		// Only events of streams can be unreadable. Such an event would make its whole message unreadable.
		return event.type !== 'notify' || decodeMessage(encodeEvents('x', 1, [text]))?.invalid === 0 ? text : undefined;
	} catch {
		return undefined;
	}
}

export function createOutbox({ from, maxBytes, send, onUnsendable }: OutboxOptions): Outbox {
	/** The kept messages by number, the oldest first. */
	const kept = new Map<number, KeptMessage>();
	let keptLength = 0;
	let last = 0;
	/** The waiting events; undefined for one that a later event about the same document has replaced. */
	let waiting: (string | undefined)[] = [];
	/** The index in `waiting` of the last event about a document. */
	let indexByDocument = new Map<string, number>();
	let scheduled: NodeJS.Immediate | undefined;

	function sendMessage(events: readonly string[]): void {
		last++;
		const length = events.reduce((sum, text) => sum + text.length, 0);
		kept.set(last, { events, length, resentAt: Number.NEGATIVE_INFINITY });
		keptLength += length;
		for (const [n, oldest] of kept) {
			if (kept.size <= MAX_MESSAGES && keptLength <= MAX_LENGTH) break;
			kept.delete(n);
			keptLength -= oldest.length;
		}
		send(encodeEvents(from, last, events));
	}

	function flush(): void {
		if (scheduled) clearImmediate(scheduled);
		scheduled = undefined;
		const limit = Math.min(maxBytes(), MAX_COMBINED_BYTES) - ENVELOPE_BYTES;
		let events: string[] = [];
		let bytes = 0;
		for (const text of waiting) {
			if (text === undefined) continue;
			const commaSize = 1;
			const size = Buffer.byteLength(text) + commaSize;
			if (bytes + size > limit && events.length > 0) {
				sendMessage(events);
				events = [];
				bytes = 0;
			}
			events.push(text);
			bytes += size;
		}
		if (events.length > 0) sendMessage(events);
		waiting = [];
		indexByDocument = new Map();
	}

	return {
		get last() {
			return last;
		},
		add(event) {
			let text = textOf(event);
			if (text === undefined || Buffer.byteLength(text) > maxBytes() - ENVELOPE_BYTES) {
				onUnsendable(event);
				text = stringify({ type: 'look-again' }) as string;
			}
			if (event.type === 'changed') {
				const key = `${event.collection}/${event.id}`;
				const index = indexByDocument.get(key);
				if (index !== undefined) waiting[index] = undefined;
				indexByDocument.set(key, waiting.length);
			}
			waiting.push(text);
			scheduled ??= setImmediate(flush);
		},
		resend(numbers) {
			const now = performance.now();
			let count = 0;
			for (const n of numbers) {
				const message = kept.get(n);
				if (!message || now - message.resentAt < RESEND_PAUSE_MS) continue;
				message.resentAt = now;
				send(encodeEvents(from, n, message.events));
				count++;
			}
			return count;
		},
		flush,
	};
}
