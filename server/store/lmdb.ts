/** Tables in an LMDB file. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Database, DatabaseOptions, RootDatabase } from 'lmdb';
import { open } from 'lmdb';
import type { CollectionSpec } from './collections.js';
import type { RunWrite } from './embedded.js';
import { reasonOf, StoreError } from './failure.js';
import { type IndexEntries, Table } from './table.js';
import type { Document } from './values.js';

/** Entries read in one page: the reader may pause between pages without holding a snapshot. */
const PAGE = 100;

/** If a write fails with less free disk space than this, in bytes, the disk counts as full. */
const SCARCE_BYTES = 8 * 1024 * 1024;

/** Exceeds the number of collections and indexes. */
const MAX_DATABASES = 64;

/** Documents as plain MessagePack: without the package's own record types, any reader of the format understands them. */
const ENCODING: DatabaseOptions = { encoding: 'msgpack', ...{ encoder: { useRecords: false } } };

/** An open LMDB file. */
export type Environment = RootDatabase<unknown, string>;

/**
 * Opens an LMDB file.
 *
 * Without `overlappingSync` LMDB flushes a transaction to the disk before it commits it, so its promise resolves when
 * it is durable and rejects otherwise, and reads never return data that a crash could undo. Transactions that are
 * requested meanwhile are flushed together.
 */
export function openEnvironment(path: string, readOnly = false): Environment {
	assertLmdb(path);
	return open({
		path,
		noSubdir: true,
		overlappingSync: false,
		eventTurnBatching: false,
		maxDbs: MAX_DATABASES,
		readOnly,
	});
}

/** The magic number of an LMDB file, and its offset. LMDB itself aborts the process if it is missing. */
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;

function assertLmdb(path: string): void {
	if (!existsSync(path)) return;
	const start = Buffer.alloc(MAGIC_AT + 4);
	const file = openSync(path, 'r');
	const length = readSync(file, start);
	closeSync(file);
	if (length > 0 && (length < start.length || start.readUInt32LE(MAGIC_AT) !== MAGIC))
		throw new StoreError('damaged', `${path} is not a data file of Roomkey. Restore the folder from a backup.`);
}

/** Opens the table of a collection, and creates it if necessary. */
export function lmdbTable(environment: Environment, { name, indexes }: CollectionSpec): Table {
	const documents: Database<Document, string> = environment.openDB({ name, ...ENCODING });
	return new Table(
		name,
		{
			ordered: true,
			copies: true,
			get: (id) => documents.get(id),
			put: (document) => void documents.put(document._id, document),
			remove: (id) => void documents.remove(id),
			scan: (after) =>
				pages(after, (start) => [...documents.getRange(pageFrom(start))].map(({ key, value }) => ({ at: key, value }))),
		},
		indexes,
		({ fields, ignoreCase }) =>
			new LmdbIndex(
				environment.openDB({
					name: `${name}/${fields}${ignoreCase ? '/i' : ''}`,
					dupSort: true,
					encoding: 'ordered-binary',
				}),
			),
	);
}

class LmdbIndex implements IndexEntries {
	constructor(private readonly entries: Database<string, string>) {}

	ids(key: string, after: string | undefined): Iterable<string> {
		return pages(after, (start) =>
			[...this.entries.getValues(key, pageFrom(start))].map((id) => ({ at: id, value: id })),
		);
	}

	has(key: string): boolean {
		return this.entries.doesExist(key);
	}

	count(key: string): number {
		return this.entries.getValuesCount(key);
	}

	add(key: string, id: string): void {
		void this.entries.put(key, id);
	}

	remove(key: string, id: string): void {
		void this.entries.remove(key, id);
	}
}

const pageFrom = (start: string | undefined) =>
	start === undefined ? { limit: PAGE } : { start, exclusiveStart: true, limit: PAGE };

/** Continues after the last entry until a page is not full. */
function* pages<V>(
	after: string | undefined,
	read: (start: string | undefined) => { at: string; value: V }[],
): Iterable<V> {
	for (let start = after; ; ) {
		const page = read(start);
		for (const { value } of page) yield value;
		if (page.length < PAGE) return;
		start = (page.at(-1) as { at: string }).at;
	}
}

/**
 * Runs writing tasks in transactions. Tasks that are added in one turn of the event loop, or during a flush, share the
 * next transaction.
 */
export function writer(environment: Environment): RunWrite {
	return (task) => environment.transaction(task);
}

/** Converts a failure of LMDB, the disk or the system to a StoreError; returns other errors unchanged. */
export async function failureOf(error: unknown, folder: string): Promise<unknown> {
	const { commitError } = error as { commitError?: Promise<never> };
	// The system error is delivered by a separate promise.
	const cause = commitError ? await commitError.catch((inner) => inner) : error;
	const reason = reasonOf(cause);
	if (!commitError && !/MDB_|Input\/output|No space left|quota exceeded/i.test(reason)) return error;
	// LMDB reports an input/output error if the system writes only a part of the data.
	const { bavail, bsize } = await statfs(folder).catch(() => ({ bavail: Number.POSITIVE_INFINITY, bsize: 1 }));
	if (/No space left|quota exceeded/i.test(reason) || (commitError && bavail * bsize < SCARCE_BYTES))
		return new StoreError('full', `The disk of ${folder} is full: nothing can be stored until there is space.`);
	if (/MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID)/.test(reason))
		return new StoreError('damaged', `The data in ${folder} is damaged: ${reason}. Restore the folder from a backup.`);
	return new StoreError('unusable', `Nothing can be stored in ${folder}: ${reason}.`, { cause });
}
