/** The checks of a data folder and of a MongoDB. They change neither. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { reasonOf } from '../../shared/storeErrors.js';
import { assertIntact, holdsData, holdsFormerData } from '../dataFolder/manifest.js';
import { withLmdb } from '../dataFolder/withLmdb.js';
import type { IndexDifference } from '../mongodb/compareIndexes.js';
import { diskCheck } from '../ops/checks.js';
import { collectionSpecs } from '../store/collections.js';
import type { StoreChoice } from '../store/open.js';
import type { CheckReport, CheckResult } from './checkResult.js';
import { othersHaveAccess } from './fileAccess.js';

/**
 * Checks the store, unless its data is in memory.
 * @param isDataLost whether the server no longer finds its data in its folder
 */
export async function checkStore(choice: StoreChoice, isDataLost = false): Promise<CheckReport> {
	if (choice.kind === 'mongodb') return checkMongo(choice.url);
	if (choice.kind === 'files') return checkFolder(choice.folder, isDataLost);
	return { results: [{ part: 'store', status: 'off', note: 'The data is in memory' }] };
}

/** A server may be using the folder. */
async function checkFolder(folder: string, isDataLost: boolean): Promise<CheckReport> {
	const path = resolve(folder);
	try {
		await withLmdb(() => import('lmdb'));
	} catch (error) {
		return { results: [{ part: 'folder', status: 'failed', note: reasonOf(error) }] };
	}
	const results: CheckResult[] = [];
	const add = (part: string, status: CheckResult['status'], note: string) => results.push({ part, status, note });
	try {
		if (!holdsData(path) && !holdsFormerData(path)) {
			if (isDataLost)
				add(
					'folder',
					'failed',
					`${folder} holds no data: the server has lost this folder. Stop it, restore a backup, and start it again`,
				);
			else add('folder', 'off', `${folder} holds no data; a server makes the folder when it starts`);
			return { results };
		}
		// For data of Roomkey 0.1 this throws an error that says how to import it.
		await assertIntact(path);
		const { mode, uid } = await stat(path);
		const { owner, hasIndex } = await withLmdb(async () =>
			(await import('../dataFolder/readFolder.js')).readFolder(path),
		);
		add('folder', 'ok', owner === undefined ? `${folder} is complete` : `${folder} is in use by the process ${owner}`);
		if (othersHaveAccess(mode))
			add('folder: access', 'warning', `Other users can enter ${folder}: chmod 700 ${folder}`);
		// Windows has no user numbers. Root, which is 0, may use every folder.
		const currentUser = process.getuid?.();
		const isUsable = currentUser === undefined || currentUser === uid || currentUser === 0;
		if (!isUsable) add('folder: owner', 'warning', `${folder} belongs to another user, number ${uid}`);
		const checkDisk = diskCheck(path);
		const diskFault = await checkDisk();
		add('folder: disk', diskFault === undefined ? 'ok' : 'failed', diskFault ?? 'It has enough space');
		const ownCollections = collectionSpecs([]);
		// Only MongoDB has indexes that expire documents.
		const missing = ownCollections.flatMap(({ name, indexes }) =>
			indexes
				.filter((index) => !index.expires && !hasIndex(name, index))
				.map(({ fields }) => `${name} (${fields.join(', ')})`),
		);
		if (missing.length === 0) results.push(ALL_INDEXES_EXIST);
		else add('indexes', 'failed', `Missing: ${missing.join('; ')}`);
	} catch (error) {
		add('folder', 'failed', reasonOf(error));
	}
	return { results };
}

async function checkMongo(url: string): Promise<CheckReport> {
	const { createClient, databaseAndHosts, databaseOf, withoutPassword } = await import('../mongodb/client.js');
	const { compareDatabase, holdsNothing } = await import('../mongodb/compareIndexes.js');
	const client = createClient(url);
	const location = databaseAndHosts(url);
	try {
		const db = client.db(databaseOf(url));
		const { localTime } = await db.command({ hello: 1 });
		const local = Date.now();
		const ownCollections = collectionSpecs([]);
		const isEmpty = await holdsNothing(db, ownCollections);
		const differences = await compareDatabase(db, ownCollections);
		const database: CheckResult = isEmpty
			? { part: 'database', status: 'warning', note: `${location} is empty. Is its name right?` }
			: { part: 'database', status: 'ok', note: `${location} answers` };
		const indexes = differences.length > 0 ? differences.map(differenceResult) : [ALL_INDEXES_EXIST];
		const time = localTime instanceof Date && { time: { local, remote: localTime.getTime(), owner: 'the database' } };
		return { results: [database, ...indexes], ...time };
	} catch (error) {
		const note = withoutPassword(`${location}: ${reasonOf(error)}`, url);
		return { results: [{ part: 'database', status: 'failed', note }] };
	} finally {
		await client.close();
	}
}

const ALL_INDEXES_EXIST: CheckResult = { part: 'indexes', status: 'ok', note: 'All are there' };

function differenceResult({ collection, fields, kind, needed, present }: IndexDifference): CheckResult {
	const index = `${collection} (${fields.join(', ')})`;
	const notes = {
		missing: `${index} is missing: ${needed}. A server makes it when it starts, unless it has --no-index`,
		different: `${index} is ${present}, not ${needed}. Roomkey leaves it as it is`,
		extra: `${index} is not needed: ${present}`,
	};
	return { part: 'indexes', status: 'warning', note: notes[kind] };
}
