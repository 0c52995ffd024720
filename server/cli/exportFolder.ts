/** `roomkey export`: writes the documents of a store into files of a folder. */
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Store } from '../../shared/store.js';
import { StoreError } from '../../shared/storeErrors.js';
import { formatLine } from './jsonLines.js';
import { collectionOf, fileError, type Progress, TRANSFERRED } from './transfer.js';

/** Number of documents between two reports of the progress. */
const PROGRESS_EVERY = 200;

/** @throws StoreError if the folder already has such files, or cannot be written */
export async function exportFolder(
	store: Store,
	folder: string,
	progress: Progress = () => {},
): Promise<{ file: string; count: number }[]> {
	const files = TRANSFERRED.map(([key, name]) => ({ key, name, path: join(folder, `${name}.jsonl`) }));
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
	} catch (error) {
		throw fileError(error, folder, 'written');
	}
	const present = files.find(({ path }) => existsSync(path));
	if (present) throw new StoreError('unusable', `The file ${present.path} is there already. Choose an empty folder.`);
	const written: { file: string; count: number }[] = [];
	for (const { key, name, path } of files) {
		const collection = collectionOf(store, key);
		const total = await collection.countDocuments({});
		let count = 0;
		async function* lines(): AsyncIterable<string> {
			for await (const document of collection.find({})) {
				if (++count % PROGRESS_EVERY === 0) progress(name, count, total);
				yield `${formatLine(document)}\n`;
			}
		}
		const part = `${path}.part`;
		try {
			await pipeline(Readable.from(lines()), createWriteStream(part, { mode: 0o600, flush: true }));
			await rename(part, path);
		} catch (error) {
			await rm(part, { force: true }).catch(() => {});
			throw fileError(error, path, 'written', folder);
		}
		progress(name, count, count);
		written.push({ file: `${name}.jsonl`, count });
	}
	return written;
}
