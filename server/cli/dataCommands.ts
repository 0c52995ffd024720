/** The subcommands that move data: their arguments, and what they print. */
import { parseArgs } from 'node:util';
import type { Log } from '../../shared/log.js';
import { withLmdb } from '../dataFolder/withLmdb.js';
import { OptionError } from '../options/kinds.js';
import type { OpenStore } from '../store/collections.js';
import { openStore } from '../store/open.js';

/** The output of a command: progress while it runs, and text at its end. */
export interface Output {
	line(text: string): void;
	/** Replaces the last progress line. Absent if the output is not a terminal. */
	progress?(text: string): void;
}

interface Command {
	readonly usage: string;
	readonly meaning: string;
	/** @param folders arguments that are not flags: the folder to read from or write to */
	run(folders: string[], where: Where, output: Output, log: () => Log | Promise<Log>): Promise<void>;
}

/** The flags that say which data a subcommand works on. */
interface Where {
	readonly data?: string | undefined;
	readonly 'mongo-url'?: string | undefined;
}

const commands: Record<string, Command> = {
	import: {
		usage: 'roomkey import (--data DIR | --mongo-url URL) FOLDER',
		meaning: 'reads data of the former format, or JSON lines as mongoexport writes them',
		run: (folders, where, output, log) =>
			withStore(where, log, async ({ store }) => {
				const { importFolder } = await import('./transfer.js');
				const summaries = await importFolder(singleFolder(folders), store, (file, done, total) =>
					output.progress?.(progressBar(file, total === 0 ? 1 : done / total)),
				);
				for (const { file, written, unchanged, skipped, skippedCount } of summaries) {
					output.line(`${file}: ${written} written, ${unchanged} unchanged, ${skippedCount} left out`);
					for (const { line, reason } of skipped) output.line(`  line ${line} ${reason}`);
				}
			}),
	},
	export: {
		usage: 'roomkey export (--data DIR | --mongo-url URL) FOLDER',
		meaning: 'writes JSON lines that mongoimport reads',
		run: (folders, where, output, log) =>
			withStore(where, log, async ({ store }) => {
				const { exportFolder } = await import('./transfer.js');
				for (const { file, count } of await exportFolder(store, singleFolder(folders)))
					output.line(`${file}: ${count}`);
			}),
	},
	backup: {
		usage: 'roomkey backup --data DIR FOLDER',
		meaning: 'copies a data folder, which a server may be using',
		async run(folders, where, output) {
			const target = singleFolder(folders);
			await (await withLmdb(() => import('./backup.js'))).backupFolder(dataFolderOf(where), target);
			output.line(`Copied ${dataFolderOf(where)} to ${target}`);
		},
	},
	restore: {
		usage: 'roomkey restore --data DIR FOLDER',
		meaning: 'makes a new data folder of a backup',
		async run(folders, where, output) {
			const backup = singleFolder(folders);
			await (await withLmdb(() => import('./backup.js'))).restoreFolder(backup, dataFolderOf(where));
			output.line(`Restored ${backup} to ${dataFolderOf(where)}`);
		},
	},
};

/** Lines of the help text. */
export function dataCommandsHelp(): string[] {
	const width = Math.max(...Object.values(commands).map(({ usage }) => usage.length));
	return Object.values(commands).map(({ usage, meaning }) => `  ${usage.padEnd(width)}  ${meaning}`);
}

/**
 * Runs a subcommand.
 *
 * @param args without node and the script
 * @returns false if the arguments contain no subcommand
 * @throws OptionError, StoreError
 */
export async function runDataCommand(
	args: readonly string[],
	output: Output,
	log: () => Log | Promise<Log>,
): Promise<boolean> {
	const [name = '', ...rest] = args;
	const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (!command) return false;
	const {
		values: { help, ...where },
		positionals,
	} = parse(rest);
	if (help) output.line(`Usage: ${command.usage}\n\n${name}: ${command.meaning}`);
	else await command.run(positionals, where, output, log);
	return true;
}

function parse(args: string[]) {
	try {
		const options = {
			data: { type: 'string' },
			'mongo-url': { type: 'string' },
			help: { type: 'boolean', short: 'h' },
		} as const;
		return parseArgs({ args, options, allowPositionals: true });
	} catch (error) {
		throw new OptionError((error as Error).message);
	}
}

function singleFolder(folders: readonly string[]): string {
	const [folder, ...others] = folders;
	if (folder === undefined || others.length > 0) throw new OptionError('name one folder');
	return folder;
}

function dataFolderOf({ data, 'mongo-url': url }: Where): string {
	if (url !== undefined) throw new OptionError('this is for data folders; for MongoDB use mongodump and mongorestore');
	if (data === undefined) throw new OptionError('say with --data which folder it is');
	return data;
}

async function withStore(
	where: Where,
	log: () => Log | Promise<Log>,
	run: (open: OpenStore) => Promise<void>,
): Promise<void> {
	const { data, 'mongo-url': url } = where;
	if ((data === undefined) === (url === undefined)) throw new OptionError('choose one of --data and --mongo-url');
	const open = await openStore(
		url === undefined ? { kind: 'files', folder: data ?? '' } : { kind: 'mongodb', url },
		await log(),
	);
	try {
		await run(open);
	} finally {
		await open.close();
	}
}

/** A progress bar. @param share part that is done, from 0 to 1 */
function progressBar(file: string, share: number): string {
	const width = 30;
	const done = Math.round(share * width);
	return `${file} [${'#'.repeat(done)}${'.'.repeat(width - done)}] ${Math.floor(share * 100)} %`;
}
