/**
 * Publishes documents that others have written: other processes, Rocket.Chat, any program that uses the same database.
 * A report names a document. The document is then read, and published on the bus as if this process had written it.
 * So streams, live queries and caches handle writes of this process and of others in the same way.
 */
import type { Log } from '../../shared/log.js';
import type { Change, Collection, Filter, Store } from '../../shared/store.js';
import type { OpenStore } from '../store/collections.js';
import type { Bus } from './bus.js';
import { LastPublished } from './lastPublished.js';
import { withoutUserFields } from './publishChanges.js';
import { retryDelay } from './retryDelay.js';

type Document = { readonly _id: string } & Record<string, unknown>;

/** What a report says about a write. */
export interface WriteReport {
	/** Default `updated`. */
	readonly action?: Change['action'] | undefined;
	/** The known fields of a removed document. Default: only its id is known. */
	readonly last?: Document | undefined;
}

export interface ChangedElsewhere {
	/**
	 * Reports that a document was written elsewhere. The document is read a few milliseconds later. Its state is published
	 * if it differs from the last published state.
	 * @param collection the property name in `Store`, such as `rooms`; other names are ignored
	 */
	report(collection: string, id: string, reported?: WriteReport): void;
	/** Resolves when all earlier reports are handled. Waits while the store is unavailable. */
	settled(): Promise<void>;
	/** Stops reading. Resolves when no query runs any more. */
	close(): Promise<void>;
}

export interface ChangedElsewhereParts {
	readonly store: Store;
	/** Calls a listener for each announced write of this process. */
	readonly onChange: OpenStore['onChange'];
	readonly bus: Bus;
	readonly log: Log;
	/** Called when too many documents waited to be read. All waiting reports are dropped, so everything must be read again. */
	onOverflow?(): void;
}

/** Time in which reports are collected, in ms. */
const COLLECT_MS = 2;

/** Maximum number of documents in one query. */
const MAX_PER_QUERY = 500;

/** Maximum number of documents that wait to be read. */
const MAX_WAITING = 100_000;

/**
 * How late a write of this process may be announced, in ms. If a state from elsewhere was published within this time before
 * the announcement, that state may be newer than the write. The document is then read again.
 */
const MAX_LATE_MS = 1000;

/** Reads documents in rounds. A document that is reported during a round is read in this round or in the next. */
export function createChangedElsewhere(parts: ChangedElsewhereParts): ChangedElsewhere {
	const { store, bus, log } = parts;
	const published = new LastPublished();
	/** The documents to read, by collection and id. */
	const waiting = new Map<string, Map<string, WriteReport>>();
	let waitingCount = 0;
	/** For each document that is being read, by `LastPublished.key`: whether this process has written it meanwhile. */
	const beingRead = new Map<string, boolean>();
	let timer: NodeJS.Timeout | undefined;
	let round: Promise<void> | undefined;
	let failures = 0;
	let isClosed = false;
	/** Each one resolves a promise that `settled` has returned. */
	const settledCallbacks: (() => void)[] = [];

	function report(collection: string, id: string, reported: WriteReport = {}): void {
		if (isClosed || !Object.hasOwn(store, collection)) return;
		let waitingById = waiting.get(collection);
		if (!waitingById) {
			waitingById = new Map();
			waiting.set(collection, waitingById);
		}
		const earlier = waitingById.get(id);
		if (!earlier) waitingCount++;
		// Keeps the fields of a removed document if only the earlier report had them.
		waitingById.set(id, { action: reported.action, last: reported.last ?? earlier?.last });
		if (waitingCount > MAX_WAITING) {
			waiting.clear();
			waitingCount = 0;
			log.warn({ max: MAX_WAITING }, 'Too many documents written elsewhere wait to be read: everything is read again');
			parts.onOverflow?.();
		}
		schedule(COLLECT_MS);
	}

	function resolveSettled(): void {
		for (const resolve of settledCallbacks.splice(0)) resolve();
	}

	function schedule(delay: number): void {
		if (isClosed || timer || round) return;
		timer = setTimeout(() => {
			timer = undefined;
			round = readAll().finally(() => {
				round = undefined;
				if (waitingCount > 0) schedule(retryDelay(failures));
				else resolveSettled();
			});
		}, delay);
		timer.unref();
	}

	async function readAll(): Promise<void> {
		for (const collection of [...waiting.keys()]) {
			const documents = waiting.get(collection);
			// An overflow during the round has dropped all waiting reports.
			if (!documents) continue;
			waiting.delete(collection);
			waitingCount -= documents.size;
			const entries = [...documents];
			for (let i = 0; i < entries.length && !isClosed; i += MAX_PER_QUERY) {
				try {
					await readSome(collection as keyof Store, new Map(entries.slice(i, i + MAX_PER_QUERY)));
				} catch (err) {
					if (failures++ === 0) log.warn({ err, collection }, 'Documents written elsewhere could not be read');
					for (const [id, reported] of entries.slice(i)) report(collection, id, reported);
					return;
				}
				failures = 0;
			}
		}
	}

	/** Reads documents in one query and publishes them. A document that this process writes meanwhile is reported again. */
	async function readSome(collection: keyof Store, documents: ReadonlyMap<string, WriteReport>): Promise<void> {
		const keys = new Map([...documents.keys()].map((id) => [id, LastPublished.key(collection, id)]));
		for (const key of keys.values()) beingRead.set(key, false);
		try {
			const found = new Map<string, Document>();
			const source = store[collection] as unknown as Collection<Document>;
			const byIds = { _id: { $in: [...documents.keys()] } } as Filter<Document>;
			for await (const document of source.find(byIds)) found.set(document._id, document);
			const deliveries: (Promise<unknown> | undefined)[] = [];
			for (const [id, reported] of documents) {
				const isOutdated = beingRead.get(keys.get(id) as string);
				if (isOutdated) report(collection, id, reported);
				else deliveries.push(publish(collection, id, found.get(id), reported));
			}
			await Promise.all(deliveries);
		} finally {
			for (const key of keys.values()) beingRead.delete(key);
		}
	}

	/** @param document as it was read; undefined if it does not exist */
	function publish(
		collection: string,
		id: string,
		document: Document | undefined,
		{ action, last }: WriteReport,
	): Promise<unknown> | undefined {
		// For `LastPublished.note`, a removal with known fields is another state than one of which only the id is known.
		const removedState = last ? undefined : 'idOnly';
		const { isNew, wasKnown } = published.note(collection, id, document ?? removedState, Date.now());
		if (!isNew) return undefined;
		// A document that existed when its state was last published cannot be a new one.
		const writeAction = action === 'inserted' && !wasKnown ? 'inserted' : 'updated';
		const change: Change = document
			? { collection, action: writeAction, document }
			: { collection, action: 'removed', document: { ...last, _id: id } };
		return bus.deliver('changed', withoutUserFields(change));
	}

	const stopListening = parts.onChange(({ collection, action, document }) => {
		const key = LastPublished.key(collection, document._id);
		// The state that is being read may be older or newer than this write.
		if (beingRead.has(key)) beingRead.set(key, true);
		const state = action === 'removed' ? undefined : (document as Document);
		const { elsewhereAt } = published.note(collection, document._id, state);
		if (elsewhereAt !== undefined && Date.now() - elsewhereAt < MAX_LATE_MS) report(collection, document._id);
		return undefined;
	});

	return {
		report,
		settled: () =>
			new Promise((resolve) => {
				if (waitingCount === 0 && !round) resolve();
				else settledCallbacks.push(resolve);
			}),
		async close() {
			isClosed = true;
			stopListening();
			clearTimeout(timer);
			waiting.clear();
			waitingCount = 0;
			await round;
			resolveSettled();
		},
	};
}
