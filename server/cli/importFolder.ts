/** `roomkey import`: reads the files of a folder into a store. */
import { createReadStream } from 'node:fs';
import { access, constants, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Collection, Store, UpdateFilter } from '../../shared/store.js';
import { isDuplicateKey, StoreError } from '../../shared/storeErrors.js';
import { checkedDocument, type Document } from '../../shared/values.js';
import { LineError, parseLine } from './jsonLines.js';
import { type Line, MAX_LINE_LENGTH, splitLines } from './lines.js';
import { collectionOf, fileError, type Progress, TRANSFERRED } from './transfer.js';

export interface FileSummary {
	readonly file: string;
	/** New or replaced documents. */
	written: number;
	/** Documents that the store already had with the same content. */
	unchanged: number;
	/** Documents that the store already had with other content, and keeps. 0 with `replace`. */
	kept: number;
	/** The first `MAX_REPORTED_SKIPS` skipped lines. */
	readonly skipped: { line: number; reason: string }[];
	skippedCount: number;
}

export interface ImportOptions {
	/** Whether stored documents with other content are replaced. Default: no. */
	readonly replace?: boolean;
	readonly progress?: Progress;
}

export interface Source {
	readonly path: string;
	/** The last part of `path`. */
	readonly file: string;
	readonly key: keyof Store;
	/** Whether the file is one of NeDB, the store of earlier releases. */
	readonly isNedb: boolean;
}

/** Maximum number of documents written in parallel. Parallel writes share one flush to the disk. */
const BATCH_SIZE = 200;

/** A batch ends when its lines have this many characters together. */
const MAX_BATCH_LENGTH = 16 * 1024 * 1024;

const MAX_REPORTED_SKIPS = 20;

/**
 * Maximum number of ids remembered for one file, to skip later lines with the same id. A million ids take 61 MB. A line
 * whose id was not remembered is treated as in a second import.
 */
const MAX_REMEMBERED_IDS = 5_000_000;

const EXTENSIONS = ['.db', '.jsonl', '.json'];

/**
 * Finds the files of a folder that contain a collection, in the formats of NeDB and of `mongoexport`.
 * @throws StoreError if there is no such file, if a file cannot be read, or if a collection has several files
 */
export async function findSources(folder: string): Promise<Source[]> {
	const names = new Set(
		await readdir(folder).catch((error) => {
			throw fileError(error, folder, 'read');
		}),
	);
	const sources = TRANSFERRED.flatMap(([key, name]) => {
		const files = EXTENSIONS.map((extension) => name + extension).filter((file) => names.has(file));
		if (files.length > 1)
			throw new StoreError(
				'unusable',
				`The folder ${folder} has ${files.join(' and ')}, which hold the same collection. Move all but one of them away.`,
			);
		return files.map((file) => ({ path: join(folder, file), file, key, isNedb: file.endsWith('.db') }));
	});
	if (sources.length === 0)
		throw new StoreError(
			'other-format',
			`The folder ${folder} holds neither data of Roomkey 0.1 (users.db) nor JSON lines (users.jsonl).`,
		);
	for (const { path } of sources) await requireFile(path);
	return sources;
}

/** @throws StoreError for a folder or an unreadable file */
async function requireFile(path: string): Promise<void> {
	try {
		await access(path, constants.R_OK);
		if (!(await stat(path)).isDirectory()) return;
	} catch (error) {
		throw fileError(error, path, 'read');
	}
	throw new StoreError('unusable', `${path} is a folder, and must be a file.`);
}

/**
 * An interrupted import can be repeated. A line is skipped and reported if it is no document, if the store refuses the
 * document, or if an earlier line has the same `_id`.
 * @throws StoreError if a file cannot be read, or the store cannot be written
 */
export async function importFiles(
	sources: readonly Source[],
	store: Store,
	options: ImportOptions = {},
): Promise<FileSummary[]> {
	const summaries: FileSummary[] = [];
	for (const source of sources) summaries.push(await importFile(source, store, options));
	return summaries;
}

async function importFile(
	{ path, file, key, isNedb }: Source,
	store: Store,
	{ replace = false, progress = () => {} }: ImportOptions,
): Promise<FileSummary> {
	const summary: FileSummary = { file, written: 0, unchanged: 0, kept: 0, skipped: [], skippedCount: 0 };
	const collection = collectionOf(store, key);
	const ids = new Set<string>();

	/**
	 * Imports one line. Lines are imported in parallel. The id is checked before anything is awaited, so that the later
	 * of two lines with one id is skipped.
	 */
	async function importLine({ text, number }: Line): Promise<void> {
		try {
			const fields = parse(text);
			const document = checkedDocument(fields as Document);
			if (ids.has(document._id)) throw new LineError('has the _id of an earlier line');
			if (ids.size < MAX_REMEMBERED_IDS) ids.add(document._id);
			const hasUpdatedAt = '_updatedAt' in fields;
			summary[await writeDocument(collection, document, hasUpdatedAt, replace)]++;
		} catch (error) {
			const reason = reasonToSkip(error);
			if (reason === undefined) throw error;
			summary.skippedCount++;
			if (summary.skipped.length < MAX_REPORTED_SKIPS) summary.skipped.push({ line: number, reason });
		}
	}

	// A file of NeDB contains every version of a document.
	const linesToImport = isNedb ? await latestLines(path) : undefined;
	await readLines(
		path,
		async (batch) => {
			const toImport = linesToImport ? batch.filter(({ number }) => linesToImport.has(number)) : batch;
			await Promise.all(toImport.map(importLine));
		},
		(done, total) => progress(file, done, total),
	);
	return summary;
}

/** @param text undefined for a line that is too long. @throws LineError */
function parse(text: string | undefined): Record<string, unknown> {
	if (text === undefined) throw new LineError(`is longer than ${MAX_LINE_LENGTH} characters`);
	return parseLine(text);
}

/**
 * One update replaces a stored document, so that it is never missing if the process is killed.
 * @param hasUpdatedAt false if `checkedDocument` has added `_updatedAt`
 */
async function writeDocument(
	collection: Collection<Document>,
	document: Document,
	hasUpdatedAt: boolean,
	replace: boolean,
): Promise<'written' | 'unchanged' | 'kept'> {
	const { _id } = document;
	const before = await collection.findOne({ _id });
	if (before && isSame(before, document, hasUpdatedAt)) return 'unchanged';
	if (before && !replace) return 'kept';
	const silent = { silent: true };
	const result = before && (await collection.updateOne({ _id }, updateTo(document, before), silent));
	// The document is new, or another program has just removed it.
	if (!result || result.matchedCount === 0) await collection.insertOne(document, silent);
	return 'written';
}

function isSame(before: Document, document: Document, hasUpdatedAt: boolean): boolean {
	const { _updatedAt: timeBefore, ...fieldsBefore } = before;
	const { _updatedAt: time, ...fields } = document;
	return isDeepStrictEqual(fieldsBefore, fields) && (!hasUpdatedAt || isDeepStrictEqual(timeBefore, time));
}

function updateTo(document: Document, before: Document): UpdateFilter<Document> {
	const changed = Object.entries(document).filter(([name, value]) => !isDeepStrictEqual(before[name], value));
	const removed = Object.keys(before).filter((name) => !Object.hasOwn(document, name));
	return {
		// An update without `_updatedAt` would set it to the present time.
		$set: { ...Object.fromEntries(changed), _updatedAt: document._updatedAt },
		$unset: Object.fromEntries(removed.map((name) => [name, true as const])),
	};
}

/** The reason to skip a line. Undefined for a failure of the store, which ends the import. */
function reasonToSkip(error: unknown): string | undefined {
	if (error instanceof LineError) return error.message;
	if (isDuplicateKey(error)) return 'has a value that must be unique, and that another document already has';
	// `checkedDocument` throws TypeErrors. MongoDB's driver throws a RangeError for too large a document.
	const isUnstorable = error instanceof TypeError || error instanceof RangeError;
	return isUnstorable ? `cannot be stored (${error.message})` : undefined;
}

/** @throws StoreError */
async function* chunksOf(path: string, onRead: (bytes: number) => void): AsyncGenerator<string> {
	const input = createReadStream(path, 'utf8');
	try {
		for await (const chunk of input) {
			onRead(input.bytesRead);
			yield chunk;
		}
	} catch (error) {
		throw fileError(error, path, 'read');
	}
}

/** Reads the lines of a file in batches, without empty lines. Waits for `onBatch` before it reads on. */
async function readLines(
	path: string,
	onBatch: (batch: readonly Line[]) => Promise<unknown>,
	onProgress: (done: number, total: number) => void = () => {},
): Promise<void> {
	const { size: total } = await stat(path).catch((error) => {
		throw fileError(error, path, 'read');
	});
	let bytesRead = 0;
	let batch: Line[] = [];
	let length = 0;
	const chunks = chunksOf(path, (bytes) => {
		bytesRead = bytes;
	});
	for await (const line of splitLines(chunks)) {
		if (line.text?.trim() === '') continue;
		batch.push(line);
		length += line.text?.length ?? 0;
		if (batch.length < BATCH_SIZE && length < MAX_BATCH_LENGTH) continue;
		await onBatch(batch);
		batch = [];
		length = 0;
		onProgress(bytesRead, total);
	}
	await onBatch(batch);
	onProgress(total, total);
}

/**
 * The number of the last line of each document that was not deleted. Lines that are unreadable or have no `_id` are
 * included, so that the import reports them.
 */
async function latestLines(path: string): Promise<Set<number>> {
	const lastLineById = new Map<unknown, number>();
	const unreadable: number[] = [];
	await readLines(path, async (batch) => {
		for (const { text, number } of batch) {
			try {
				const { _id, $$deleted, $$indexCreated, $$indexRemoved } = parse(text);
				if ($$indexCreated || $$indexRemoved) continue;
				if (_id === undefined) unreadable.push(number);
				else if ($$deleted) lastLineById.delete(_id);
				else lastLineById.set(_id, number);
			} catch {
				unreadable.push(number);
			}
		}
	});
	return new Set([...lastLineById.values(), ...unreadable]);
}
