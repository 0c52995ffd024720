/** What a crash may have left at the end of a file, and what it cannot have left anywhere else. */
import { readFile, truncate } from 'node:fs/promises';
import type { Log } from '../../shared/log.js';
import { reasonOf, StoreError } from './failure.js';
import { isFields } from './values.js';

/**
 * Cuts off the line that was being written when the process ended: it was never acknowledged. A file that does not exist
 * is fine.
 */
export async function cutTornLine(path: string, log: Log): Promise<void> {
	const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return undefined;
		throw error;
	});
	if (content === undefined) return;
	const end = content.lastIndexOf('\n') + 1;
	// Whole but for its line feed, as an editor may leave it: nedb reads that.
	if (end === content.length || isDocument(content.toString('utf8', end))) return;
	await truncate(path, end);
	log.warn({ file: path, bytes: content.length - end }, 'Cut off an unfinished write at the end of the file');
}

/** Why nedb could not read a file: names the first line that is none of its own, which nedb does not. */
export async function damageOf(path: string, error: unknown): Promise<StoreError> {
	const lines = (await readFile(path, 'utf8')).split('\n');
	const damaged = lines.findIndex((line) => line !== '' && !isDocument(line)) + 1;
	if (damaged > 0)
		return new StoreError('damaged', `Line ${damaged} of ${path} is damaged. Restore the file from a copy.`);
	return new StoreError('unusable', `The file ${path} cannot be loaded: ${reasonOf(error)}.`, { cause: error });
}

function isDocument(line: string): boolean {
	try {
		return isFields(JSON.parse(line));
	} catch {
		return false;
	}
}
