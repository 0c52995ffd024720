/** Moving data in and out of a store: `roomkey import` and `roomkey export`. */
import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CollectionName } from '../../shared/indexes.js';
import { type Collection, collectionNames, isDuplicateKey, type Store } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import { formatLine, LineError, parseLine } from './jsonLines.js';

type Document = { _id: string } & Record<string, unknown>;

/** The result of importing one file. */
export interface FileSummary {
	readonly file: string;
	/** Number of new or changed documents. */
	written: number;
	/** Number of documents that the store already had with the same content. */
	unchanged: number;
	/** Number and reason of the first rejected lines, at most `MAX_NAMED_LINES`. */
	readonly skipped: { line: number; reason: string }[];
	/** Number of all rejected lines. */
	skippedCount: number;
}

/** Receives the progress for a file. `done` and `total` are bytes in an import, documents in an export. */
export type Progress = (file: string, done: number, total: number) => void;

/** Number of documents written in parallel, so that they share a flush to the disk. */
const BATCH_SIZE = 200;

/** Maximum number of rejected lines in a summary. */
const MAX_NAMED_LINES = 20;

/** The collections to import and export: all except the short-lived state that processes share. */
const TRANSFERRED = (Object.entries(collectionNames) as [keyof Store, CollectionName][]).filter(
	([key]) => key !== 'sharedState',
);

/** Finds the files of a folder that contain a collection. `isNedb`: the file has the former format, which NeDB wrote. */
async function findSources(folder: string): Promise<{ file: string; key: keyof Store; isNedb: boolean }[]> {
	const names = new Set(await readdir(folder));
	return TRANSFERRED.flatMap(([key, name]) =>
		['.db', '.jsonl', '.json'].flatMap((extension) =>
			names.has(name + extension) ? [{ file: name + extension, key, isNedb: extension === '.db' }] : [],
		),
	);
}

/**
 * Imports a folder into a store. The folder holds files of the former format (`users.db`), or JSON lines as
 * `mongoexport` writes them (`users.jsonl` or `users.json`). An interrupted import can be repeated. A line that is not a
 * document, or that a unique index refuses, is skipped and reported.
 *
 * @throws StoreError if the folder holds nothing to read
 */
export async function importFolder(
	folder: string,
	store: Store,
	progress: Progress = () => {},
): Promise<FileSummary[]> {
	const files = await findSources(folder);
	if (files.length === 0)
		throw new StoreError(
			'other-format',
			`The folder ${folder} holds neither data of the former format (users.db) nor JSON lines (users.jsonl).`,
		);
	const summaries: FileSummary[] = [];
	for (const { file, key, isNedb } of files) {
		const path = join(folder, file);
		const summary: FileSummary = { file, written: 0, unchanged: 0, skipped: [], skippedCount: 0 };
		summaries.push(summary);
		const collection = store[key] as unknown as Collection<Document>;
		// A file of the former format contains every version of a document. Only the last version is valid.
		const linesToImport = isNedb ? await latestLines(path) : undefined;
		await readLines(path, file, progress, async (batch) => {
			const toImport = linesToImport ? batch.filter(({ number }) => linesToImport.has(number)) : batch;
			await Promise.all(toImport.map(({ line, number }) => importLine(collection, line, number, summary)));
		});
	}
	return summaries;
}

/** Imports one line, and counts the result in `summary`. */
async function importLine(
	collection: Collection<Document>,
	line: string,
	number: number,
	summary: FileSummary,
): Promise<void> {
	try {
		const document = parseLine(line) as Document;
		const before = await collection.findOne({ _id: document._id });
		// Every stored document has `_updatedAt`, even if the line has none.
		if (before && isDeepStrictEqual(before, { _updatedAt: before._updatedAt, ...document })) {
			summary.unchanged++;
			return;
		}
		if (before) await collection.deleteOne({ _id: document._id }, { silent: true });
		await collection.insertOne(document, { silent: true });
		summary.written++;
	} catch (error) {
		const reason = reasonToSkip(error);
		if (reason === undefined) throw error;
		summary.skippedCount++;
		if (summary.skipped.length < MAX_NAMED_LINES) summary.skipped.push({ line: number, reason });
	}
}

/** The reason to skip a line; undefined for a failure of the store, which ends the import. */
function reasonToSkip(error: unknown): string | undefined {
	if (error instanceof LineError) return error.message;
	if (isDuplicateKey(error)) return 'has a unique value that another document has';
	return error instanceof TypeError ? `cannot be stored (${error.message})` : undefined;
}

interface Line {
	readonly line: string;
	/** Counted from 1. */
	readonly number: number;
}

/** Reads the lines of a file in batches, without empty lines. Reads on when `onBatch` has resolved. */
async function readLines(
	path: string,
	file: string,
	progress: Progress,
	onBatch: (batch: Line[]) => Promise<void>,
): Promise<void> {
	const total = statSync(path).size;
	const input = createReadStream(path);
	let batch: Line[] = [];
	let number = 0;
	for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
		number++;
		if (line.trim() === '') continue;
		batch.push({ line, number });
		if (batch.length < BATCH_SIZE) continue;
		await onBatch(batch);
		batch = [];
		progress(file, input.bytesRead, total);
	}
	await onBatch(batch);
	progress(file, total, total);
}

/**
 * The numbers of the lines to import: the last version of each document that was not deleted. Lines that cannot be read
 * are included, so that the import reports them.
 */
async function latestLines(path: string): Promise<Set<number>> {
	/** Line numbers by the ids of documents. */
	const last = new Map<unknown, number>();
	const unreadable: number[] = [];
	const noProgress = () => {};
	await readLines(path, '', noProgress, async (batch) => {
		for (const { line, number } of batch) {
			try {
				const { _id, $$deleted, $$indexCreated, $$indexRemoved } = parseLine(line);
				if ($$indexCreated || $$indexRemoved) continue;
				if ($$deleted) last.delete(_id);
				else last.set(_id, number);
			} catch {
				unreadable.push(number);
			}
		}
	});
	return new Set([...last.values(), ...unreadable]);
}

/**
 * Writes each collection into a file of JSON lines, which `mongoimport` and `roomkey import` read.
 *
 * @returns the number of documents in each file
 * @throws StoreError if the folder already has such files
 */
export async function exportFolder(
	store: Store,
	folder: string,
	progress: Progress = () => {},
): Promise<{ file: string; count: number }[]> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const written: { file: string; count: number }[] = [];
	for (const [key, name] of TRANSFERRED) {
		const path = join(folder, `${name}.jsonl`);
		if (existsSync(path))
			throw new StoreError('unusable', `The file ${path} is there already. Choose an empty folder.`);
		const collection = store[key] as unknown as Collection<Document>;
		const total = await collection.countDocuments({});
		let count = 0;
		async function* lines(): AsyncIterable<string> {
			for await (const document of collection.find({})) {
				if (++count % BATCH_SIZE === 0) progress(name, count, total);
				yield `${formatLine(document)}\n`;
			}
		}
		// The file gets its name at the end, so a file with this name is complete.
		await pipeline(Readable.from(lines()), createWriteStream(`${path}.part`, { mode: 0o600, flush: true }));
		await rename(`${path}.part`, path);
		progress(name, count, count);
		written.push({ file: `${name}.jsonl`, count });
	}
	return written;
}
