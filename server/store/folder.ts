/** Opens the embedded store in a folder. */
import { resolve } from 'node:path';
import type { CollectionDefinition } from '../../shared/collections.js';
import { updateIndexes } from '../dataFolder/declaredIndexes.js';
import { openDataFile } from '../dataFolder/environment.js';
import {
	assertIntact,
	dataFileId,
	folderError,
	forOwnerOnly,
	makeFolder,
	writeManifest,
} from '../dataFolder/manifest.js';
import { claimFolder } from '../dataFolder/owner.js';
import { assertSharedIntact } from '../dataFolder/sharedFolder.js';
import { failureOf, type WriterOptions, writer } from '../dataFolder/transactions.js';
import { buildStore, type OpenStore } from './collections.js';
import { embedded } from './embedded.js';
import { lmdbTable } from './lmdb.js';

export interface FolderOptions extends WriterOptions {
	/** Whether other processes that set this option too may open the folder at the same time. */
	readonly shared?: boolean;
	readonly declared?: readonly CollectionDefinition[];
}

/**
 * Opens the store in a folder. Creates the folder if necessary, readable only by its owner.
 * @throws StoreError `in-use`, `other-format`, `damaged` or `unusable`: see `StoreFailure`
 */
export async function openFolder(
	folder: string,
	{ shared = false, declared = [], ...options }: FolderOptions = {},
): Promise<OpenStore> {
	const path = resolve(folder);
	const closers: (() => Promise<void>)[] = [];
	const release = async () => {
		for (const close of closers.reverse()) await close();
	};
	try {
		await makeFolder(path);
		await (shared ? assertSharedIntact(path) : assertIntact(path));
		closers.push(await forOwnerOnly(() => claimFolder(path, shared)));
		const environment = await forOwnerOnly(() => openDataFile(path));
		closers.push(() => environment.close());
		const run = writer(environment, path, options);
		const store = await buildStore(
			declared,
			async (spec) => {
				const table = lmdbTable(environment, spec);
				if (spec.isDeclared) updateIndexes(environment, spec, () => table.indexAll());
				return embedded(table, run);
			},
			(error) => failureOf(error, path),
			() =>
				writeManifest(path)
					.catch((error) => Promise.reject(folderError(error, path)))
					.finally(release),
		);
		await writeManifest(path);
		return { ...store, identity: dataFileId(path) as string };
	} catch (error) {
		await release().catch(() => {});
		throw folderError(error, path);
	}
}
