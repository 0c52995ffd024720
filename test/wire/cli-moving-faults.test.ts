/** Errors of commands that move data, if a folder or a disk cannot be used. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Io } from '../../server/cli/command.js';
import { run } from '../../server/cli/run.js';
import { openFolder } from '../../server/store/folder.js';
import { runInProcess } from '../support/command.js';
import { rejection } from '../support/rejection.js';

const main = fileURLToPath(new URL('../../server/cli/main.js', import.meta.url));

/** A device of Linux that has no space for any write. */
const FULL = '/dev/full';

describe('a command that moves data', () => {
	let parent: string;
	let data: string;
	let source: string;
	let file: string;

	beforeEach(async () => {
		parent = await mkdtemp(join(tmpdir(), 'roomkey-'));
		[data, source, file] = [join(parent, 'data'), join(parent, 'source'), join(parent, 'file')];
		await writeFile(file, 'text');
		await mkdir(source);
		const rooms = Array.from({ length: 1000 }, (_, i) =>
			JSON.stringify({ _id: `r${i}`, t: 'p', topic: 'x'.repeat(100) }),
		);
		await writeFile(join(source, 'rocketchat_room.jsonl'), rooms.join('\n'));
		const { store, close } = await openFolder(data);
		await store.users.insertOne({ _id: 'u', username: 'alice', customFields: { text: 'x'.repeat(200_000) } });
		await close();
	});
	afterEach(() => rm(parent, { recursive: true }));

	async function failed(...args: string[]) {
		const { status, out, err } = await runInProcess(args);
		expect({ status, out }).to.deep.equal({ status: 1, out: '' });
		return err;
	}

	it('names a file where a folder must be', async () => {
		for (const folder of [file, join(file, 'inner')]) {
			expect(await failed('export', '--data', data, folder)).to.include(`${folder} cannot be written: E`);
			expect(await failed('backup', '--data', data, folder)).to.include(`${folder} cannot be used: E`);
			const backup = join(parent, 'backup');
			await runInProcess(['backup', '--data', data, backup]);
			expect(await failed('restore', '--data', folder, backup)).to.include(`${folder} cannot be used: E`);
			expect(await failed('restore', '--data', join(parent, 'new'), folder)).to.include('cannot be used: ENOTDIR: ');
			expect(await failed('import', '--data', folder, source)).to.include(`${folder} cannot be used: E`);
			expect(await failed('backup', '--data', folder, join(parent, 'new'))).to.include('cannot be used: ENOTDIR: ');
		}
	});

	it('names the folder that may not be entered, not the folder inside it', async function () {
		if (process.platform === 'win32') this.skip();
		// Root may enter every folder, unless the command runs without these capabilities.
		const withoutCapabilities = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
		const [command = '', ...args] = [...(process.getuid?.() === 0 ? withoutCapabilities : []), process.execPath];
		const closed = join(parent, 'closed');
		await mkdir(join(closed, 'inner'), { recursive: true });
		await chmod(closed, 0);
		const [inner, other] = [join(closed, 'inner'), join(parent, 'other')];
		for (const line of [
			['backup', '--data', inner, other],
			['backup', '--data', data, inner],
			['restore', '--data', other, inner],
			['import', '--data', other, inner],
			['export', '--data', data, inner],
			['export', '--data', inner, other],
			['user', 'list', '--data', inner],
			['user', 'list', '--url', 'http://127.0.0.1:1', '--token-file', inner],
			['check', '--data', inner],
			['--memory', '--tls-cert', inner, '--tls-key', file],
			['--data', data, '--nats', 'nats://127.0.0.1:1', '--nats-ca', inner],
		]) {
			const { stdout, stderr } = spawnSync(command, [...args, main, ...line], { encoding: 'utf8', env: {} });
			expect(stdout + stderr, line.join(' ')).to.include(
				`is in ${closed}, which belongs to the user of this process, but its mode does not allow entering it. Allow it: chmod u+x ${closed}`,
			);
		}
		await chmod(closed, 0o700);
	});

	it('names only its own flags if a folder holds no data', async () => {
		const err = await failed('export', '--data', join(parent, 'none'), join(parent, 'new'));
		expect(err).to.include('holds no data of Roomkey').and.include('--mongo-url').and.not.include('--url');
	});

	it('names a folder whose name is too long', async () => {
		const folder = join(parent, 'x'.repeat(300));
		for (const command of ['export', 'backup'])
			for (const [from, to] of [
				[folder, join(parent, 'new')],
				[data, folder],
			] as const)
				expect(await failed(command, '--data', from, to)).to.match(/x cannot be (used|written): ENAMETOOLONG: /);
	});

	it('leaves no incomplete file if the disk is full: export', async () => {
		const folder = join(parent, 'exported');
		await mkdir(folder);
		// The export writes `users.jsonl` under this name first.
		await symlink(FULL, join(folder, 'users.jsonl.part'));
		expect(await failed('export', '--data', data, folder)).to.match(/^The disk of .*exported\/users\.jsonl is full: /);
		expect(await readdir(folder)).to.deep.equal([]);
		expect(await runInProcess(['export', '--data', data, folder])).to.include({ status: 0, err: '' });
	});

	it('leaves no incomplete file if the disk is full: import', async () => {
		// The new manifest is written under this name first.
		const manifest = `manifest.json.${process.pid}`;
		await symlink(FULL, join(data, manifest));
		expect(await failed('import', '--data', data, source)).to.match(/^The disk of .*data is full: /);
		expect(await readdir(data)).to.not.include(manifest);
		expect(await runInProcess(['import', '--data', data, source])).to.include({ status: 0, err: '' });
	});

	it('leaves no incomplete copy if the system refuses a write: backup and restore', async () => {
		const backup = join(parent, 'backup');
		expect(await runInProcess(['backup', '--data', data, backup])).to.include({ status: 0 });
		for (const args of [
			['backup', '--data', data, join(parent, 'new')],
			['restore', '--data', join(parent, 'new'), backup],
		]) {
			// No file may exceed 100 blocks of 512 or 1024 bytes. A coverage report would, so none is written.
			const { NODE_V8_COVERAGE: _, ...env } = process.env;
			const command = ['-c', 'ulimit -S -f 100 && exec "$@"', 'sh', process.execPath, main, ...args];
			const { status, stdout, stderr } = spawnSync('sh', command, { encoding: 'utf8', env });
			expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' });
			expect(stderr).to.match(/^roomkey: The folder .*new cannot be used: .*\n$/);
			expect(await readdir(join(parent, 'new'))).to.deep.equal([]);
			expect(await runInProcess(args)).to.include({ status: 0 });
			await rm(join(parent, 'new'), { recursive: true });
		}
	});

	it('reports the first error, not the later error of closing the store', async () => {
		let isRemoved = false;
		const io: Io = {
			env: {},
			line: () => {},
			note: () => {},
			isInteractive: false,
			readSecret: async () => '',
			confirm: async () => false,
			progress() {
				if (isRemoved) return;
				isRemoved = true;
				rmSync(join(data, 'data.mdb'));
			},
		};
		const error = await rejection(run(['import', '--data', data, source], io));
		expect(error.name).to.equal('StoreError');
		expect(error.message).to.include('data.mdb was removed or replaced');
	});
});
