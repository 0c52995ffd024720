/** `roomkey import`: documents that are stored already, and lines that cannot be stored. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { findSources, importFiles } from '../../server/cli/importFolder.js';
import { openFolder } from '../../server/store/folder.js';
import type { Store } from '../../shared/store.js';
import { runInProcess } from '../support/command.js';

/** Runs `roomkey`, and prints a line for each report of its progress. */
const program = fileURLToPath(new URL('../support/commandWithProgress.js', import.meta.url));

describe('an import', () => {
	let parent: string;
	let data: string;
	let folders: number;

	beforeEach(async () => {
		parent = await mkdtemp(join(tmpdir(), 'roomkey-'));
		data = join(parent, 'data');
		folders = 0;
	});
	afterEach(() => rm(parent, { recursive: true }));

	async function folderOf(files: Record<string, string | readonly object[]>) {
		const folder = join(parent, `source${folders++}`);
		await mkdir(folder);
		for (const [name, content] of Object.entries(files)) {
			const lines = typeof content === 'string' ? content : content.map((line) => `${JSON.stringify(line)}\n`).join('');
			await writeFile(join(folder, name), lines);
		}
		return folder;
	}

	/** Imports files, and returns the summary of the first file. */
	async function imported(files: Record<string, string | readonly object[]>, ...flags: string[]) {
		const { status, out, err } = await runInProcess([
			'import',
			'--json',
			...flags,
			'--data',
			data,
			await folderOf(files),
		]);
		expect({ status, err }).to.deep.equal({ status: 0, err: '' });
		const { written, unchanged, kept, skipped, skippedCount } = JSON.parse(out).files[0];
		expect(skippedCount).to.equal(skipped.length);
		const reasons = skipped.map(({ line, reason }: { line: number; reason: string }) => `${line} ${reason}`);
		return { written, unchanged, kept, reasons };
	}

	async function withStore<R>(look: (store: Store) => Promise<R>): Promise<R> {
		const { store, close } = await openFolder(data);
		try {
			return await look(store);
		} finally {
			await close();
		}
	}

	const storedUsers = () => withStore((store) => store.users.find({}, { sort: { _id: 1 } }).toArray());

	const time = { $date: '2024-05-06T07:08:09.123Z' };
	const stored = [
		{ _id: 'a', username: 'alice', name: 'Alice', _updatedAt: time },
		{ _id: 'b', username: 'bob', _updatedAt: time },
	];
	const none = { written: 0, unchanged: 0, kept: 0, reasons: [] };

	describe('into a folder with documents', () => {
		for (const flags of [[], ['--replace']])
			it(`keeps documents whose lines are skipped${flags.length > 0 ? ', with --replace' : ''}`, async () => {
				await imported({ 'users.jsonl': stored });
				const before = await storedUsers();
				const bytes = { $binary: { base64: '', subType: '00' } };
				const lines = [
					{ ...stored[0], customFields: bytes },
					{ _id: { $gt: '' }, username: 'eve' },
					{ ...stored[0], name: [[[[[[[[[[[[[[[[['deep']]]]]]]]]]]]]]]]] },
				];
				const result = await imported({ 'users.jsonl': lines }, ...flags);
				expect(result).to.include({ written: 0, kept: 0 });
				expect(result.reasons).to.have.length(3);
				expect(result.reasons.join('\n'))
					.to.match(/^1 cannot be stored \(.*\$binary/)
					.and.include('2 cannot be stored (A document needs an _id');
				expect(await storedUsers()).to.deep.equal(before);
			});

		it('keeps a document whose new version has a unique value of another document', async () => {
			await imported({ 'users.jsonl': stored });
			const before = await storedUsers();
			const lines = [{ ...stored[1], username: 'alice' }];
			expect(await imported({ 'users.jsonl': lines }, '--replace')).to.deep.equal({
				...none,
				reasons: ['1 has a value that must be unique, and that another document already has'],
			});
			expect(await storedUsers()).to.deep.equal(before);
		});

		const rooms = (topic: string) => Array.from({ length: 2000 }, (_, i) => ({ _id: `r${i}`, t: 'p', topic }));

		it('loses no document while it replaces documents', async () => {
			await imported({ 'rocketchat_room.jsonl': rooms('first') });
			const sources = await findSources(await folderOf({ 'rocketchat_room.jsonl': rooms('second') }));
			await withStore(async (store) => {
				let isRunning = true;
				const counts: number[] = [];
				const counting = (async () => {
					while (isRunning) counts.push(await store.rooms.countDocuments({}));
				})();
				const [summary] = await importFiles(sources, store, { replace: true });
				isRunning = false;
				await counting;
				expect(summary).to.include({ written: 2000 });
				expect(new Set(counts)).to.deep.equal(new Set([2000]));
			});
		});

		it('loses no document when it is killed while it replaces documents', async () => {
			await imported({ 'rocketchat_room.jsonl': rooms('first') });
			const topics = () =>
				withStore(async (store) => {
					const found = await store.rooms.find({}).toArray();
					return found.map(({ topic }) => topic);
				});
			for (let round = 1; round <= 4; round++) {
				const folder = await folderOf({ 'rocketchat_room.jsonl': rooms(`round ${round}`) });
				const child = spawn(process.execPath, [program, 'import', '--replace', '--data', data, folder], {
					stdio: ['ignore', 'pipe', 'inherit'],
				});
				const exit = once(child, 'exit');
				// Each batch of 200 lines has a report, ten in all.
				const reports = 1 + Math.floor(Math.random() * 8);
				let count = 0;
				for await (const line of createInterface({ input: child.stdout }))
					if (line.startsWith('progress') && ++count === reports) child.kill('SIGKILL');
				expect(await exit).to.deep.equal([null, 'SIGKILL']);
				const found = await topics();
				expect(found).to.have.length(2000);
				expect(found.filter((topic) => topic === `round ${round}`).length).to.be.at.least(200 * reports);
				// A repeated import completes an interrupted one.
				expect((await runInProcess(['import', '--replace', '--data', data, folder])).out).to.include(', 0 skipped');
				expect(new Set(await topics())).to.deep.equal(new Set([`round ${round}`]));
			}
		});
	});

	it('keeps a stored document that differs from its line, and mentions --replace', async () => {
		await imported({ 'users.jsonl': stored });
		await withStore((store) => store.users.updateOne({ _id: 'a' }, { $set: { name: 'changed since' } }));
		const folder = await folderOf({ 'users.jsonl': [...stored, { _id: 'c', username: 'carol' }] });
		const { status, out, err } = await runInProcess(['import', '--data', data, folder]);
		expect({ status, out }).to.deep.equal({
			status: 0,
			out: 'users.jsonl: 1 written, 1 unchanged, 1 kept, 0 skipped\n',
		});
		expect(err).to.include('--replace');
		expect((await storedUsers())[0]).to.include({ name: 'changed since' });
		expect((await runInProcess(['import', '--help'])).out).to.match(/--replace +replace stored documents/);
	});

	it('stores with --replace exactly the fields of the line, also _updatedAt', async () => {
		await imported({ 'users.jsonl': [{ _id: 'a', username: 'alice', name: 'Alice' }, stored[1] as object] });
		const lines = [{ _id: 'a', username: 'anna', emails: [], _updatedAt: time }];
		expect(await imported({ 'users.jsonl': lines }, '--replace')).to.deep.equal({ ...none, written: 1 });
		const _updatedAt = new Date(time.$date);
		expect(await storedUsers()).to.deep.equal([
			{ _id: 'a', username: 'anna', emails: [], _updatedAt },
			{ _id: 'b', username: 'bob', _updatedAt },
		]);
		expect(await imported({ 'users.jsonl': lines }, '--replace')).to.deep.equal({ ...none, unchanged: 1 });
	});

	it('changes nothing when it is repeated, with or without _updatedAt', async () => {
		const lines = '{"_id":"a","customFields":{"zero":-0,"half":"\\ud83d"}}\n{"_id":"b","_updatedAt":{"$date":7}}\n';
		expect(await imported({ 'users.jsonl': lines })).to.include({ written: 2 });
		for (const flags of [[], ['--replace']])
			expect(await imported({ 'users.jsonl': lines }, ...flags)).to.deep.equal({ ...none, unchanged: 2 });
	});

	it('imports the first line with an id, and names the later ones', async () => {
		const others = Array.from({ length: 450 }, (_, i) => ({ _id: `u${i}` }));
		const first = { _id: 'a', username: 'alice' };
		const lines = [first, { ...first, username: 'anna' }, ...others, { ...first, username: 'ann' }, first];
		const reasons = [2, 453, 454].map((line) => `${line} has the _id of an earlier line`);
		expect(await imported({ 'users.jsonl': lines })).to.deep.equal({ ...none, written: 451, reasons });
		expect(await imported({ 'users.jsonl': lines }, '--replace')).to.deep.equal({ ...none, unchanged: 451, reasons });
		expect((await storedUsers())[0]).to.include({ username: 'alice' });
	});

	it('skips and names lines that are nested too deep or are no JSON', async () => {
		const deep = `{"_id":"deep","name":${'['.repeat(5000)}${']'.repeat(5000)}}`;
		const lines = `${deep}\n{"_id":"a"\n{"_id":"b"}\n`;
		expect(await imported({ 'users.jsonl': lines })).to.deep.equal({
			...none,
			written: 1,
			reasons: ['1 is nested too deep', '2 is no JSON'],
		});
	});

	it('reads files with a byte order mark and line ends of Windows', async () => {
		const lines = '\uFEFF{"_id":"a"}\r\n\r\n{"_id":"b","name":"\u2028x\u2029"}\r\n{"_id":"c"}';
		expect(await imported({ 'users.jsonl': lines })).to.deep.equal({ ...none, written: 3 });
		expect((await storedUsers())[1]).to.include({ name: '\u2028x\u2029' });
		const exported = join(parent, 'exported');
		expect(await runInProcess(['export', '--data', data, exported])).to.include({ status: 0 });
		const copy = await readFile(join(exported, 'users.jsonl'), 'utf8');
		expect(await imported({ 'users.jsonl': copy })).to.deep.equal({ ...none, unchanged: 3 });
		// In a .db file, which is of Roomkey 0.1, the last version of a document is valid.
		const former = '\uFEFF{"_id":"a","name":"former"}\n{"_id":"a","name":"last"}\n';
		expect(await imported({ 'users.db': former }, '--replace')).to.deep.equal({ ...none, written: 1 });
	});

	it('names every line without an _id, also in files of Roomkey 0.1', async () => {
		const lines = [{ name: 'Alice' }, { name: 'Bob' }, { _id: 'c' }];
		for (const file of ['users.db', 'users.jsonl']) {
			const { written, unchanged, reasons } = await imported({ [file]: lines });
			expect(written + unchanged).to.equal(1);
			expect(reasons.map((reason: string) => reason.replace(/ \(.*/, ''))).to.deep.equal([
				'1 cannot be stored',
				'2 cannot be stored',
			]);
		}
	});

	describe('before it makes a data folder', () => {
		const refused = async (folder: string) => {
			const { status, out, err } = await runInProcess(['import', '--data', data, folder]);
			expect({ status, out }).to.deep.equal({ status: 1, out: '' });
			const made = await runInProcess(['user', 'list', '--data', data]);
			expect(made.err).to.include('holds no data');
			return err;
		};

		it('refuses a folder that is missing, and a file', async () => {
			const missing = join(parent, 'missing');
			expect(await refused(missing)).to.match(/missing cannot be read: ENOENT: /);
			await writeFile(missing, '');
			expect(await refused(missing)).to.match(/missing cannot be read: ENOTDIR: /);
		});

		it('refuses a folder with a folder in place of a file', async () => {
			const folder = await folderOf({ 'users.jsonl': stored });
			await mkdir(join(folder, 'rocketchat_room.jsonl'));
			expect(await refused(folder)).to.match(/rocketchat_room.jsonl is a folder, and must be a file/);
		});

		it('refuses two files of one collection', async () => {
			for (const other of ['users.json', 'users.db'])
				expect(await refused(await folderOf({ 'users.jsonl': stored, [other]: stored })))
					.to.include(other)
					.and.include('users.jsonl')
					.and.include('the same collection');
		});
	});
});
