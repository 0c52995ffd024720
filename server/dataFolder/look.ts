/** Looks into a data folder without claiming or changing it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { IndexSpec } from '../../shared/indexes.js';
import { indexName } from './declaredIndexes.js';
import { openEnvironment } from './environment.js';
import { DATA_FILE } from './manifest.js';
import { ownerOf } from './owner.js';

export interface FolderContents {
	/** The process that uses the folder. */
	readonly owner: number | undefined;
	readonly indexes: { has(collection: string, spec: IndexSpec): boolean };
}

/** @param path an absolute path of a folder with data */
export async function lookInto(path: string): Promise<FolderContents> {
	const file = join(path, DATA_FILE);
	if (!existsSync(file)) return { owner: undefined, indexes: { has: () => false } };
	const environment = openEnvironment(file, true);
	try {
		// The main database lists the others by name.
		const names = new Set([...environment.getKeys()].map(String));
		const has = (collection: string, spec: IndexSpec) => names.has(indexName(collection, spec));
		return { owner: await ownerOf(path), indexes: { has } };
	} finally {
		await environment.close();
	}
}
