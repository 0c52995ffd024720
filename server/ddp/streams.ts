/** Who reads which stream, and how an event gets to them: encoded once, written to every socket. */
import { refusal } from '../../shared/errors.js';
import type { EventPayloads } from '../../shared/events.js';
import { Match } from '../../shared/match.js';
import { type Publication, publication } from '../../shared/publication.js';
import type { Stream } from '../../shared/stream.js';
import { Broadcast } from './broadcast.js';
import * as codec from './codec.js';
import type { Subscription } from './subscription.js';

export interface StreamHub {
	/** A publication for each stream: `stream-<name>`. */
	readonly publications: readonly Publication[];
	/** The events of a stream that somebody reads, by name. */
	read(stream: string): ReadonlyMap<string, unknown>;
	/** Sends an event to all who read it. */
	notify(event: EventPayloads['notify']): void;
}

/** The second parameter of a stream subscription; clients of old send a plain false. */
const Options = Match.Optional(
	Match.OneOf(Boolean, null, Match.ObjectIncluding({ useCollection: Match.Optional(Boolean) })),
);

function wantsAdded(options: unknown): boolean {
	return (
		typeof options === 'object' && options !== null && 'useCollection' in options && options.useCollection === true
	);
}

/** Every event has the same id: it is no document, it passes by (10.2). */
function event(stream: string, eventName: string, args: readonly unknown[]): string {
	return codec.changed(`stream-${stream}`, 'id', { eventName, args });
}

export function createStreamHub(streams: readonly Stream[]): StreamHub {
	const readers = new Map<string, Map<string, Set<Subscription>>>(streams.map(({ name }) => [name, new Map()]));

	function join(stream: string, eventName: string, subscription: Subscription): void {
		const events = readers.get(stream) as Map<string, Set<Subscription>>;
		let all = events.get(eventName);
		if (!all) {
			all = new Set();
			events.set(eventName, all);
		}
		const joined = all.add(subscription);
		subscription.onStop(() => {
			joined.delete(subscription);
			if (joined.size === 0) events.delete(eventName);
		});
	}

	function publicationOf({ name, summary, mayRead, initial }: Stream): Publication {
		return publication({
			name: `stream-${name}`,
			args: { eventName: Match.Any, options: Options },
			summary,
			anonymous: true,
			async run({ eventName, options }, context) {
				if (typeof eventName !== 'string' || eventName === '') throw refusal('invalidEventName');
				if (!(await mayRead(eventName, context))) throw refusal('notAllowed');
				// The context of a publication is its subscription; here it is needed as that.
				const subscription = context as Subscription;
				if (wantsAdded(options)) {
					subscription.host.transport.send(codec.added(`stream-${name}`, 'id', { eventName }));
				}
				join(name, eventName, subscription);
				context.ready();
				if (!initial) return;
				// Whatever comes next need not wait for it.
				context.unblock();
				for await (const args of initial(eventName, context)) {
					if (context.signal.aborted) return;
					subscription.host.transport.send(event(name, eventName, args));
					await subscription.roomForMore();
				}
			},
		});
	}

	return {
		publications: streams.map(publicationOf),
		read: (stream) => readers.get(stream) ?? new Map(),
		notify({ stream, eventName, args }) {
			const all = readers.get(stream)?.get(eventName);
			if (!all) return;
			const message = new Broadcast(event(stream, eventName, args));
			for (const { host } of all) host.transport.broadcast(message);
		},
	};
}
