/** The embedded store in a folder: what survives, what is refused, and when a write is acknowledged. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openEnvironment } from '../../server/dataFolder/environment.js';
import { readFolder } from '../../server/dataFolder/readFolder.js';
import type { OpenStore } from '../../server/store/collections.js';
import { openFolder } from '../../server/store/folder.js';
import { StoreUnavailableError } from '../../shared/errors.js';
import { isDuplicateKey } from '../../shared/storeErrors.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';

const writer = fileURLToPath(new URL('../support/writer.js', import.meta.url));

describe('the store in a folder', () => {
	let parent: string;
	let folder: string;
	let opened: OpenStore[];
	let children: ChildProcess[];

	beforeEach(async () => {
		parent = await mkdtemp(join(tmpdir(), 'roomkey-'));
		folder = join(parent, 'data');
		opened = [];
		children = [];
	});
	afterEach(async () => {
		for (const child of children) child.kill('SIGKILL');
		for (const { close } of opened) await close();
		await rm(parent, { recursive: true });
	});

	async function open(path = folder, options = {}) {
		const store = await openFolder(path, options);
		opened.push(store);
		return store;
	}

	/** Starts another process on the same folder. Returns it with the lines that it prints. */
	function start(command: string, ...args: string[]) {
		// The child makes no coverage report: with a limit on the size of files, the report would fail with an error.
		const { NODE_V8_COVERAGE: _, ...env } = process.env;
		const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env });
		children.push(child);
		return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
	}

	async function openingError(path = folder) {
		const error = await rejection(openFolder(path));
		expect(error.name, error.stack).to.equal('StoreError');
		expect(error.message).to.include(path);
		return error as Error & { code: string };
	}

	const storeTwoRooms = async () => {
		const { store, close } = await open();
		await store.rooms.insertOne({ _id: 'a', t: 'p' });
		await store.rooms.insertOne({ _id: 'b', t: 'c' });
		await close();
	};

	describe('what it keeps', () => {
		it('keeps all documents over a restart, whatever they contain', async () => {
			const first = await open();
			const document = {
				_id: 'r',
				t: 'p' as const,
				name: 'a\u2028b\u2029c\u0085d\ve\n\0',
				topic: 'x'.repeat(10_000),
				at: new Date(7),
				_updatedAt: new Date(8),
			};
			await first.store.rooms.insertOne(document);
			await first.store.rooms.insertOne({ _id: 'gone', t: 'p' });
			await first.store.rooms.deleteOne({ _id: 'gone' });
			await first.store.users.insertOne({ _id: 'u', username: 'alice' });
			await first.store.users.updateOne({ _id: 'u' }, { $set: { name: 'Alice' } });
			await first.close();
			for (let round = 0; round < 2; round++) {
				const { store, close } = await open();
				expect(await store.rooms.find({}).toArray()).to.deep.equal([document]);
				expect(await store.rooms.findOne({ name: document.name })).to.include({ _id: 'r' });
				expect(await store.users.findOne({})).to.include({ username: 'alice', name: 'Alice' });
				const twin = await rejection(store.users.insertOne({ _id: 'v', username: 'alice' }));
				expect(isDuplicateKey(twin)).to.equal(true);
				await close();
			}
		});

		it('keeps its files readable only for their owner', async () => {
			await mkdir(folder, { mode: 0o755 });
			await open();
			for (const file of ['data.mdb', 'data.mdb-lock', 'owner.mdb', 'owner.mdb-lock', 'manifest.json'])
				expect((await stat(join(folder, file))).mode & 0o777, file).to.equal(0o600);
		});

		it('keeps the acknowledged writes when its process is killed, however often', async () => {
			const acknowledged: string[] = [];
			for (let round = 0; round < 5; round++) {
				const { child, lines } = start(process.execPath, writer, folder, '10', `round${round}-`);
				for (let line = await lines.next(), count = 0; !line.done; line = await lines.next()) {
					if (line.value === 'open') continue;
					acknowledged.push(line.value);
					if (++count === 40 * (round + 1)) child.kill('SIGKILL');
				}
			}
			const { store } = await open();
			const stored = new Set((await store.rooms.find({}).toArray()).map(({ _id }) => _id));
			expect(acknowledged.length).to.be.at.least(600);
			expect(acknowledged.filter((id) => !stored.has(id))).to.deep.equal([]);
		});

		it('keeps its file small, because it uses the space of replaced documents again', async () => {
			const { store } = await open();
			const size = async () => (await stat(join(folder, 'data.mdb'))).size;
			await store.rooms.insertOne({ _id: 'r', t: 'p' });
			// Writes 3.2 MB in all.
			for (let i = 0; i < 80; i++)
				await store.rooms.updateOne({ _id: 'r' }, { $set: { topic: `${i}`.padEnd(40_000) } });
			expect(await size()).to.be.below(1_000_000);
		});
	});

	describe('what it acknowledges', () => {
		it('acknowledges a write when it is on the disk: a copy of the folder then contains it', async () => {
			const { store } = await open();
			const writes = Array.from({ length: 20 }, async (_, i) => {
				await store.rooms.insertOne({ _id: `r${i}`, t: 'p' });
				const copy = join(parent, `copy-${i}`);
				await cp(folder, copy, { recursive: true });
				return copy;
			});
			for (const [i, copy] of (await Promise.all(writes)).entries()) {
				const copied = await open(copy);
				expect(await copied.store.rooms.findOne({ _id: `r${i}` })).to.include({ t: 'p' });
				await copied.close();
			}
		});

		it('acknowledges the writes in progress when it is closed, and no later ones', async () => {
			const { store, close } = await open();
			const writes = Array.from({ length: 50 }, (_, i) => store.rooms.insertOne({ _id: `r${i}`, t: 'p' }));
			const closed = close();
			const late = await rejection(store.rooms.insertOne({ _id: 'late', t: 'p' }));
			expect(late).to.include({ code: 'unusable', message: 'The store is closed.' });
			await Promise.all([...writes, closed, close()]);
			const lateRead = await rejection(store.rooms.findOne({ _id: 'r0' }));
			expect(lateRead).to.include({ code: 'unusable', message: 'The store is closed.' });
			expect(await (await open()).store.rooms.countDocuments({})).to.equal(50);
		});
	});

	describe('for one process, unless all that open it share it', () => {
		it('refuses another process, and names the first process in the error', async () => {
			await open();
			const { lines } = start(process.execPath, writer, folder);
			const { value } = await lines.next();
			expect(value).to.match(/^refused in-use /);
			expect(value).to.include(folder).and.include(`the process ${process.pid}`);
		});

		it('refuses a second store in the same process until the first is closed', async () => {
			const { close } = await open();
			expect(await openingError()).to.include({ code: 'in-use' });
			await close();
			await open();
		});

		it('refuses a second store in the same process also if it opens a link to the folder, if both open concurrently, and if both share the folder', async () => {
			const link = join(parent, 'link');
			await mkdir(folder);
			await symlink(folder, link, 'junction');
			for (const shared of [false, true]) {
				const results = await Promise.allSettled([open(folder, { shared }), open(link, { shared })]);
				const [refused, ...others] = results.filter((result) => result.status === 'rejected');
				expect(refused?.reason).to.include({ name: 'StoreError', code: 'in-use' });
				expect(others).to.deep.equal([]);
				expect(await openingError(link)).to.include({ code: 'in-use' });
				await opened.pop()?.close();
				const { close } = await open(link);
				expect(await openingError()).to.include({ code: 'in-use' });
				await close();
				opened.pop();
			}
		});

		it('counts as unused while a process has only made the files of its claim', async () => {
			await storeTwoRooms();
			await rm(join(folder, 'owner.mdb'));
			await openEnvironment(join(folder, 'owner.mdb')).close();
			expect((await readFolder(folder)).owner).to.equal(undefined);
		});

		it('can be opened by two processes if both share it', async () => {
			const { store, close } = await open(folder, { shared: true });
			const { child, lines } = start(process.execPath, writer, folder, '10', 'r', 'shared');
			expect((await lines.next()).value).to.equal('open');
			const { value: id } = await lines.next();
			expect(await store.rooms.findOne({ _id: id })).to.include({ t: 'p' });
			await close();
			// A store that does not share the folder is refused while the other process runs.
			expect(await openingError()).to.include({ code: 'in-use' });
			const ended = new Promise((resolve) => child.once('exit', resolve));
			child.kill('SIGKILL');
			await ended;
			await open();
		});

		it('lets exactly one of several processes that share it win each race for a room', async () => {
			const racer = fileURLToPath(new URL('../support/racer.js', import.meta.url));
			const { store } = await open(folder, { shared: true });
			const count = 100;
			for (let i = 0; i < count; i++) await store.rooms.insertOne({ _id: `r${i}`, t: 'p' });
			const racers = ['a', 'b', 'c'].map((name) => start(process.execPath, racer, folder, name, `${count}`));
			for (const { lines } of racers) expect((await lines.next()).value).to.equal('ready');
			for (const { child } of racers) child.stdin?.write('go\n');
			const won = await Promise.all(racers.map(async ({ lines }) => Number((await lines.next()).value)));
			expect(won.reduce((sum, one) => sum + one, 0)).to.equal(count);
			expect(await store.rooms.countDocuments({ e2eKeyId: { $in: ['a', 'b', 'c'] } })).to.equal(count);
		});
	});

	describe('errors for a folder that is wrong', () => {
		it('name a file in the place of the folder', async () => {
			await writeFile(folder, 'a file');
			expect(await openingError()).to.include({ code: 'unusable' });
		});

		it('name data of Roomkey 0.1, and the command that moves it', async () => {
			await mkdir(folder);
			await writeFile(join(folder, 'users.db'), '{"_id":"a"}\n');
			const error = await openingError();
			expect(error.code).to.equal('other-format');
			expect(error.message).to.include(`roomkey import --data NEW_FOLDER ${folder}`).and.include('users.db');
		});

		it('name data of a newer version, or of another program', async () => {
			await storeTwoRooms();
			const manifest = join(folder, 'manifest.json');
			await writeFile(manifest, '{"format":"roomkey","version":99,"bytes":0}');
			expect(await openingError()).to.include({ code: 'other-format' });
			await writeFile(manifest, '{"format":"other"}');
			expect(await openingError()).to.include({ code: 'other-format' });
		});

		it('name what is missing in a folder that was restored in part', async () => {
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

		it('name a file that was emptied, cut or overwritten', async () => {
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

		it('name a folder that the process may not write', async function () {
			if (process.platform === 'win32') this.skip();
			await storeTwoRooms();
			// File modes do not restrict root: the process of root runs without the capabilities to ignore them.
			const asOwner = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'];
			const [command = '', ...args] = [...(process.getuid?.() === 0 ? asOwner : []), process.execPath, writer, folder];
			execFileSync('chmod', ['-R', 'a-w', folder]);
			const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
			children.push(child);
			const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
			execFileSync('chmod', ['-R', 'u+w', folder]);
			expect(value).to.match(/^refused unusable Permission denied: .* does not allow reading and writing.*chmod/);
		});

		describe('for what the process may not use, with the owner and the remedy', () => {
			const isRoot = process.getuid?.() === 0;
			/** The id of the user as whom the process of `errorOf` runs. */
			const userId = isRoot ? 65534 : process.getuid?.();

			/** What a process without the rights of root prints when it opens a folder. */
			async function errorOf(path: string): Promise<string> {
				const asOther = ['env', `ROOMKEY_TEST_ACCOUNT=${userId}`];
				const [command = '', ...args] = [...(isRoot ? asOther : []), process.execPath, writer, path];
				const { lines } = start(command, ...args);
				return (await lines.next()).value;
			}

			it('name a folder that cannot be made', async () => {
				const line = await errorOf('/roomkey-data/inner');
				expect(line).to.include('refused unusable Permission denied: the folder /roomkey-data/inner cannot be made');
				expect(line).to.include(`because / belongs to root and this process runs as the user ${userId}`);
				expect(line).to.include(`install -d -m 700 -o ${userId} /roomkey-data/inner`);
			});

			it('name a folder in a parent that the process may not enter', async () => {
				await storeTwoRooms();
				// If this test runs as root, the parent belongs to root.
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

			it('name a folder behind a link into a folder that the process may not enter, as systemd makes with DynamicUser', async () => {
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

			it('name a folder in a parent of a third account', async function () {
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
				it(`name the file ${file}, and never advise to restore a backup`, async () => {
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

	it('opens a folder of another owner if root may not change owners, as in a container', async function () {
		if (process.platform === 'win32') this.skip();
		await mkdir(folder);
		const isRoot = process.getuid?.() === 0;
		if (isRoot) execFileSync('chown', ['65534', folder]);
		const withoutChown = ['setpriv', '--bounding-set', '-chown'];
		const [command = '', ...args] = [...(isRoot ? withoutChown : []), process.execPath, writer, folder];
		const { lines } = start(command, ...args);
		expect((await lines.next()).value).to.equal('open');
	});

	it('refuses writes, but not reads, while the disk is full, accepts writes again when there is space, and logs both once', async () => {
		const log = memoryLog();
		let free = 0;
		const { store } = await open(folder, { log, freeSpace: async () => free });
		for (let i = 0; i < 3; i++) {
			const refused = await rejection(store.rooms.insertOne({ _id: 'r', t: 'p' }));
			expect(refused).to.be.instanceOf(StoreUnavailableError).and.include({ code: 'full' });
			expect(refused.message).to.include(folder).and.include('full');
		}
		expect(await store.rooms.findOne({ _id: 'r' })).to.equal(null);
		free = 1e9;
		await store.rooms.insertOne({ _id: 'r', t: 'p' });
		expect(await store.rooms.findOne({ _id: 'r' })).to.include({ t: 'p' });
		expect(log.lines.map(({ level, text }) => [level, text])).to.deep.equal([
			['error', 'Writes cannot be stored'],
			['info', 'Writes are stored again'],
		]);
	});

	it('refuses writes while the system refuses to write the file, and accepts them again when it does not', async () => {
		// The file may have 600 blocks of 512 bytes. Rooms with a topic of 5,000 characters soon fill it.
		const limited = 'ulimit -S -f 600 && exec "$@"';
		const { child, lines } = start('sh', '-c', limited, 'sh', process.execPath, writer, folder, '5000');
		const printed: string[] = [];
		for (let line = await lines.next(); !line.done; line = await lines.next()) {
			printed.push(line.value);
			if (line.value.startsWith('then')) break;
		}
		expect(printed.find((line) => line.startsWith('refused'))).to.match(/^refused (unusable|full) /);
		expect(printed.at(-1)).to.equal('then unusable');
		execFileSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited']);
		child.stdin?.write('again\n');
		expect((await lines.next()).value).to.equal('stored again');
		const acknowledged = printed.filter((line) => /^r\d+$/.test(line));
		expect(acknowledged).to.not.have.length(0);
		const ended = new Promise((resolve) => child.once('exit', resolve));
		child.kill('SIGKILL');
		await ended;
		const { store } = await open();
		const stored = new Set((await store.rooms.find({}).toArray()).map(({ _id }) => _id));
		expect(acknowledged.filter((id) => !stored.has(id))).to.deep.equal([]);
		expect(await store.users.findOne({ _id: 'again' })).to.include({ _id: 'again' });
	});
});
