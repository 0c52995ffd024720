/** One collection in one file: nedb writes it, this makes the writes durable and keeps the file from growing. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Log } from '../../shared/log.js';
import { createYielder } from '../../shared/yielding.js';
import type { CollectionName } from './collections.js';
import { ensureIndexes } from './embedded.js';
import { reasonOf, StoreError } from './failure.js';
import { groupSync } from './group-sync.js';
import { Datastore } from './nedb.js';
import { cutTornLine, damageOf } from './repair.js';
import { oneAtATime, type Write } from './write.js';

/** Brings what was appended to a file onto the disk. */
export type SyncFile = (file: FileHandle) => Promise<void>;

/** Shared by all files of a folder. */
export interface Health {
	/** Why nothing may be written any more. */
	failure?: StoreError;
}

export interface Datafile {
	db: Datastore;
	/** Ended when an fsync has ended that began after the task. */
	write: Write;
	/** To be called when all writes have ended. */
	close(): Promise<void>;
}

/** A file is rewritten when so much was appended, in bytes, and more than twice what it held after the last time. */
const GROWTH = 1024 * 1024;

/**
 * Loads a file, or makes it.
 *
 * @throws StoreError `damaged` or `unusable`
 */
export async function openDatafile(
	path: string,
	name: CollectionName,
	health: Health,
	sync: SyncFile,
	log: Log,
): Promise<Datafile> {
	await cutTornLine(path, log);
	/** Bytes written to this file and those it replaced, since it was opened. Tells whether a task has written anything. */
	let written = 0;
	let pace: ReturnType<typeof createYielder> | undefined;
	const db = new Datastore({
		filename: path,
		corruptAlertThreshold: 0,
		modes: { fileMode: 0o600, dirMode: 0o700 },
		afterSerialization: (line) => {
			const safe = oneLine(line);
			written += Buffer.byteLength(safe) + 1;
			// Rewriting the file of a large collection would keep everybody else waiting for half a second or more.
			const pause = pace?.();
			return pause ? pause.then(() => safe) : safe;
		},
		// The list in indexes.ts rules, not the one an older version left in the file.
		beforeDeserialization: (line) => (line.startsWith('{"$$indexCreated"') ? '{}' : line),
	});
	await db.loadDatabaseAsync().catch(async (error) => {
		throw await damageOf(path, error);
	});
	/** What the file held after it was last rewritten, as loading does too, and `written` at that time. */
	let size = written;
	let mark = written;
	let rewriting = false;
	await ensureIndexes(db, name);
	pace = createYielder();

	let file = await open(path, 'a');
	const synced = groupSync(() => sync(file));
	const queue = oneAtATime();

	function fail(error: unknown): StoreError {
		// Memory and file now differ, and a further line could stick to half of this one.
		health.failure ??= new StoreError(
			'unusable',
			`Nothing can be written to ${path} any more: ${reasonOf(error)}. Remove the cause and start again.`,
			{ cause: error },
		);
		return health.failure;
	}

	async function compact(): Promise<void> {
		rewriting = false;
		if (health.failure) return;
		const before = written;
		try {
			await db.compactDatafileAsync();
			size = written - before;
			log.info({ file: path, bytes: size }, 'Rewrote a file without its old versions');
		} catch (error) {
			// The old file still holds everything; the next try comes when it has grown as much again.
			log.warn({ file: path, reason: reasonOf(error) }, 'Could not rewrite a file without its old versions');
		}
		mark = written;
		// nedb renames a new file into place: an fsync through the old descriptor would no longer reach it. What the old
		// one has not synced the new one holds, and nedb syncs that before it renames.
		const old = file;
		file = await open(path, 'a');
		await old.close();
	}

	return {
		db,
		write: async (task) => {
			const { result, changed } = await queue(async () => {
				if (health.failure) throw health.failure;
				const before = written;
				try {
					return { result: await task(), changed: written !== before };
				} catch (error) {
					throw isSystemError(error) ? fail(error) : error;
				}
			});
			if (!changed) return result;
			// It takes its turn behind the writes that wait: once will do for all of them.
			if (!rewriting && written - mark > Math.max(GROWTH, 2 * size)) {
				rewriting = true;
				queue(compact).catch(fail);
			}
			await synced().catch((error) => {
				throw fail(error);
			});
			return result;
		},
		close: async () => {
			// The file may be being rewritten.
			await queue(async () => {});
			await file.close();
		},
	};
}

/** Whether the system refused, as opposed to nedb: only then something may have been written in part. */
function isSystemError(error: unknown): boolean {
	return typeof (error as NodeJS.ErrnoException | null)?.syscall === 'string';
}

/** nedb reads a file back by Unicode's line ends, of which JSON leaves three as they are. */
function oneLine(json: string): string {
	return json.replace(/[\u0085\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
