/** Looks into a data folder without claiming or changing it. */
import type { IndexSpec } from '../../shared/indexes.js';
import { indexName } from './declaredIndexes.js';
import { openDataFile } from './environment.js';
import { ownerOf } from './owner.js';

export interface FolderContents {
	/** The id of a process that uses the folder. */
	readonly owner: number | undefined;
	hasIndex(collection: string, spec: IndexSpec): boolean;
}

/** Reads which process uses a folder, and which indexes it has. */
export async function readFolder(path: string): Promise<FolderContents> {
	const readOnly = true;
	const environment = openDataFile(path, readOnly);
	try {
		// LMDB's main database lists the other databases by name.
		const names = new Set([...environment.getKeys()].map(String));
		return {
			owner: await ownerOf(path),
			hasIndex: (collection, spec) => names.has(indexName(collection, spec)),
		};
	} finally {
		await environment.close();
	}
}
