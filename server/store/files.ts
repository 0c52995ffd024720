/** The folder of an embedded store: its lock, and what a crash may have left in its files. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { tryLock, unlock } from 'fs-native-extensions';
import type { Log } from '../../shared/log.js';
import { StoreError } from './failure.js';

/** Files hold password hashes and tokens' hashes: they are their owner's alone. */
export const MODES = { fileMode: 0o600, dirMode: 0o700 };

/**
 * Makes the folder if need be, and keeps every other process out of it until the returned function is called. The lock
 * is the operating system's and ends with the process, however that ends; the file stays.
 * @throws StoreError `in-use`, `unusable`
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
	let file: FileHandle;
	try {
		await mkdir(folder, { recursive: true, mode: MODES.dirMode });
		file = await open(path.join(folder, 'lock'), constants.O_RDWR | constants.O_CREAT, MODES.fileMode);
	} catch (cause) {
		throw new StoreError('unusable', `The folder ${folder} cannot be used: ${(cause as Error).message}`, { cause });
	}
	if (!tryLock(file.fd)) {
		const holder = (await file.readFile('utf8')).trim();
		await file.close();
		const who = holder ? `process ${holder}` : 'another process';
		throw new StoreError('in-use', `The folder ${folder} is in use by ${who}. One process only can have it.`);
	}
	await file.truncate(0);
	await file.write(`${process.pid}\n`, 0);
	return async () => {
		unlock(file.fd);
		await file.close();
	};
}

const NEWLINE = 0x0a;
const CHUNK = 64 * 1024;

/** Where the last whole line of a file ends. */
async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
	const chunk = Buffer.alloc(CHUNK);
	for (let end = size; end > 0; ) {
		const start = Math.max(0, end - CHUNK);
		const { bytesRead } = await file.read(chunk, 0, end - start, start);
		const last = chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE);
		if (last >= 0) return start + last + 1;
		end = start;
	}
	return 0;
}

/** Cuts off a last line that a crash left unfinished. Nobody was told that it was written. */
export async function cutTornLine(name: string, log: Log): Promise<void> {
	const file = await open(name, constants.O_RDWR | constants.O_CREAT, MODES.fileMode);
	try {
		const { size } = await file.stat();
		const end = await endOfLastLine(file, size);
		if (end === size) return;
		await file.truncate(end);
		await file.sync();
		log.warn({ file: name, bytes: size - end }, 'Cut off an unfinished line that a crash left');
	} finally {
		await file.close();
	}
}

/** Makes everything durable that was written to a file. @returns its size, in bytes */
export async function syncFile(name: string): Promise<number> {
	const file = await open(name, constants.O_RDWR);
	try {
		await file.datasync();
		return (await file.stat()).size;
	} finally {
		await file.close();
	}
}

/** Makes new and renamed files of a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
	const file = await open(folder, constants.O_RDONLY);
	try {
		await file.sync();
	} finally {
		await file.close();
	}
}
