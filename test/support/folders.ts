/** Opens stores in a new folder for each test, and starts processes that open the same folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { OpenStore } from '../../server/store/collections.js';
import { openFolder } from '../../server/store/folder.js';
import { rejection } from './rejection.js';

/** The program `writer.ts`. */
export const writer = fileURLToPath(new URL('./writer.js', import.meta.url));

/** Removes the folder after each test of the calling suite, closes its stores, and kills its processes. */
export function folderOfEachTest() {
	let parent = '';
	const opened: OpenStore[] = [];
	const children: ChildProcess[] = [];

	beforeEach(async () => {
		parent = await mkdtemp(join(tmpdir(), 'roomkey-'));
	});
	afterEach(async () => {
		for (const child of children.splice(0)) child.kill('SIGKILL');
		for (const { close } of opened.splice(0)) await close();
		await rm(parent, { recursive: true });
	});

	const folder = () => join(parent, 'data');

	async function open(path = folder(), options: Parameters<typeof openFolder>[1] = {}) {
		const store = await openFolder(path, options);
		opened.push(store);
		return store;
	}

	return {
		get parent() {
			return parent;
		},
		/** A path in `parent` at which there is no folder yet. */
		get folder() {
			return folder();
		},
		/** The stores to close after the test. */
		opened,
		open,

		/** Starts a process, and returns it with the lines that it prints. */
		start(command: string, ...args: string[]) {
			// Without coverage: some tests limit the size of files (`ulimit -f`), and then its report cannot be written.
			const { NODE_V8_COVERAGE: _, ...env } = process.env;
			const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env });
			children.push(child);
			return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
		},

		/** The error when a folder is opened. Its text must contain the path of the folder. */
		async openingError(path = folder()) {
			const error = await rejection(openFolder(path));
			expect(error.name, error.stack).to.equal('StoreError');
			expect(error.message).to.include(path);
			return error as Error & { code: string };
		},

		async storeTwoRooms() {
			const { store, close } = await open();
			await store.rooms.insertOne({ _id: 'a', t: 'p' });
			await store.rooms.insertOne({ _id: 'b', t: 'c' });
			await close();
		},
	};
}
