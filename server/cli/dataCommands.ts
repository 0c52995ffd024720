/** The subcommands that move data: `import`, `export`, `backup` and `restore`. */
import { statSync } from 'node:fs';
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

/** `import`. */
export async function importData(input: Input, io: Io): Promise<void> {
	const { findSources, importFiles } = await import('./importFolder.js');
	const replace = input.isOn('replace');
	// The files are found before the store is opened, because opening can create a data folder.
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

/** `export`. */
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

/** `backup`. */
export async function backup(input: Input, io: Io): Promise<void> {
	const [source, target] = [dataFolderOf(input), input.argument(0)];
	const { backupFolder } = await withLmdb(() => import('./backup.js'));
	await withProgress(io, source, target, () => backupFolder(source, target));
	printResult(input, io, { source, target }, () => io.line(`Copied ${source} to ${target}`));
}

/** `restore`. */
export async function restore(input: Input, io: Io): Promise<void> {
	const [source, target] = [input.argument(0), dataFolderOf(input)];
	const { restoreFolder } = await withLmdb(() => import('./backup.js'));
	await withProgress(io, source, target, () => restoreFolder(source, target));
	printResult(input, io, { source, target }, () => io.line(`Restored ${source} to ${target}`));
}

/** @throws OptionError if there is no folder */
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
 * @param prepare runs before the store is opened
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
	// An import needs the unique indexes, which refuse duplicates.
	const indexes = purpose === 'import' ? 'make' : 'leave';
	const choice = url
		? ({ kind: 'mongodb', url, indexes } as const)
		: ({ kind: 'files', folder: folder as string } as const);
	const prepared = await prepare(choice);
	// For a data folder, the log would only repeat the error of the command.
	const level = choice.kind === 'files' ? 'silent' : 'warn';
	const opened = await openStore(choice, createLog(level, 'auto')).catch((error) => {
		throw purpose === 'export' ? withBackupHint(error, choice, input.argument(0)) : error;
	});
	await thenClose(
		() => run(opened, prepared),
		() => opened.close(),
	);
}

function withBackupHint(error: unknown, choice: StoreChoice, target: string): unknown {
	if (!(error instanceof StoreError) || error.code !== 'in-use' || choice.kind !== 'files') return error;
	const commands = `roomkey backup --data ${choice.folder} BACKUP, then roomkey export --data BACKUP ${target}`;
	return new StoreError('in-use', `${error.message} Or export a backup of it: ${commands}`);
}

const SIZE_CHECK_MS = 200;

/** Shows the progress of `copy` by comparing the sizes of both data files. */
async function withProgress(io: Io, source: string, target: string, copy: () => Promise<void>): Promise<void> {
	const show = progressBar(io);
	const timer = setInterval(() => show(DATA_FILE, dataSize(target), dataSize(source)), SIZE_CHECK_MS);
	await copy().finally(() => clearInterval(timer));
}

/** The size of the data file, in bytes. 0 if the file cannot be accessed, which the copy itself reports. */
function dataSize(folder: string): number {
	try {
		return statSync(join(folder, DATA_FILE)).size;
	} catch {
		return 0;
	}
}

const BAR_WIDTH = 30;

function progressBar(io: Io): (file: string, done: number, total: number) => void {
	return (file, done, total) => {
		const share = total === 0 ? 1 : Math.min(1, done / total);
		const width = Math.round(share * BAR_WIDTH);
		const bar = `${'#'.repeat(width)}${'.'.repeat(BAR_WIDTH - width)}`;
		io.progress?.(`${file} [${bar}] ${Math.floor(share * 100)} %`);
	};
}
