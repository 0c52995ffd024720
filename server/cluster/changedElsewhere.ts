/**
 * Publishes documents that other processes or programs have written. A report names a document, which is then read and
 * published as if this process had written it.
 */
import type { Log } from '../../shared/log.js';
import type { Change, Collection, Filter, Store } from '../../shared/store.js';
import type { OpenStore } from '../store/collections.js';
import type { Bus } from './bus.js';
import { LastPublished } from './lastPublished.js';
import { withoutUserFields } from './publishChanges.js';
import { retryDelay } from './retryDelay.js';

type Document = { readonly _id: string } & Record<string, unknown>;

export interface WriteReport {
	/** Default `updated`. */
	readonly action?: Change['action'] | undefined;
	/** The known fields of a removed document. Default: only its id is known. */
	readonly last?: Document | undefined;
}

export interface ChangedElsewhere {
	/**
	 * Reports that a document was written elsewhere. Its state is published if it differs from the last published state.
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
	/**
	 * Called when too many reports waited. They are dropped, so everything must be read again.
	 * @param since all writes reported before this time have been published; in ms since 1970
	 */
	onOverflow?(since: number): void;
}

/** Time in which reports are collected, in ms. */
const COLLECT_MS = 2;

/** Maximum number of documents in one query. */
const MAX_PER_QUERY = 500;

/** Maximum number of documents that wait to be read. */
const MAX_WAITING = 100_000;

/**
 * How late a write of this process may be announced, in ms. A state from elsewhere that was published shortly before
 * may be newer, so the document is read again.
 */
const MAX_LATE_MS = 1000;

/** Reads documents in rounds. A document that is reported during a round is read in this round or in the next. */
export function createChangedElsewhere(parts: ChangedElsewhereParts): ChangedElsewhere {
	const { store, bus, log } = parts;
	const published = new LastPublished();
	/** The documents to read, by collection and id. */
	const waiting = new Map<string, Map<string, WriteReport>>();
	let waitingCount = 0;
	/** All reports before this time are handled, in ms since 1970. */
	let handledUntil = 0;
	/**
	 * The documents that are being read, by `LastPublished.key`: whether this process has written each of them
	 * meanwhile.
	 */
	const beingRead = new Map<string, boolean>();
	let timer: NodeJS.Timeout | undefined;
	let round: Promise<void> | undefined;
	let failures = 0;
	let isClosed = false;
	/** Whether documents were reported again in the current round. */
	let hasRepeated = false;
	/** The promises of `settled`, and how many rounds must end before each resolves. */
	let unsettled: { readonly resolve: () => void; rounds: number }[] = [];

	function report(collection: string, id: string, reported: WriteReport = {}): void {
		if (isClosed || !Object.hasOwn(store, collection)) return;
		if (waitingCount === 0 && !round) handledUntil = Date.now();
		let waitingById = waiting.get(collection);
		if (!waitingById) {
			waitingById = new Map();
			waiting.set(collection, waitingById);
		}
		const earlier = waitingById.get(id);
		if (!earlier) waitingCount++;
		// After a failed read, older reports follow newer ones. In any order, an inserted document stays reported as
		// inserted.
		const isInsertion = earlier?.action === 'inserted' || reported.action === 'inserted';
		const last = reported.last ?? earlier?.last;
		waitingById.set(id, { action: isInsertion ? 'inserted' : reported.action, last });
		if (waitingCount > MAX_WAITING) {
			waiting.clear();
			waitingCount = 0;
			log.warn({ max: MAX_WAITING }, 'Too many documents written elsewhere wait to be read: everything is read again');
			parts.onOverflow?.(handledUntil);
		}
		schedule(COLLECT_MS);
	}

	function reportAgain(collection: string, id: string, reported: WriteReport): void {
		hasRepeated = true;
		report(collection, id, reported);
	}

	/** Called when a round has ended. */
	function resolveSettled(): void {
		const isIdle = waitingCount === 0;
		for (const promise of unsettled) {
			// The next round reads all documents that were waiting or reported again.
			promise.rounds = hasRepeated ? 1 : promise.rounds - 1;
			if (isIdle || promise.rounds === 0) promise.resolve();
		}
		unsettled = isIdle ? [] : unsettled.filter(({ rounds }) => rounds > 0);
		hasRepeated = false;
	}

	function schedule(delay: number): void {
		if (isClosed || timer || round) return;
		timer = setTimeout(() => {
			timer = undefined;
			const startedAt = Date.now();
			round = readAll().finally(() => {
				round = undefined;
				if (!hasRepeated) handledUntil = startedAt;
				resolveSettled();
				if (waitingCount > 0) schedule(retryDelay(failures));
			});
		}, delay);
		timer.unref();
	}

	async function readAll(): Promise<void> {
		for (const collection of [...waiting.keys()]) {
			const documents = waiting.get(collection);
			// An overflow has dropped all waiting reports.
			if (!documents) continue;
			waiting.delete(collection);
			waitingCount -= documents.size;
			const entries = [...documents];
			for (let i = 0; i < entries.length && !isClosed; i += MAX_PER_QUERY) {
				try {
					await readSome(collection as keyof Store, new Map(entries.slice(i, i + MAX_PER_QUERY)));
				} catch (err) {
					if (failures++ === 0) log.warn({ err, collection }, 'Documents written elsewhere could not be read');
					for (const [id, reported] of entries.slice(i)) reportAgain(collection, id, reported);
					return;
				}
				failures = 0;
			}
		}
	}

	/** Reads documents and publishes them. A document that this process writes meanwhile is reported again. */
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
				if (isOutdated) reportAgain(collection, id, reported);
				else deliveries.push(publish(collection, id, found.get(id), reported));
			}
			await Promise.all(deliveries);
		} finally {
			for (const key of keys.values()) beingRead.delete(key);
		}
	}

	/** @param document undefined if it does not exist */
	function publish(
		collection: string,
		id: string,
		document: Document | undefined,
		{ action, last }: WriteReport,
	): Promise<unknown> | undefined {
		// For `LastPublished.note`, a removal with known fields is another state than one of which only the id is
		// known.
		const removedState = last ? undefined : 'idOnly';
		const { isNew, wasKnown } = published.note(collection, id, document ?? removedState, Date.now());
		if (!isNew) return undefined;
		// A document that existed when its state was last published is not new.
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
				// What waits during a round may be read in the next one.
				else unsettled.push({ resolve, rounds: round ? 2 : 1 });
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
