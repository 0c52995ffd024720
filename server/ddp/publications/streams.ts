/** The readers of each stream: subscriptions to its events. */
import { clientError, StoreUnavailableError } from '../../../shared/errors.js';
import type { EventPayloads } from '../../../shared/events.js';
import { Match } from '../../../shared/match.js';
import type { Infer } from '../../../shared/pattern.js';
import { type Publication, publication } from '../../../shared/publication.js';
import type { Stream } from '../../../shared/stream.js';
import type { ServerObserver } from '../../core/observer.js';
import * as codec from '../codec.js';
import { Broadcast } from '../transports/broadcast.js';
import type { Subscription } from './subscription.js';

export interface StreamHub {
	/** A publication for each stream: `stream-<name>`. */
	readonly publications: readonly Publication[];
	/** The keys are the names of the events of a stream that have readers on this server. */
	eventsWithReaders(stream: string): ReadonlyMap<string, unknown>;
	notify(event: EventPayloads['notify']): void;
	/** Ids of the rooms whose events a user reads on this server. */
	roomsReadBy(userId: string): ReadonlySet<string>;
	/**
	 * Checks again whether logged-in readers of room events may read them. Ends the subscriptions of those that may not.
	 * From the call on, a reader's events wait for the end of its check.
	 * @param selected without `userId` the readers of all users, without `rid` those of all rooms
	 * @returns resolves when all are checked; never rejects
	 */
	reauthorize(selected: { readonly userId?: string; readonly rid?: string }): Promise<void>;
	/**
	 * Like `reauthorize`, for all logged-in readers of room events. A reader receives events until its own check begins.
	 */
	reauthorizeAll(): Promise<void>;
	/**
	 * Called when events may have been missed. Checks the readers of all streams again, and sends the initial events
	 * again to those that may still read.
	 * @throws StoreUnavailableError if initial events cannot be read because the store is unavailable. Any other error
	 *   ends the subscription of the reader
	 */
	refresh(): Promise<void>;
}

/** Maximum length of the name of an event, in characters. */
export const MAX_NAME_LENGTH = 512;

/** Maximum number of readers checked at the same time. */
const PARALLEL_CHECKS = 20;

/** A subscription to the events of one name. */
interface Reader {
	readonly subscription: Subscription;
	/** Id of the room that the events concern, if any. */
	readonly rid: string | undefined;
	mayRead(): boolean | Promise<boolean>;
	/** Sends the initial events; undefined if the stream has none. */
	readonly sendInitial: (() => Promise<void>) | undefined;
	/** Number of checks that were started after the first one. */
	checks: number;
	/** Events that arrived during a check; undefined if no check is running. */
	buffered: Broadcast[] | undefined;
}

/**
 * The second parameter of a stream subscription (`test/contract/ddp.md` 10.2). A plain boolean stands for
 * `useCollection`. Some clients send null for an omitted value.
 */
const Options = Match.Optional(
	Match.OneOf(Boolean, null, Match.ObjectIncluding({ useCollection: Match.Optional(Match.OneOf(Boolean, null)) })),
);

/**
 * Whether the client stores events in a collection. Then it needs `added` before the first event, because an event is a
 * `changed` message.
 */
function usesCollection(options: Infer<typeof Options>): boolean {
	return options === true || (typeof options === 'object' && options?.useCollection === true);
}

/** Encodes an event: a `changed` message whose document id is always `id` (`test/contract/ddp.md` 10.2). */
function encodeEvent(stream: string, eventName: string, args: readonly unknown[]): string {
	return codec.changed(`stream-${stream}`, 'id', { eventName, args });
}

async function forEachReader(readers: readonly Reader[], act: (reader: Reader) => Promise<void>): Promise<void> {
	for (let i = 0; i < readers.length; i += PARALLEL_CHECKS) {
		await Promise.all(readers.slice(i, i + PARALLEL_CHECKS).map(act));
	}
}

function readersIn(sets: ReadonlyMap<string, ReadonlySet<Reader>>): Reader[] {
	return [...sets.values()].flatMap((set) => [...set]);
}

export function createStreamHub(
	streams: readonly Stream[],
	observer?: Pick<ServerObserver, 'onStreamEvent'>,
): StreamHub {
	/** Readers whose first check has succeeded, by stream and name of the event. */
	const readers = new Map<string, Map<string, Set<Reader>>>(streams.map(({ name }) => [name, new Map()]));
	/** Logged-in readers of room events, by user id. Includes those in their first check. */
	const readersByUser = new Map<string, Set<Reader>>();

	/** Adds a reader to a set until its subscription stops. */
	function addUntilStop(sets: Map<string, Set<Reader>>, key: string, reader: Reader): void {
		const set = sets.get(key) ?? new Set();
		sets.set(key, set);
		set.add(reader);
		reader.subscription.onStop(() => {
			set.delete(reader);
			// The key may have another set by now.
			if (set.size === 0 && sets.get(key) === set) sets.delete(key);
		});
	}

	/** Checks whether a reader may still read. Then sends the events that arrived meanwhile, or ends the subscription. */
	async function recheck(reader: Reader): Promise<void> {
		const { subscription } = reader;
		const check = ++reader.checks;
		reader.buffered ??= [];
		try {
			const isAllowed = await reader.mayRead();
			// If a newer check has begun, the newer one decides.
			if (reader.checks !== check || subscription.hasStopped) return;
			if (!isAllowed) throw clientError('notAllowed');
		} catch (thrown) {
			subscription.error(thrown);
			return;
		}
		const { buffered } = reader;
		reader.buffered = undefined;
		for (const message of buffered) subscription.host.transport.broadcast(message);
	}

	function publicationOf({ name, summary, mayRead, roomOf, initial }: Stream): Publication {
		return publication({
			name: `stream-${name}`,
			args: { eventName: Match.Any, options: Options },
			summary,
			anonymous: true,
			async run({ eventName, options }, context) {
				if (typeof eventName !== 'string' || eventName === '' || eventName.length > MAX_NAME_LENGTH)
					throw clientError('invalidEventName');
				// The context of a publication is its subscription object.
				const subscription = context as Subscription;
				const reader: Reader = {
					subscription,
					rid: roomOf?.(eventName),
					mayRead: () => mayRead(eventName, context),
					sendInitial: initial && (() => sendEvents(initial(eventName, context))),
					checks: 0,
					buffered: undefined,
				};
				// Added before the first check, so that `reauthorize` includes it if the user leaves the room meanwhile.
				if (reader.rid !== undefined && context.userId !== null) addUntilStop(readersByUser, context.userId, reader);
				if (!(await reader.mayRead())) throw clientError('notAllowed');
				// The subscription may have ended meanwhile.
				if (subscription.hasStopped) return;
				if (usesCollection(options)) {
					subscription.host.transport.send(codec.added(`stream-${name}`, 'id', { eventName }));
				}
				addUntilStop(readers.get(name) as Map<string, Set<Reader>>, eventName, reader);
				context.ready();
				if (!reader.sendInitial) return;
				// The client's next message need not wait for the initial events.
				context.unblock();
				await reader.sendInitial();

				async function sendEvents(events: AsyncIterable<readonly unknown[]>): Promise<void> {
					for await (const args of events) {
						if (subscription.hasStopped) return;
						subscription.host.transport.send(encodeEvent(name, eventName as string, args));
						await subscription.whenDrained();
					}
				}
			},
		});
	}

	return {
		publications: streams.map(publicationOf),
		eventsWithReaders: (stream) => readers.get(stream) ?? new Map(),
		notify({ stream, eventName, args }) {
			const eventReaders = readers.get(stream)?.get(eventName);
			if (!eventReaders) return;
			observer?.onStreamEvent(eventReaders.size);
			const message = new Broadcast(encodeEvent(stream, eventName, args));
			for (const { buffered, subscription } of eventReaders) {
				if (buffered) buffered.push(message);
				else subscription.host.transport.broadcast(message);
			}
		},
		roomsReadBy: (userId) => new Set([...(readersByUser.get(userId) ?? [])].map(({ rid }) => rid as string)),
		async reauthorize({ userId, rid }) {
			const selectedByUser = userId === undefined ? readersIn(readersByUser) : [...(readersByUser.get(userId) ?? [])];
			const toCheck = selectedByUser.filter((reader) => rid === undefined || reader.rid === rid);
			for (const reader of toCheck) reader.buffered ??= [];
			await forEachReader(toCheck, recheck);
		},
		async reauthorizeAll() {
			// Events are not held back before a reader's own check: too many would accumulate.
			await forEachReader(readersIn(readersByUser), recheck);
		},
		async refresh() {
			const present = new Set([...readers.values()].flatMap(readersIn));
			// Includes the readers in their first check, which may have begun before the missed events.
			await forEachReader([...new Set([...present, ...readersIn(readersByUser)])], async (reader) => {
				await recheck(reader);
				if (!present.has(reader) || reader.subscription.hasStopped) return;
				try {
					await reader.sendInitial?.();
				} catch (thrown) {
					if (thrown instanceof StoreUnavailableError) throw thrown;
					reader.subscription.error(thrown);
				}
			});
		},
	};
}
