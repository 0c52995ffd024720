/**
 * The view that one replayed request has of the store. It reads the database, and keeps its writes to itself: a document
 * is copied into memory when it is first read, and from then on the request sees the copy.
 */
import { isDeepStrictEqual } from 'node:util';
import { clientError } from '../../shared/errors.js';
import type { Collection, Filter, FindOptions, Store } from '../../shared/store.js';
import { type Document, type Fields, valueAt } from '../../shared/values.js';
import { collection } from '../store/collection.js';
import type { CollectionSpec } from '../store/collections.js';
import { memoryBackend } from '../store/memory.js';
import { isCompared, readsKeys, type Touched } from './compare.js';

/** Maximum number of documents that all requests together copy. */
const MAX_COPIES = 50_000;
let copies = 0;

export class Overlay {
	readonly #collections = new Map<string, OverlayCollection>();
	#copied = 0;
	/** True: the request was given up, because there are too many copies. */
	isFull = false;
	/** The id of the replayed request. */
	requestId = '';

	/** @param keeps whether the documents that are read are needed afterwards */
	constructor(
		readonly keeps: boolean,
		private readonly real: Store,
		private readonly specs: readonly CollectionSpec[],
	) {}

	collection(key: string): Collection<Document> {
		const spec = this.specs.find((one) => one.key === key) as CollectionSpec;
		const real = this.real[key as keyof Store] as unknown as Collection<Document>;
		const found = this.#collections.get(key) ?? new OverlayCollection(this, spec, real);
		this.#collections.set(key, found);
		return found.view;
	}

	/** Counts a copied document. @throws ClientError if there are too many */
	countCopy(): void {
		this.isFull ||= copies >= MAX_COPIES;
		if (this.isFull) throw clientError('readOnly');
		copies += 1;
		this.#copied += 1;
	}

	/** The documents whose keys the request has read, and those that it would change. New documents are left out. */
	async touched(): Promise<Touched[]> {
		const compared = [...this.#collections].filter(([key]) => isCompared(key));
		return (await Promise.all(compared.map(([key, each]) => each.touched(key)))).flat();
	}

	/** Must be called when the copies are no longer needed. */
	release(): void {
		copies -= this.#copied;
		this.#copied = 0;
	}
}

type Operation = Exclude<keyof Collection<Document>, 'announce'>;
type Second = FindOptions & { readonly $set?: Fields };

const READS: ReadonlySet<Operation> = new Set(['findOne', 'find', 'countDocuments']);
const OF_ALL: ReadonlySet<Operation> = new Set(['countDocuments', 'updateMany', 'deleteMany']);

class OverlayCollection {
	readonly #before = new Map<string, Document>();
	readonly #readKeysOf = new Set<string>();
	readonly #memory;
	#hasWritten = false;

	constructor(
		private readonly overlay: Overlay,
		private readonly spec: CollectionSpec,
		private readonly real: Collection<Document>,
	) {
		this.#memory = memoryBackend(spec).then((backend) => {
			const of = collection<Document>(
				backend,
				spec.name,
				(task) => task(),
				() => undefined,
				(error) => error,
			);
			return { backend, of };
		});
	}

	/** The collection as methods see it. */
	readonly view = new Proxy({} as Collection<Document>, {
		get: (_, name: Operation | 'announce') => {
			if (name === 'announce') return async () => {};
			if (name !== 'find') return (...args: [Fields, Second]) => this.#run(name, args);
			return (...args: [Fields, Second]) => {
				const toArray = () => this.#run(name, args) as Promise<Document[]>;
				return {
					toArray,
					async *[Symbol.asyncIterator]() {
						yield* await toArray();
					},
				};
			};
		},
	});

	async #run(name: Operation, args: [Fields, Second?]): Promise<unknown> {
		const [first, { $set, sort, projection, skip = 0, limit = 0 } = {}] = args;
		const isRead = READS.has(name);
		this.#hasWritten ||= !isRead;
		const isDirect = !this.#hasWritten && (!this.overlay.keeps || name === 'countDocuments');
		if (isDirect) return resultOf(this.real, name, args);
		if (!isRead) await this.#copyEqual((name === 'insertOne' ? first : $set) ?? {});
		// Those that are copied already may not match any more: so many more are asked for.
		const count = name === 'find' ? skip + limit : skip + 1;
		const isBounded = name === 'find' ? limit > 0 : !OF_ALL.has(name);
		if (name !== 'insertOne')
			await this.#copy(first, isBounded ? { ...(sort && { sort }), limit: this.#before.size + count } : {});
		const found = await resultOf((await this.#memory).of, name, args);
		if (isRead && readsKeys(this.spec.key, projection))
			for (const one of [found].flat()) if (one) this.#readKeysOf.add((one as Document)._id);
		return found;
	}

	/** Copies the documents that match. */
	async #copy(filter: Fields, options: FindOptions = {}): Promise<void> {
		const { backend } = await this.#memory;
		for await (const document of this.real.find(filter as Filter<Document>, options)) {
			if (this.#before.has(document._id)) continue;
			this.overlay.countCopy();
			this.#before.set(document._id, document);
			await backend.insert(document);
		}
	}

	/** Copies the documents with which a unique index compares these fields. */
	async #copyEqual(fields: Fields): Promise<void> {
		const unique = this.spec.indexes.filter((index) => index.unique);
		for (const paths of [['_id'], ...unique.map((index) => index.fields)]) {
			const filter = Object.fromEntries(paths.map((path) => [path, fieldOf(fields, path)]));
			if (!Object.values(filter).includes(undefined)) await this.#copy(filter);
		}
	}

	async touched(key: string): Promise<Touched[]> {
		const all = await (await this.#memory).of.find({}).toArray();
		const present = new Map(all.map((document) => [document._id, document]));
		return [...this.#before].flatMap(([id, before]) => {
			const after = present.get(id) ?? null;
			const fields = Object.keys({ ...before, ...after });
			const changed = fields.filter(
				(field) => after && field !== '_updatedAt' && !isDeepStrictEqual(before[field], after[field]),
			);
			const isTouched = after === null || changed.length > 0 || this.#readKeysOf.has(id);
			return isTouched ? [{ key, id, before, after, changed }] : [];
		});
	}
}

function resultOf(target: Collection<Document>, name: Operation, args: readonly unknown[]): Promise<unknown> {
	if (name === 'find') return target.find(...(args as [Filter<Document>])).toArray();
	return (target[name] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
}

/** The value of a path in an update, whose names of fields may contain points, or in a document. */
const fieldOf = (fields: Fields, path: string): unknown => fields[path] ?? valueAt(fields, path);
