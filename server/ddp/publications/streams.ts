/** The readers of each stream. An event is encoded once and written to every reader's socket. */
import { clientError } from '../../../shared/errors.js';
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
	/** The events of a stream that have readers, by name. */
	read(stream: string): ReadonlyMap<string, unknown>;
	/** Sends an event to all its readers. */
	notify(event: EventPayloads['notify']): void;
	/** The rooms whose events a user reads here. */
	roomsReadBy(userId: string): ReadonlySet<string>;
	/**
	 * Checks again whether readers of room events may read them: the readers of a user, of a room, or both; without
	 * either, all readers in turn. The readers of a user or a room receive nothing until they are checked. The
	 * subscription of a reader without access is ended.
	 * @returns resolves when all are checked; never rejects
	 */
	reauthorize(whose: { readonly userId?: string; readonly rid?: string }): Promise<void>;
}

/** Longest name of an event, in characters. The names of real events are far shorter. */
const MAX_NAME_LENGTH = 512;

/** Readers checked at the same time. */
const AT_ONCE = 20;

/** A subscription to the events of one name. */
interface Reader {
	readonly subscription: Subscription;
	/** The room of the events, if they are about one. */
	readonly rid: string | undefined;
	mayRead(): boolean | Promise<boolean>;
	/** Number of checks so far. */
	checks: number;
	/** Events that arrived while it is being checked. */
	buffered: Broadcast[] | undefined;
}

/**
 * The second parameter of a stream subscription (10.2). A plain boolean stands for `useCollection`. Clients whose language
 * has no undefined send null for what they leave out.
 */
const Options = Match.Optional(
	Match.OneOf(Boolean, null, Match.ObjectIncluding({ useCollection: Match.Optional(Match.OneOf(Boolean, null)) })),
);

/** Whether the client keeps events in a collection, and so drops those of a document it has not been sent. */
function usesCollection(options: Infer<typeof Options>): boolean {
	return options === true || (typeof options === 'object' && options?.useCollection === true);
}

/** Every event has the same id, because it is not a document (10.2). */
function event(stream: string, eventName: string, args: readonly unknown[]): string {
	return codec.changed(`stream-${stream}`, 'id', { eventName, args });
}

export function createStreamHub(
	streams: readonly Stream[],
	observer?: Pick<ServerObserver, 'onStreamEvent'>,
): StreamHub {
	const readers = new Map<string, Map<string, Set<Reader>>>(streams.map(({ name }) => [name, new Map()]));
	/** Readers of room events, and those that are being checked for the first time, by user. */
	const readersByUser = new Map<string, Set<Reader>>();

	/** Adds a reader to one of the sets of a map, until it stops. */
	function put(sets: Map<string, Set<Reader>>, key: string, reader: Reader): void {
		let all = sets.get(key);
		if (!all) {
			all = new Set();
			sets.set(key, all);
		}
		const joined = all.add(reader);
		reader.subscription.onStop(() => {
			joined.delete(reader);
			// Another set may have replaced it by now.
			if (joined.size === 0 && sets.get(key) === joined) sets.delete(key);
		});
	}

	async function recheck(reader: Reader): Promise<void> {
		const { subscription } = reader;
		const check = ++reader.checks;
		reader.buffered ??= [];
		try {
			const may = await reader.mayRead();
			// A later check decides.
			if (reader.checks !== check || subscription.hasStopped) return;
			if (!may) throw clientError('notAllowed');
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
					checks: 0,
					buffered: undefined,
				};
				// Registered before the first check, so that the end of a membership meanwhile is not missed.
				if (reader.rid !== undefined && context.userId !== null) put(readersByUser, context.userId, reader);
				if (!(await reader.mayRead())) throw clientError('notAllowed');
				// The time limit may have passed, or the client may have disconnected.
				if (subscription.hasStopped) return;
				if (usesCollection(options)) {
					subscription.host.transport.send(codec.added(`stream-${name}`, 'id', { eventName }));
				}
				put(readers.get(name) as Map<string, Set<Reader>>, eventName, reader);
				context.ready();
				if (!initial) return;
				// The next message need not wait for it.
				context.unblock();
				for await (const args of initial(eventName, context)) {
					if (subscription.hasStopped) return;
					subscription.host.transport.send(event(name, eventName, args));
					await subscription.whenDrained();
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
			observer?.onStreamEvent(all.size);
			const message = new Broadcast(event(stream, eventName, args));
			for (const { buffered, subscription } of all) {
				if (buffered) buffered.push(message);
				else subscription.host.transport.broadcast(message);
			}
		},
		roomsReadBy: (userId) => new Set([...(readersByUser.get(userId) ?? [])].map(({ rid }) => rid as string)),
		async reauthorize({ userId, rid }) {
			const whose = userId === undefined ? [...readersByUser.values()] : [readersByUser.get(userId) ?? []];
			const asked = whose.flatMap((all) => [...all]).filter((reader) => rid === undefined || reader.rid === rid);
			// With very many readers, the buffered events of the last ones would accumulate.
			if (userId !== undefined || rid !== undefined) for (const reader of asked) reader.buffered ??= [];
			for (let i = 0; i < asked.length; i += AT_ONCE) await Promise.all(asked.slice(i, i + AT_ONCE).map(recheck));
		},
	};
}
