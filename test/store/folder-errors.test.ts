/** The errors of opening a folder that is no usable data folder. */
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { deniedError } from '../../server/dataFolder/access.js';
import { folderOfEachTest, writer } from '../support/folders.js';

describe('opening a wrong folder', () => {
	const test = folderOfEachTest();
	const { start, openingError, storeTwoRooms } = test;
	let parent: string;
	let folder: string;

	beforeEach(() => {
		({ parent, folder } = test);
	});

	it('fails if it is a file', async () => {
		await writeFile(folder, 'a file');
		expect(await openingError()).to.include({ code: 'unusable' });
	});

	it('fails for data of Roomkey 0.1, and names the command that moves it', async () => {
		await mkdir(folder);
		await writeFile(join(folder, 'users.db'), '{"_id":"a"}\n');
		const error = await openingError();
		expect(error.code).to.equal('other-format');
		expect(error.message).to.include(`roomkey import --data NEW_FOLDER ${folder}`).and.include('users.db');
	});

	it('fails for data of a newer version or another program', async () => {
		await storeTwoRooms();
		const manifest = join(folder, 'manifest.json');
		await writeFile(manifest, '{"format":"roomkey","version":99,"bytes":0}');
		expect(await openingError()).to.include({ code: 'other-format' });
		await writeFile(manifest, '{"format":"other"}');
		expect(await openingError()).to.include({ code: 'other-format' });
	});

	it('fails if a file is missing, and names it', async () => {
		await storeTwoRooms();
		for (const file of ['data.mdb', 'manifest.json']) {
			const part = join(parent, file);
			await cp(folder, part, { recursive: true });
			await rm(join(part, file));
			const error = await openingError(part);
			expect(error.code, file).to.equal('damaged');
			expect(error.message).to.include(file).and.include('backup');
		}
	});

	it('names both remedies if the manifest is missing, because the folder may be new', async () => {
		await storeTwoRooms();
		await rm(join(folder, 'manifest.json'));
		const { message } = await openingError();
		expect(message).to.include('Restore the whole folder from a backup').and.include('never in use, delete it');
	});

	it('fails if a file was emptied, cut or overwritten', async () => {
		await storeTwoRooms();
		const { size } = await stat(join(folder, 'data.mdb'));
		const data = (path: string) => join(path, 'data.mdb');
		const damages: ((path: string) => Promise<unknown>)[] = [
			(path) => truncate(data(path), 0),
			(path) => truncate(data(path), size - 4096),
			(path) => writeFile(data(path), 'x'.repeat(size)),
			(path) => writeFile(join(path, 'manifest.json'), '{'),
		];
		for (const [i, damage] of damages.entries()) {
			const copy = join(parent, `damaged-${i}`);
			await cp(folder, copy, { recursive: true });
			await damage(copy);
			expect(await openingError(copy), `${i}`).to.include({ code: 'damaged' });
			// The failed attempt has released the folder.
			expect(await openingError(copy)).to.include({ code: 'damaged' });
		}
	});

	it('fails if the process may not write it', async function () {
		if (process.platform === 'win32') this.skip();
		await storeTwoRooms();
		// Without these capabilities, file modes restrict root too.
		const asOwner = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
		const [command = '', ...args] = [...(process.getuid?.() === 0 ? asOwner : []), process.execPath, writer, folder];
		execFileSync('chmod', ['-R', 'a-w', folder]);
		const { value } = await start(command, ...args).lines.next();
		execFileSync('chmod', ['-R', 'u+w', folder]);
		expect(value).to.match(/^refused unusable Permission denied: .* does not allow reading and writing.*chmod/);
	});

	describe('without permission', () => {
		const isRoot = process.getuid?.() === 0;
		/** The id of the user whose process `errorOf` starts. */
		const userId = isRoot ? 65534 : process.getuid?.();

		/** What a process of `userId` prints when it opens a folder. */
		async function errorOf(path: string): Promise<string> {
			const asOther = ['env', `ROOMKEY_TEST_ACCOUNT=${userId}`];
			const [command = '', ...args] = [...(isRoot ? asOther : []), process.execPath, writer, path];
			const { lines } = start(command, ...args);
			return (await lines.next()).value;
		}

		it('names the owner and the remedy if the folder cannot be made', async () => {
			const line = await errorOf('/roomkey-data/inner');
			expect(line).to.include('refused unusable Permission denied: the folder /roomkey-data/inner cannot be made');
			expect(line).to.include(`because / belongs to root and this process runs as the user ${userId}`);
			expect(line).to.include(`install -d -m 700 -o ${userId} /roomkey-data/inner`);
		});

		it("names the mode and the remedy if the user's own parent may not be written", async () => {
			await chmod(parent, 0o555);
			if (isRoot) execFileSync('chown', [`${userId}`, parent]);
			const made = join(parent, 'new', 'inner');
			const line = await errorOf(made);
			if (isRoot) execFileSync('chown', ['0', parent]);
			await chmod(parent, 0o700);
			expect(line).to.equal(
				`refused unusable Permission denied: the folder ${made} cannot be made, because ${parent} belongs to the user of this process, but its mode does not allow writing. Allow it: chmod u+wx ${parent}`,
			);
		});

		it('blames no mode if all modes allow the use', async () => {
			await storeTwoRooms();
			for (const [path, beginning] of [
				[folder, `${folder} cannot be used, although its mode and those of its files allow it`],
				[
					join(folder, 'new'),
					`the folder ${join(folder, 'new')} cannot be made, although the mode of ${folder} allows it`,
				],
			] as const) {
				expect(deniedError(path).message).to.equal(
					`Permission denied: ${beginning}. A policy of the system, such as SELinux or AppArmor, may refuse it: see the log of the system`,
				);
			}
		});

		it('names the owner and the remedy if the parent may not be entered', async () => {
			await storeTwoRooms();
			await chmod(parent, isRoot ? 0o700 : 0);
			const line = await errorOf(folder);
			await chmod(parent, 0o700);
			const beginning = `refused unusable Permission denied: ${folder} is in ${parent}, which belongs to`;
			expect(line).to.equal(
				isRoot
					? `${beginning} root, and the user ${userId} may not enter it. Run this as root, or as another account that may enter it`
					: `${beginning} the user of this process, but its mode does not allow entering it. Allow it: chmod u+x ${parent}`,
			);
		});

		it('names the owner and the remedy if a link leads into a folder that may not be entered', async () => {
			// Like the link that systemd makes for DynamicUser.
			const [hidden, link] = [join(parent, 'private'), join(parent, 'roomkey')];
			await mkdir(join(hidden, 'roomkey'), { recursive: true });
			await symlink('private/roomkey', link);
			await chmod(parent, 0o755);
			await chmod(hidden, isRoot ? 0o700 : 0);
			for (const path of [join(link, 'data'), join(link, 'missing', 'data')]) {
				const line = await errorOf(path);
				const beginning = `refused unusable Permission denied: ${link} is a link into ${hidden}, which belongs to`;
				expect(line).to.equal(
					isRoot
						? `${beginning} root, and the user ${userId} may not enter it. Run this as root, or by systemd-run with DynamicUser, User and StateDirectory as in the unit of the service`
						: `${beginning} the user of this process, but its mode does not allow entering it. Allow it: chmod u+x ${hidden}`,
				);
			}
			await chmod(hidden, 0o700);
		});

		it('names the owner and the remedy if the parent belongs to neither root nor this user', async function () {
			// Only root can give a folder away.
			if (!isRoot) this.skip();
			await storeTwoRooms();
			await chmod(parent, 0o700);
			execFileSync('chown', ['65533', parent]);
			expect(await errorOf(folder)).to.equal(
				`refused unusable Permission denied: ${folder} is in ${parent}, which belongs to the user 65533, and the user ${userId} may not enter it. Run this as root or the user 65533, or as another account that may enter it`,
			);
		});

		for (const file of ['manifest.json', 'data.mdb', 'data.mdb-lock', 'owner.mdb', 'owner.mdb-lock']) {
			it(`names ${file} and its owner, and does not advise to restore a backup`, async () => {
				await storeTwoRooms();
				await chmod(parent, 0o755);
				if (isRoot) execFileSync('chown', ['-R', `${userId}`, folder]);
				const path = join(folder, file);
				if (isRoot) execFileSync('chown', ['0', path]);
				await chmod(path, isRoot ? 0o600 : 0);
				const line = await errorOf(folder);
				await chmod(path, 0o600);
				expect(line)
					.to.match(/^refused unusable Permission denied: /)
					.and.include(path);
				expect(line).to.not.include('backup');
				if (isRoot) {
					expect(line).to.include(`${path} belongs to root, and this process runs as the user ${userId}.`);
					expect(line).to.include(`Give it to this user: chown -R ${userId} ${folder}`);
				} else expect(line).to.include('belongs to the user of this process, but its mode');
			});
		}
	});
});
