/**
 * A fake database for the watcher (`server/cluster/watch`), which looks for writes of other programs. A test fills the
 * collections and controls the change streams.
 */
import { EventEmitter, once } from 'node:events';

import type { ChangeCursor, StreamOptions, WatchedDatabase } from '../../server/cluster/watch/database.js';
import type { WatchSink } from '../../server/cluster/watch/sink.js';

/** The error of a database that does not answer. */
export const AWAY = new Error('away');

type Answer = { event: unknown } | { error: unknown };

export class FakeStream implements ChangeCursor {
	resumeToken: unknown;
	isClosed = false;
	readonly #answers: Answer[] = [];
	#answered: (() => void) | undefined;

	constructor(
		readonly collection: string,
		readonly options: StreamOptions,
	) {}

	send(event: unknown): void {
		this.#answer({ event });
	}

	/** Answers the next call of `tryNext` with null. */
	idle(resumeToken?: unknown): void {
		this.resumeToken = resumeToken;
		this.#answer({ event: null });
	}

	fail(error: unknown): void {
		this.#answer({ error });
	}

	#answer(answer: Answer): void {
		this.#answers.push(answer);
		this.#answered?.();
	}

	async tryNext(): Promise<unknown> {
		while (this.#answers.length === 0) {
			if (this.isClosed) throw new Error('closed');
			await new Promise<void>((resolve) => {
				this.#answered = resolve;
			});
		}
		const answer = this.#answers.shift() as Answer;
		if ('error' in answer) throw answer.error;
		return answer.event;
	}

	async close(): Promise<void> {
		this.isClosed = true;
		this.#answered?.();
	}
}

type Documents = Record<string, unknown>[];

export class FakeDatabase implements WatchedDatabase {
	readonly collections = new Map<string, Documents>();
	/** The indexes that the watcher has created, as `collection field`. */
	readonly indexes: string[] = [];
	makesIndexes = true;
	/** The queries in order, such as `dated users`. */
	readonly queries: string[] = [];
	/** Whether queries fail with `AWAY`. */
	isAway = false;
	/** Whether `rocketchat__trash` has an index of the date of removal. */
	hasTrashIndex = true;
	/** If set, the first call of `tryNext` of each new stream fails with this error. */
	streamError: unknown;
	readonly #events = new EventEmitter();
	readonly #streams: FakeStream[] = [];

	of(collection: string): Documents {
		const documents = this.collections.get(collection) ?? [];
		this.collections.set(collection, documents);
		return documents;
	}

	/** The next opened stream that this method has not returned before. */
	async nextStream(): Promise<FakeStream> {
		if (this.#streams.length === 0) await once(this.#events, 'stream');
		return this.#streams.shift() as FakeStream;
	}

	openStream(collection: string, options: StreamOptions): ChangeCursor {
		const stream = new FakeStream(collection, options);
		if (this.streamError) stream.fail(this.streamError);
		this.#streams.push(stream);
		this.#events.emit('stream');
		return stream;
	}

	#ask(query: string): void {
		this.queries.push(query);
		if (this.isAway) throw AWAY;
	}

	async *dated({ collection, field, since }: Parameters<WatchedDatabase['dated']>[0]) {
		this.#ask(`dated ${collection}`);
		const time = (document: unknown) => {
			const date = (document as Record<string, unknown> | null)?.[field];
			return date instanceof Date ? date.getTime() : Number.POSITIVE_INFINITY;
		};
		const found = this.of(collection).filter((document) => time(document) >= since.getTime());
		yield* found.sort((a, b) => time(a) - time(b));
	}

	async newest(collection: string, field: string, until: Date) {
		this.#ask(`newest ${collection}`);
		const dates = this.of(collection).filter((document) => (document[field] as Date) <= until);
		return dates.sort((a, b) => Number(b[field]) - Number(a[field]))[0] ?? null;
	}

	async existing(collection: string, ids: readonly string[]) {
		this.#ask(`existing ${collection}`);
		const present = new Set(this.of(collection).map(({ _id }) => _id as string));
		return new Set(ids.filter((id) => present.has(id)));
	}

	async trashed(ids: readonly string[]) {
		this.#ask('trashed');
		return this.of('rocketchat__trash').filter(({ _id }) => ids.includes(_id as string));
	}

	async count(collection: string) {
		this.#ask('count');
		return this.of(collection).length;
	}

	async hasIndex(collection: string, field: string) {
		this.#ask('hasIndex');
		if (field === '_deletedAt') return this.hasTrashIndex;
		return this.indexes.includes(`${collection} ${field}`);
	}

	async createIndex(collection: string, field: string) {
		this.#ask('createIndex');
		this.indexes.push(`${collection} ${field}`);
	}

	isUnavailable(error: unknown): boolean {
		return error === AWAY;
	}
}

/** Records what the watcher reports. */
export class ReportedWrites implements WatchSink {
	readonly #events = new EventEmitter();
	readonly #all: unknown[] = [];

	report: WatchSink['report'] = (key, id, { action = 'updated', last } = {}) => {
		this.#add({ key, id, action, ...(last && { last }) });
	};

	refreshCollection(key: string): void {
		this.#add({ refreshCollection: key });
	}

	#add(reported: unknown): void {
		this.#all.push(reported);
		this.#events.emit('reported');
	}

	async next(count: number): Promise<unknown[]> {
		while (this.#all.length < count) await once(this.#events, 'reported');
		return this.#all.splice(0, count);
	}

	/** The reports that `next` has not returned. */
	get rest(): readonly unknown[] {
		return this.#all;
	}
}
