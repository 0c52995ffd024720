/** The subcommands that move data: `import`, `export`, `backup` and `restore`. */
import { type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../../shared/storeErrors.js';
import { DATA_FILE } from '../dataFolder/manifest.js';
import { withLmdb } from '../dataFolder/withLmdb.js';
import { createLog } from '../ops/createLog.js';
import { OptionError } from '../options/optionError.js';
import type { OpenStore } from '../store/collections.js';
import { openStore, type StoreChoice } from '../store/open.js';
import { thenClose } from './closing.js';
import type { Input, Io } from './command.js';
import { printResult } from './print.js';
import { requireData } from './target.js';

/** `import`: reads files of a folder into a store. */
export async function importData(input: Input, io: Io): Promise<void> {
	const { findSources, importFiles } = await import('./importFolder.js');
	const replace = input.isOn('replace');
	// The files are looked for first: opening the store can make a data folder, which a wrong FOLDER must not leave behind.
	const prepare = () => findSources(input.argument(0));
	await withStore(input, 'import', prepare, async ({ store }, sources) => {
		const summaries = await importFiles(sources, store, { replace, progress: progressBar(io) });
		printResult(input, io, { files: summaries }, () => {
			for (const { file, written, unchanged, kept, skipped, skippedCount } of summaries) {
				const stored = `${unchanged} unchanged${kept > 0 ? `, ${kept} kept` : ''}`;
				io.line(`${file}: ${written} written, ${stored}, ${skippedCount} skipped`);
				for (const { line, reason } of skipped) io.line(`  line ${line} ${reason}`);
			}
			if (summaries.some(({ kept }) => kept > 0)) io.note(KEPT_NOTE);
		});
	});
}

const KEPT_NOTE =
	'Kept: the store has these documents with another content, and they were not changed. To replace them, add --replace';

/** `export`: writes the documents of a store into files of a folder. */
export async function exportData(input: Input, io: Io): Promise<void> {
	const { exportFolder } = await import('./exportFolder.js');
	const requireSource = (choice: StoreChoice) => requireData(choice, 'or a database with --mongo-url');
	await withStore(input, 'export', requireSource, async ({ store }) => {
		const files = await exportFolder(store, input.argument(0), progressBar(io));
		printResult(input, io, { files }, () => {
			for (const { file, count } of files) io.line(`${file}: ${count}`);
		});
	});
}

/** `backup`: copies a data folder. */
export async function backup(input: Input, io: Io): Promise<void> {
	const [source, target] = [dataFolderOf(input), input.argument(0)];
	const { backupFolder } = await withLmdb(() => import('./backup.js'));
	await withProgress(io, source, target, () => backupFolder(source, target));
	printResult(input, io, { source, target }, () => io.line(`Copied ${source} to ${target}`));
}

/** `restore`: makes a data folder from a backup. */
export async function restore(input: Input, io: Io): Promise<void> {
	const [source, target] = [input.argument(0), dataFolderOf(input)];
	const { restoreFolder } = await withLmdb(() => import('./backup.js'));
	await withProgress(io, source, target, () => restoreFolder(source, target));
	printResult(input, io, { source, target }, () => io.line(`Restored ${source} to ${target}`));
}

/** The folder in `--data`. @throws OptionError if there is none */
function dataFolderOf(input: Input): string {
	if (input.flag('mongo-url') !== undefined)
		throw new OptionError('this command is for data folders; for MongoDB use mongodump and mongorestore');
	const data = input.flag('data');
	if (!data)
		throw new OptionError('name the data folder with --data: this command reads neither ROOMKEY_DATA nor --config');
	return data;
}

/**
 * Runs a task on the store that the flags name. Only an import creates a data folder.
 * @param prepare runs before the store is opened. Its result is passed to `run`
 */
async function withStore<P>(
	input: Input,
	purpose: 'import' | 'export',
	prepare: (choice: StoreChoice) => P | Promise<P>,
	run: (opened: OpenStore, prepared: P) => Promise<void>,
): Promise<void> {
	const [folder, url] = [input.flag('data'), input.flag('mongo-url')];
	const namesExactlyOne = Boolean(folder) !== Boolean(url);
	if (!namesExactlyOne) throw new OptionError('choose one of --data and --mongo-url');
	// An export only reads. An import needs the unique indexes, which refuse duplicates.
	const indexes = purpose === 'import' ? 'make' : 'leave';
	const choice = url
		? ({ kind: 'mongodb', url, indexes } as const)
		: ({ kind: 'files', folder: folder as string } as const);
	const prepared = await prepare(choice);
	// If a write to a data folder fails, the command ends with this error. The log would only repeat it.
	const level = choice.kind === 'files' ? 'silent' : 'warn';
	const opened = await openStore(choice, createLog(level, 'auto')).catch((error) => {
		throw purpose === 'export' ? withBackupHint(error, choice, input.argument(0)) : error;
	});
	await thenClose(
		() => run(opened, prepared),
		() => opened.close(),
	);
}

/** Adds a hint to the error of a folder in use: a backup of the folder can be exported. */
function withBackupHint(error: unknown, choice: StoreChoice, target: string): unknown {
	if (!(error instanceof StoreError) || error.code !== 'in-use' || choice.kind !== 'files') return error;
	const commands = `roomkey backup --data ${choice.folder} BACKUP, then roomkey export --data BACKUP ${target}`;
	return new StoreError('in-use', `${error.message} Or export a backup of it: ${commands}`);
}

/** Time between two checks of the size of a copy, in ms. */
const SIZE_CHECK_MS = 200;

/** Runs `copy`, which copies a data file. Shows the progress by comparing the sizes of both files. */
async function withProgress(io: Io, source: string, target: string, copy: () => Promise<void>): Promise<void> {
	// A file that cannot be read counts as empty. The copy itself reports it.
	const sizeOf = (folder: string) => statsOf(join(folder, DATA_FILE))?.size ?? 0;
	const show = progressBar(io);
	const timer = setInterval(() => show(DATA_FILE, sizeOf(target), sizeOf(source)), SIZE_CHECK_MS);
	await copy().finally(() => clearInterval(timer));
}

/** The size and times of a file; undefined if the file is missing or cannot be accessed. */
function statsOf(file: string): Stats | undefined {
	try {
		return statSync(file);
	} catch {
		return undefined;
	}
}

const BAR_WIDTH = 30;

/** Makes a function that shows a progress bar, if there is a terminal. */
function progressBar(io: Io): (file: string, done: number, total: number) => void {
	return (file, done, total) => {
		const share = total === 0 ? 1 : Math.min(1, done / total);
		const width = Math.round(share * BAR_WIDTH);
		const bar = `${'#'.repeat(width)}${'.'.repeat(BAR_WIDTH - width)}`;
		io.progress?.(`${file} [${bar}] ${Math.floor(share * 100)} %`);
	};
}
