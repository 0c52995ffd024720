/** The store without a server: nedb, in memory or in files of one folder. */
import path from 'node:path';
import type { Log } from '../../shared/log.js';
import { type CollectionDescription, storeOf } from './collections.js';
import { EmbeddedCollection, type Write } from './embedded-collection.js';
import { StoreError } from './failure.js';
import { cutTornLine, lockFolder, MODES, syncFile, syncFolder } from './files.js';
import { groupSync } from './group-sync.js';
import { guard } from './guard.js';
import { Datastore } from './nedb.js';
import type { OpenStore } from './open.js';

/** A file is written anew without what was overwritten once it is twice as long as then, and longer than this: 1 MiB. */
const LEAST_TO_COMPACT = 1024 * 1024;

async function addIndexes(db: Datastore, { indexes }: CollectionDescription): Promise<void> {
	for (const { fields, unique = false, sparse = false } of indexes) {
		await db.ensureIndexAsync({ fieldName: [...fields], unique, sparse });
	}
}

/** Opens a store that ends with the process. */
export async function openMemory(): Promise<OpenStore> {
	const store = await storeOf(async (description) => {
		const db = new Datastore();
		await addIndexes(db, description);
		return guard(new EmbeddedCollection(db, description.name, (run) => run()));
	});
	return { store, close: async () => {} };
}

/**
 * Opens the store in a folder. A write is acknowledged after an fsync that began after it.
 * @param sync stands for `syncFile` in tests
 * @throws StoreError `in-use`, `damaged`, `unusable`
 */
export async function openFiles(folder: string, log: Log, sync = syncFile): Promise<OpenStore> {
	const unlock = await lockFolder(folder);
	const running = new Set<Promise<unknown>>();
	try {
		const store = await storeOf(async (description) => {
			const file = path.join(folder, `${description.name}.db`);
			const db = await loadFile(file, description, log);
			return guard(new EmbeddedCollection(db, description.name, durably(db, file, { sync, log, running })));
		});
		await syncFolder(folder);
		const close = async () => {
			while (running.size > 0) await Promise.allSettled(running);
			await unlock();
		};
		return { store, close };
	} catch (error) {
		await unlock();
		throw error;
	}
}

async function loadFile(file: string, description: CollectionDescription, log: Log): Promise<Datastore> {
	await cutTornLine(file, log);
	const db = new Datastore({ filename: file, corruptAlertThreshold: 0, modes: MODES });
	try {
		await db.loadDatabaseAsync();
		await addIndexes(db, description);
	} catch (cause) {
		const { corruptItems } = cause as { corruptItems?: number };
		const reason =
			corruptItems === undefined ? (cause as Error).message : `${corruptItems} of its lines cannot be read`;
		throw new StoreError('damaged', `The file ${file} is damaged: ${reason}. Put back a copy of it.`, { cause });
	}
	return db;
}

interface Durability {
	readonly sync: (file: string) => Promise<number>;
	readonly log: Log;
	/** Writes that have not ended. */
	readonly running: Set<Promise<unknown>>;
}

/** Makes the writes of one file durable before they are acknowledged, and keeps the file from growing without end. */
function durably(db: Datastore, file: string, { sync, log, running }: Durability): Write {
	let broken: StoreError | undefined;
	let sizeWhenCompact: number | undefined;
	let compacting = false;

	async function compact(): Promise<void> {
		compacting = true;
		try {
			await db.compactDatafileAsync();
			sizeWhenCompact = await sync(file);
		} catch (err) {
			// The old file is whole, only long.
			log.warn({ err, file }, 'A file could not be written anew');
		} finally {
			compacting = false;
		}
	}

	const synced = groupSync(async () => {
		const size = await sync(file);
		sizeWhenCompact ??= size;
		if (!compacting && size > Math.max(LEAST_TO_COMPACT, 2 * sizeWhenCompact)) track(compact());
	});

	function track<R>(promise: Promise<R>): Promise<R> {
		running.add(promise);
		const done = () => void running.delete(promise);
		promise.then(done, done);
		return promise;
	}

	async function write<R>(run: () => Promise<R>, changed: (result: R) => boolean): Promise<R> {
		if (broken) throw broken;
		try {
			const result = await run();
			if (changed(result)) await synced();
			return result;
		} catch (error) {
			// A failed write or fsync: memory is now ahead of the file, and the file may end in half a line. The next
			// start mends both; until then nothing more may be acknowledged.
			if ((error as NodeJS.ErrnoException).syscall !== undefined) {
				broken = new StoreError('unusable', `${file} cannot be written: ${(error as Error).message}`, { cause: error });
				log.error({ err: error, file }, 'The store takes no more writes; start again once the cause is mended');
			}
			throw error;
		}
	}

	return (run, changed) => track(write(run, changed));
}
