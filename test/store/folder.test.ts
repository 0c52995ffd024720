/** The embedded store in a folder: what survives, who may use it, and when a write is acknowledged. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openEnvironment } from '../../server/dataFolder/environment.js';
import { forOwnerOnly } from '../../server/dataFolder/manifest.js';
import { readFolder } from '../../server/dataFolder/readFolder.js';
import { StoreUnavailableError } from '../../shared/errors.js';
import { isDuplicateKey } from '../../shared/storeErrors.js';
import { folderOfEachTest, writer } from '../support/folders.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';

describe('the store in a folder', () => {
	const test = folderOfEachTest();
	const { opened, open, start, openingError, storeTwoRooms } = test;
	let parent: string;
	let folder: string;

	beforeEach(() => {
		({ parent, folder } = test);
	});

	describe('stored data', () => {
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

		it('changes the file mode mask of the process only while files are made, also by overlapping calls', async () => {
			const usual = process.umask();
			const ends: (() => void)[] = [];
			const calls = [1, 2].map(() => forOwnerOnly(() => new Promise<void>((resolve) => void ends.push(resolve))));
			expect(process.umask()).to.equal(0o077);
			ends[0]?.();
			await calls[0];
			expect(process.umask(), 'while the second call runs').to.equal(0o077);
			ends[1]?.();
			await calls[1];
			expect(process.umask(), 'after both calls').to.equal(usual);
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

		it('uses the space of replaced documents again', async () => {
			const { store } = await open();
			const size = async () => (await stat(join(folder, 'data.mdb'))).size;
			await store.rooms.insertOne({ _id: 'r', t: 'p' });
			// Writes 3.2 MB in all.
			for (let i = 0; i < 80; i++)
				await store.rooms.updateOne({ _id: 'r' }, { $set: { topic: `${i}`.padEnd(40_000) } });
			expect(await size()).to.be.below(1_000_000);
		});
	});

	describe('acknowledgements', () => {
		it('acknowledges a write when it is on the disk', async () => {
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

	describe('use by several processes', () => {
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

		it('refuses a second store in the same process, even through a link or if both are shared', async () => {
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

		it('refuses a second store before the first has written its manifest', async () => {
			await open();
			await rm(join(folder, 'manifest.json'));
			expect(await openingError()).to.include({ code: 'in-use' });
			const { lines } = start(process.execPath, writer, folder);
			expect((await lines.next()).value).to.match(/^refused in-use /);
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

		it('lets exactly one of several processes win each race for a room', async () => {
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

	it('opens beside a file of another program that ends with .db', async () => {
		await mkdir(folder);
		await writeFile(join(folder, 'Thumbs.db'), 'a file of Windows');
		await storeTwoRooms();
		expect(await readdir(folder)).to.include.members(['Thumbs.db', 'manifest.json']);
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

	it('refuses only writes, and only while the disk is full; logs the beginning and the end once', async () => {
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

	it('refuses writes only as long as the file cannot be written', async () => {
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
