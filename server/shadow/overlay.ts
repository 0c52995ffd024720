/**
 * An overlay is the view that one replayed request of the shadow mode (`shadow.ts`) has of the store. The request reads and
 * changes copies of documents in memory. A GET or HEAD makes copies only once it writes.
 */
import { isDeepStrictEqual } from 'node:util';
import { clientError } from '../../shared/errors.js';
import type { Collection, Filter, FindOptions, Store } from '../../shared/store.js';
import { type Document, type Fields, valueAt } from '../../shared/values.js';
import { collection } from '../store/collection.js';
import type { CollectionSpec } from '../store/collections.js';
import { memoryBackend } from '../store/memory.js';
import { isCompared, readsKeys, type TouchedDocument } from './compare.js';

/** Maximum number of copies that all overlays together hold. */
const MAX_COPIES = 50_000;

let copyCount = 0;

export class Overlay {
	readonly #collections = new Map<string, OverlayCollection>();
	#copied = 0;
	/** Whether the request was given up, because there were too many copies. */
	isFull = false;
	requestId = '';

	/** @param copiesReads whether documents that are only read are copied too, so that `touched` can return them */
	constructor(
		readonly copiesReads: boolean,
		private readonly real: Store,
		private readonly specs: readonly CollectionSpec[],
	) {}

	/** A collection as the request sees it. @param key its property name in `Store` */
	collection(key: string): Collection<Document> {
		return this.#overlaid(key).view;
	}

	#overlaid(key: string): OverlayCollection {
		let overlaid = this.#collections.get(key);
		if (!overlaid) {
			const spec = this.specs.find((candidate) => candidate.key === key) as CollectionSpec;
			overlaid = new OverlayCollection(this, spec, this.real[key as keyof Store] as unknown as Collection<Document>);
			this.#collections.set(key, overlaid);
		}
		return overlaid;
	}

	/**
	 * Copies the users and rooms with these ids, and the memberships of these users in these rooms, before Rocket.Chat changes
	 * them. A failed read is ignored: the request repeats it if it needs the document.
	 */
	async copyById(ids: readonly string[]): Promise<void> {
		const among = { $in: ids };
		await Promise.allSettled([
			this.#overlaid('users').copy({ _id: among }),
			this.#overlaid('rooms').copy({ _id: among }),
			this.#overlaid('subscriptions').copy({ rid: among, 'u._id': among }),
		]);
	}

	/** Counts a copied document. @throws ClientError if there are too many */
	countCopy(): void {
		this.isFull ||= copyCount >= MAX_COPIES;
		if (this.isFull) throw clientError('readOnly');
		copyCount += 1;
		this.#copied += 1;
	}

	/** The documents whose keys the request has read, and those that it would change. New documents are left out. */
	async touched(): Promise<TouchedDocument[]> {
		const compared = [...this.#collections].filter(([key]) => isCompared(key));
		return (await Promise.all(compared.map(([key, overlaid]) => overlaid.touched(key)))).flat();
	}

	/** Must be called when the copies are no longer needed. */
	release(): void {
		copyCount -= this.#copied;
		this.#copied = 0;
	}
}

type Operation = Exclude<keyof Collection<Document>, 'announce'>;

/** The second argument of an operation: the options of a read, or an update. */
type OptionsOrUpdate = FindOptions & { readonly $set?: Fields };

const READS: ReadonlySet<Operation> = new Set(['findOne', 'find', 'countDocuments']);

/** The operations that concern all matching documents. So does `find` without a limit. */
const ON_ALL_MATCHES: ReadonlySet<Operation> = new Set(['countDocuments', 'updateMany', 'deleteMany']);

class OverlayCollection {
	/** The copied documents as they were first read, by id. */
	readonly #before = new Map<string, Document>();
	/** The ids of the documents whose keys the request has read. */
	readonly #readKeysOf = new Set<string>();
	readonly #memory;
	#hasWritten = false;

	constructor(
		private readonly overlay: Overlay,
		private readonly spec: CollectionSpec,
		private readonly real: Collection<Document>,
	) {
		this.#memory = memoryBackend(spec).then((backend) => {
			const copies = collection<Document>(
				backend,
				spec.name,
				(task) => task(),
				() => undefined,
				(error) => error,
			);
			return { backend, copies };
		});
	}

	/** The collection as methods see it. */
	readonly view = new Proxy({} as Collection<Document>, {
		get: (_, name: Operation | 'announce') => {
			if (name === 'announce') return async () => {};
			if (name !== 'find') return (...args: [Fields, OptionsOrUpdate]) => this.#run(name, args);
			return (...args: [Fields, OptionsOrUpdate]) => {
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

	/** Copies the documents that an operation needs, and runs the operation on the copies. */
	async #run(name: Operation, args: [Fields, OptionsOrUpdate?]): Promise<unknown> {
		const [filterOrDocument, { $set, sort, projection, skip = 0, limit = 0 } = {}] = args;
		const isRead = READS.has(name);
		this.#hasWritten ||= !isRead;
		const needsNoCopies = !this.#hasWritten && (!this.overlay.copiesReads || name === 'countDocuments');
		if (needsNoCopies) return resultOf(this.real, name, args);
		const newFields = name === 'insertOne' ? filterOrDocument : $set;
		if (!isRead) await this.#copyWithSameKeys(newFields ?? {});
		if (name !== 'insertOne') {
			const isBounded = name === 'find' ? limit > 0 : !ON_ALL_MATCHES.has(name);
			const count = name === 'find' ? skip + limit : skip + 1;
			// The request may have changed its copies so that they no longer match. So the limit is raised by their number.
			const bounds = { ...(sort && { sort }), limit: this.#before.size + count };
			await this.copy(filterOrDocument, isBounded ? bounds : {});
		}
		const result = await resultOf((await this.#memory).copies, name, args);
		if (isRead && readsKeys(this.spec.key, projection))
			for (const document of [result].flat()) if (document) this.#readKeysOf.add((document as Document)._id);
		return result;
	}

	/** Copies the matching documents that are not copied yet. */
	async copy(filter: Fields, options: FindOptions = {}): Promise<void> {
		const { backend } = await this.#memory;
		for await (const document of this.real.find(filter as Filter<Document>, options)) {
			if (this.#before.has(document._id)) continue;
			this.overlay.countCopy();
			this.#before.set(document._id, document);
			await backend.insert(document);
		}
	}

	/** Copies the documents with the same values as `fields` in a unique index, so that a write finds the conflict. */
	async #copyWithSameKeys(fields: Fields): Promise<void> {
		const unique = this.spec.indexes.filter((index) => index.unique);
		for (const paths of [['_id'], ...unique.map((index) => index.fields)]) {
			const filter = Object.fromEntries(paths.map((path) => [path, fieldOf(fields, path)]));
			if (!Object.values(filter).includes(undefined)) await this.copy(filter);
		}
	}

	async touched(key: string): Promise<TouchedDocument[]> {
		const all = await (await this.#memory).copies.find({}).toArray();
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

/** The result of `find` is an array. */
function resultOf(target: Collection<Document>, name: Operation, args: readonly unknown[]): Promise<unknown> {
	if (name === 'find') return target.find(...(args as [Filter<Document>])).toArray();
	return (target[name] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
}

/** The value at a path such as `u._id`. In an update, the whole path is a key; in a document, it leads to a nested field. */
const fieldOf = (fields: Fields, path: string): unknown => fields[path] ?? valueAt(fields, path);
