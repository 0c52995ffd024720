/** Opens the embedded store in a folder. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CollectionDefinition } from '../../shared/collections.js';
import type { Document } from '../../shared/values.js';
import { updateIndexes } from '../dataFolder/declaredIndexes.js';
import { openEnvironment } from '../dataFolder/environment.js';
import {
	assertIntact,
	DATA_FILE,
	explain,
	forOwnerOnly,
	hasManifest,
	makeFolder,
	writeManifest,
} from '../dataFolder/manifest.js';
import { claimFolder, ownerOf } from '../dataFolder/owner.js';
import { failureOf, type WriterOptions, writer } from '../dataFolder/transactions.js';
import { buildStore, type OpenStore } from './collections.js';
import { attempt, embedded, MAX_WRITES, type RunWrite } from './embedded.js';
import { lmdbTable } from './lmdb.js';
import type { Table } from './table.js';

export interface FolderOptions extends WriterOptions {
	/** Whether other processes that set this option too may open the folder at the same time. */
	readonly shared?: boolean;
	/** The collections of the application. */
	readonly declared?: readonly CollectionDefinition[];
}

/**
 * Opens the store in a folder. Creates the folder if necessary, readable only by its owner because it contains secrets.
 *
 * @throws StoreError `in-use`, `other-format`, `damaged` or `unusable`
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
		const environment = await forOwnerOnly(() => openEnvironment(join(path, DATA_FILE)));
		closers.push(() => environment.close());
		const run = writer(environment, path, options);
		const store = await buildStore(
			declared,
			async (spec) => {
				const table = lmdbTable(environment, spec);
				if (spec.isDeclared) await updateIndexes(environment, spec, () => indexAll(table, run));
				return embedded(table, run);
			},
			(error) => failureOf(error, path),
			async () => {
				await writeManifest(path);
				await release();
			},
		);
		await writeManifest(path);
		// All processes see the same inode number of the file. A copy of the file has another one.
		return { ...store, identity: `${statSync(join(path, DATA_FILE), { bigint: true }).ino}` };
	} catch (error) {
		await release();
		throw explain(error, path);
	}
}

/** How long another process may take to make the files of a shared folder, in ms. */
const MAX_MAKING_MS = 5000;

/** Time between two checks of a shared folder, in ms. */
const CHECK_EVERY_MS = 20;

/**
 * Checks a shared folder as `assertIntact` does. A folder without a manifest is checked again while another process may be
 * making the files: that process claims the folder before it makes the first file.
 */
async function assertSharedIntact(path: string): Promise<void> {
	for (let waited = 0; ; waited += CHECK_EVERY_MS) {
		const wasMade = hasManifest(path);
		try {
			return await assertIntact(path);
		} catch (error) {
			if (wasMade || waited >= MAX_MAKING_MS) throw error;
			// The file that names the owner may be unreadable, because it is only half written.
			const owner = await ownerOf(path).catch(() => 'unknown');
			if (owner === undefined && !hasManifest(path)) throw error;
		}
		await delay(CHECK_EVERY_MS);
	}
}

/** Adds all documents of a table to its indexes. */
async function indexAll(table: Table, run: RunWrite): Promise<void> {
	let batch: Document[] = [];
	const indexBatch = async () => {
		const failure = await attempt(run, () => {
			for (const document of batch) table.index(document);
		});
		if (failure) throw failure.error;
		batch = [];
	};
	for (const document of table.candidates({}).documents) if (batch.push(document) === MAX_WRITES) await indexBatch();
	await indexBatch();
}
