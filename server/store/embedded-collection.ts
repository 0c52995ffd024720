/** A collection of nedb that answers as one of the MongoDB driver does. */
import type { Collection, Cursor, Filter, FindOptions, Projection, UpdateFilter } from '../../shared/store.js';
import { toNedb, toNedbUpdate } from './filter.js';
import type { Datastore } from './nedb.js';

type Document = { _id: string };

/** Runs a write, and makes it durable if it changed anything. */
export type Write = <R>(run: () => Promise<R>, changed: (result: R) => boolean) => Promise<R>;

/** A unique index said no: told as MongoDB does, but without the value, which may be a secret. */
function asMongoError(error: unknown, name: string): unknown {
	const isDuplicate = (error as { errorType?: string }).errorType === 'uniqueViolated';
	return isDuplicate ? Object.assign(new Error(`Duplicate key in ${name}`), { code: 11_000 }) : error;
}

export class EmbeddedCollection<T extends Document> implements Collection<T> {
	constructor(
		private readonly db: Datastore,
		private readonly name: string,
		private readonly write: Write,
	) {}

	async findOne(filter: Filter<T>, options: FindOptions = {}): Promise<T | null> {
		const [found] = await this.#find(filter, { ...options, limit: 1 });
		return found ?? null;
	}

	find(filter: Filter<T>, options: FindOptions = {}): Cursor<T> {
		const toArray = () => this.#find(filter, options);
		return {
			toArray,
			async *[Symbol.asyncIterator]() {
				yield* await toArray();
			},
		};
	}

	async countDocuments(filter: Filter<T>): Promise<number> {
		return this.db.countAsync(toNedb(filter));
	}

	async insertOne(document: T): Promise<unknown> {
		return this.#write(
			() => this.db.insertAsync(document),
			() => true,
		);
	}

	async updateOne(filter: Filter<T>, update: UpdateFilter<T>): Promise<{ matchedCount: number }> {
		return this.#update(filter, update, false);
	}

	async updateMany(filter: Filter<T>, update: UpdateFilter<T>): Promise<{ matchedCount: number }> {
		return this.#update(filter, update, true);
	}

	async findOneAndUpdate(
		filter: Filter<T>,
		update: UpdateFilter<T>,
		{ projection }: { returnDocument: 'after'; projection?: Projection },
	): Promise<T | null> {
		const { affectedDocuments } = await this.#write(
			() => this.db.updateAsync(toNedb(filter), toNedbUpdate(update), { returnUpdatedDocs: true }),
			({ numAffected }) => numAffected > 0,
		);
		const document = (affectedDocuments ?? null) as T | null;
		return document && projection ? this.findOne({ _id: document._id } as Filter<T>, { projection }) : document;
	}

	async deleteOne(filter: Filter<T>): Promise<{ deletedCount: number }> {
		return this.#delete(filter, false);
	}

	async deleteMany(filter: Filter<T>): Promise<{ deletedCount: number }> {
		return this.#delete(filter, true);
	}

	async #find(filter: Filter<T>, { projection = {}, sort, skip, limit }: FindOptions): Promise<T[]> {
		const cursor = this.db.findAsync(toNedb(filter), projection);
		if (sort) cursor.sort(sort);
		if (skip) cursor.skip(skip);
		if (limit) cursor.limit(limit);
		return (await cursor.execAsync()) as unknown as T[];
	}

	async #update(filter: Filter<T>, update: UpdateFilter<T>, multi: boolean): Promise<{ matchedCount: number }> {
		const { numAffected } = await this.#write(
			() => this.db.updateAsync(toNedb(filter), toNedbUpdate(update), { multi }),
			(result) => result.numAffected > 0,
		);
		return { matchedCount: numAffected };
	}

	async #delete(filter: Filter<T>, multi: boolean): Promise<{ deletedCount: number }> {
		const deletedCount = await this.#write(
			() => this.db.removeAsync(toNedb(filter), { multi }),
			(count) => count > 0,
		);
		return { deletedCount };
	}

	async #write<R>(run: () => Promise<R>, changed: (result: R) => boolean): Promise<R> {
		try {
			return await this.write(run, changed);
		} catch (error) {
			throw asMongoError(error, this.name);
		}
	}
}
