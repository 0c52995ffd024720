/** The embedded store in a folder: what survives, what is refused, and when a write is acknowledged. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { OpenStore } from '../../server/store/collections.js';
import type { SyncFile } from '../../server/store/datafile.js';
import { openFiles } from '../../server/store/files.js';
import { isDuplicateKey } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { rejection } from '../support/rejection.js';

const writer = fileURLToPath(new URL('../support/writer.js', import.meta.url));

/** Something to wait for. */
function signal() {
	let give = () => {};
	const given = new Promise<void>((resolve) => {
		give = resolve;
	});
	return { give, given };
}

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

	async function open(sync?: SyncFile, log = memoryLog()) {
		const store = await openFiles(folder, log, sync);
		opened.push(store);
		return store;
	}

	/** Another process on the same folder, and the lines it prints. */
	function start(command: string, ...args: string[]) {
		// Under a file size limit the coverage report of the child would fail loudly.
		const { NODE_V8_COVERAGE: _, ...env } = process.env;
		const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
		children.push(child);
		return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
	}

	const rooms = () => join(folder, 'rocketchat_room.db');
	const twoRooms = async () => {
		const { store, close } = await open();
		await store.rooms.insertOne({ _id: 'a', t: 'p' });
		await store.rooms.insertOne({ _id: 'b', t: 'c' });
		await close();
	};

	describe('keeps', () => {
		it('everything over a restart, whatever it holds', async () => {
			const first = await open();
			const odd = {
				_id: 'r',
				t: 'p' as const,
				name: 'a\u2028b\u2029c\u0085d\ve\n',
				at: new Date(7),
				_updatedAt: new Date(8),
			};
			await first.store.rooms.insertOne(odd);
			await first.store.rooms.insertOne({ _id: 'gone', t: 'p' });
			await first.store.rooms.deleteOne({ _id: 'gone' });
			await first.store.users.insertOne({ _id: 'u', username: 'alice' });
			await first.store.users.updateOne({ _id: 'u' }, { $set: { name: 'Alice' } });
			await first.close();
			// Twice: the first load rewrites the files.
			for (let round = 0; round < 2; round++) {
				const { store, close } = await open();
				expect(await store.rooms.find({}).toArray()).to.deep.equal([odd]);
				expect(await store.users.findOne({})).to.include({ username: 'alice', name: 'Alice' });
				const twin = await rejection(store.users.insertOne({ _id: 'v', username: 'alice' }));
				expect(isDuplicateKey(twin)).to.equal(true);
				await close();
			}
		});

		it('its files to their owner', async () => {
			await twoRooms();
			const mode = async (path: string) => (await stat(path)).mode & 0o777;
			expect(await mode(folder)).to.equal(0o700);
			for (const file of ['rocketchat_room.db', 'users.db', 'lock'])
				expect(await mode(join(folder, file)), file).to.equal(0o600);
		});

		it('what it acknowledged when it is killed', async () => {
			const { child, lines } = start(process.execPath, writer, folder);
			const acknowledged: string[] = [];
			for (let line = await lines.next(); !line.done; line = await lines.next()) {
				if (line.value !== 'open') acknowledged.push(line.value);
				if (acknowledged.length === 200) child.kill('SIGKILL');
			}
			const { store } = await open();
			const stored = new Set((await store.rooms.find({}).toArray()).map(({ _id }) => _id));
			expect(acknowledged.length).to.be.at.least(200);
			expect(acknowledged.filter((id) => !stored.has(id))).to.deep.equal([]);
		});

		it('its files from growing without end', async () => {
			const sizes: number[] = [];
			const rewritten: object[] = [];
			const log = { ...memoryLog(), info: (facts: object) => rewritten.push(facts) };
			const { store, close } = await open((file) => file.datasync(), log);
			await store.rooms.insertOne({ _id: 'r', t: 'p' });
			await store.rooms.insertOne({ _id: 's', t: 'p', name: 'still' });
			for (let round = 0; round < 6; round++) {
				const name = `${round}`.padEnd(40_000);
				await Promise.all(
					Array.from({ length: 10 }, (_, i) =>
						store.rooms.updateOne({ _id: 'r' }, { $set: { name, [`f${i}`]: round } }),
					),
				);
				sizes.push((await stat(rooms())).size);
			}
			await close();
			expect(rewritten).to.have.length(2);
			expect(Math.max(...sizes)).to.be.below(1_600_000);
			const again = await open();
			expect(await again.store.rooms.findOne({ _id: 'r' })).to.include({ name: '5'.padEnd(40_000), f0: 5, f9: 5 });
			expect(await again.store.rooms.findOne({ _id: 's' })).to.include({ name: 'still' });
		});
	});

	describe('is for one process:', () => {
		it('another one is refused and told who has it', async () => {
			await open();
			const { lines } = start(process.execPath, writer, folder);
			const { value } = await lines.next();
			expect(value).to.match(/^refused in-use /);
			expect(value).to.include(folder).and.include(`the process ${process.pid}`);
		});

		it('so is a second store in the same process, until the first is closed', async () => {
			const { close } = await open();
			const error = await rejection(openFiles(folder, memoryLog()));
			expect(error).to.include({ name: 'StoreError', code: 'in-use' });
			await close();
			await open();
		});
	});

	describe('after a crash', () => {
		it('cuts off the line that was not finished, and says so', async () => {
			await twoRooms();
			await appendFile(rooms(), '{"_id":"c","t":"p","name":"é');
			const warnings: object[] = [];
			const { store } = await open(undefined, { ...memoryLog(), warn: (facts) => warnings.push(facts) });
			expect(warnings).to.deep.equal([{ file: rooms(), bytes: 29 }]);
			expect(await store.rooms.countDocuments({})).to.equal(2);
		});

		it('keeps a last line that lacks nothing but its end', async () => {
			await twoRooms();
			await appendFile(rooms(), '{"_id":"c","t":"p"}');
			const { store } = await open();
			await store.rooms.insertOne({ _id: 'd', t: 'p' });
			expect(await store.rooms.countDocuments({})).to.equal(4);
		});

		it('refuses a file that is damaged elsewhere, and leaves it alone', async () => {
			await twoRooms();
			const lines = (await readFile(rooms(), 'utf8')).split('\n');
			lines[1] = (lines[1] as string).slice(0, 10);
			await writeFile(rooms(), lines.join('\n'));
			const error = await rejection(openFiles(folder, memoryLog()));
			expect(error).to.include({ name: 'StoreError', code: 'damaged' });
			expect(error.message).to.include(`Line 2 of ${rooms()}`);
			expect(await readFile(rooms(), 'utf8')).to.equal(lines.join('\n'));
			// The folder is free again.
			expect(await rejection(openFiles(folder, memoryLog()))).to.include({ code: 'damaged' });
		});

		it('refuses two documents of one unique value', async () => {
			await (await open()).close();
			await appendFile(join(folder, 'users.db'), '{"_id":"a","username":"secret"}\n{"_id":"b","username":"secret"}\n');
			const error = await rejection(openFiles(folder, memoryLog()));
			expect(error).to.include({ code: 'damaged', message: 'Two documents of users have the same username.' });
		});
	});

	it('says what is wrong with a folder it cannot use', async () => {
		await writeFile(folder, 'a file');
		const error = await rejection(openFiles(folder, memoryLog()));
		expect(error).to.include({ name: 'StoreError', code: 'unusable' });
		expect(error.message).to.include(folder);
	});

	describe('acknowledges', () => {
		it('a write after an fsync that began after it', async () => {
			const order: string[] = [];
			const began = signal();
			const released = signal();
			const { store } = await open(async () => {
				order.push('sync');
				began.give();
				await released.given;
				order.push('synced');
			});
			const write = store.rooms.insertOne({ _id: 'a', t: 'p' }).then(() => order.push('acknowledged'));
			await began.given;
			expect(await readFile(rooms(), 'utf8')).to.include('"_id":"a"');
			expect(order).to.deep.equal(['sync']);
			released.give();
			await write;
			expect(order).to.deep.equal(['sync', 'synced', 'acknowledged']);
		});

		it('many writes with few fsyncs, and one that changes nothing with none', async () => {
			let syncs = 0;
			const { store } = await open(async () => {
				// A disk so slow that the first fsync takes as long as all writes.
				for (syncs++; (await readFile(rooms(), 'utf8')).split('"_id"').length <= 500; );
			});
			await Promise.all(Array.from({ length: 500 }, (_, i) => store.rooms.insertOne({ _id: `r${i}`, t: 'p' })));
			expect(syncs).to.equal(2);
			const before = syncs;
			await store.rooms.updateOne({ _id: 'none' }, { $set: { name: 'x' } });
			await rejection(store.rooms.insertOne({ _id: 'r1', t: 'p' }));
			expect(syncs).to.equal(before);
		});

		it('what was under way when it is closed, and nothing after', async () => {
			const { store, close } = await open();
			const writes = Array.from({ length: 50 }, (_, i) => store.rooms.insertOne({ _id: `r${i}`, t: 'p' }));
			const closed = close();
			const late = await rejection(store.rooms.insertOne({ _id: 'late', t: 'p' }));
			expect(late).to.include({ code: 'unusable', message: 'The store is closed.' });
			await Promise.all([...writes, closed, close()]);
			expect(await (await open()).store.rooms.countDocuments({})).to.equal(50);
		});
	});

	describe('writes no more', () => {
		it('once an fsync has failed', async () => {
			let failing = false;
			const { store } = await open(async () => {
				if (failing) throw new Error('ENOSPC: no space left on device');
			});
			await store.rooms.insertOne({ _id: 'a', t: 'p' });
			failing = true;
			const writes = ['b', 'c'].map((_id) => rejection(store.rooms.insertOne({ _id, t: 'p' })));
			for (const error of await Promise.all(writes)) {
				expect(error).to.include({ name: 'StoreError', code: 'unusable' });
				expect(error.message).to.include(rooms()).and.include('ENOSPC');
			}
			failing = false;
			expect(await rejection(store.rooms.deleteOne({ _id: 'a' }))).to.include({ code: 'unusable' });
			expect(await rejection(store.users.insertOne({ _id: 'u' }))).to.include({ code: 'unusable' });
			expect(await store.rooms.findOne({ _id: 'a' })).to.include({ t: 'p' });
		});

		it('once the system took only a part of a line', async () => {
			const limited = 'ulimit -f 100 && exec "$@"';
			const { lines } = start('sh', '-c', limited, 'sh', process.execPath, writer, folder, '1000');
			const printed: string[] = [];
			for (let line = await lines.next(); !line.done; line = await lines.next()) printed.push(line.value);
			expect(printed.find((line) => line.startsWith('refused'))).to.match(/^refused unusable .*EFBIG/);
			expect(printed).to.include('then unusable');
			const acknowledged = printed.filter((line) => /^r\d+$/.test(line));
			expect(acknowledged).to.not.have.length(0);
			const warnings: object[] = [];
			const { store } = await open(undefined, { ...memoryLog(), warn: (facts) => warnings.push(facts) });
			expect(warnings).to.have.length(1);
			const stored = new Set((await store.rooms.find({}).toArray()).map(({ _id }) => _id));
			expect(acknowledged.filter((id) => !stored.has(id))).to.deep.equal([]);
		});
	});
});
