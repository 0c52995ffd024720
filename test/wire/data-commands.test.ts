/** Moving data in and out: `roomkey import`, `export`, `backup` and `restore`. */
import { spawnSync } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { backupFolder, restoreFolder } from '../../server/cli/backup.js';
import type { OpenStore } from '../../server/store/collections.js';
import { openFolder } from '../../server/store/folder.js';
import type { Room, User } from '../../shared/documents.js';
import { runInProcess } from '../support/command.js';

const main = fileURLToPath(new URL('../../server/cli/main.js', import.meta.url));

describe('moving data in and out', () => {
	let parent: string;
	let data: string;
	const opened: OpenStore[] = [];

	beforeEach(async () => {
		parent = await mkdtemp(join(tmpdir(), 'roomkey-'));
		data = join(parent, 'data');
	});
	afterEach(async () => {
		for (const { close } of opened.splice(0)) await close();
		await rm(parent, { recursive: true });
	});

	const roomkey = (...args: string[]) => runInProcess(args);

	function roomkeyAsProcess(...args: string[]) {
		const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
		return { status, out: stdout, err: stderr };
	}

	async function open(folder = data) {
		const store = await openFolder(folder);
		opened.push(store);
		return store;
	}

	async function folderOf(files: Record<string, string[]>) {
		const folder = join(parent, 'source');
		await mkdir(folder);
		for (const [name, lines] of Object.entries(files)) await writeFile(join(folder, name), `${lines.join('\n')}\n`);
		return folder;
	}

	it('gives data folders, but no backup, to the owner of the parent folder', async () => {
		const isRoot = process.getuid?.() === 0;
		// 65534 is the user nobody.
		const owner = isRoot ? 65534 : process.getuid?.();
		const ownersIn = async (folder: string) => {
			const paths = [folder, ...(await readdir(folder)).map((name) => join(folder, name))];
			return new Set(await Promise.all(paths.map(async (path) => (await stat(path)).uid)));
		};
		if (isRoot) await chown(parent, 65534, 65534);
		const [saved, restored, nested] = [join(parent, 'saved'), join(parent, 'restored'), join(parent, 'a', 'b')];
		const addUser = ['user', 'add', 'root', '--email', 'root@example.com', '--role', 'admin', '--generate-password'];
		expect(await roomkey(...addUser, '--data', data)).to.include({ status: 0 });
		expect([...(await ownersIn(data))], 'a new folder').to.deep.equal([owner]);
		// The next command makes the lock files again.
		for (const file of await readdir(data)) if (file.includes('lock')) await rm(join(data, file));
		expect(await roomkey('user', 'list', '--data', data)).to.include({ status: 0 });
		expect(await roomkey('check', '--data', data)).to.include({ status: 0 });
		expect(await roomkey('backup', '--data', data, saved)).to.include({ status: 0 });
		expect([...(await ownersIn(data))], 'after commands').to.deep.equal([owner]);
		expect([...(await ownersIn(saved))], 'a backup belongs to the account of the command').to.deep.equal([
			process.getuid?.(),
		]);
		for (const folder of [restored, nested]) {
			expect(await roomkey('restore', '--data', folder, saved)).to.include({ status: 0 });
			expect([...(await ownersIn(folder))], folder).to.deep.equal([owner]);
		}
		expect((await stat(join(parent, 'a'))).uid).to.equal(owner);
	});

	it('names the command that imports a folder of Roomkey 0.1', async () => {
		const source = await folderOf({ 'users.db': ['{"_id":"a","username":"alice"}'] });
		for (const line of [
			['backup', '--data', source, data],
			['restore', '--data', data, source],
			['export', '--data', source, join(parent, 'exported')],
			['user', 'list', '--data', source],
			['user', 'add', 'root', '--role', 'admin', '--generate-password', '--data', source],
			['check', '--data', source],
			['serve', '--data', source, '--port', '0'],
		]) {
			const { status, out, err } = await roomkey(...line);
			expect(status, line.join(' ')).to.equal(1);
			expect(out + err, line.join(' '))
				.to.include(`roomkey import --data NEW_FOLDER ${source}`)
				.and.not.include('no data');
		}
		expect(await readdir(source)).to.deep.equal(['users.db']);
		expect(await roomkey('import', '--data', data, source)).to.include({ status: 0 });
		expect((await roomkey('backup', '--data', data, join(parent, 'saved'))).status).to.equal(0);
	});

	it('imports the last version of each document of Roomkey 0.1', async () => {
		const source = await folderOf({
			'rocketchat_room.db': [
				'{"$$indexCreated":{"fieldName":["name"],"unique":true,"sparse":true}}',
				'{"_id":"a","t":"p","name":"one","_updatedAt":{"$$date":5}}',
				'{"_id":"b","t":"p","name":"two","_updatedAt":{"$$date":6}}',
				'{"_id":"a","t":"p","name":"three","_updatedAt":{"$$date":7}}',
				'{"_id":"c","t":"p","name":"one","_updatedAt":{"$$date":8}}',
				'{"$$deleted":true,"_id":"b"}',
				'{"_id":"torn","t":"p',
			],
			'users.db': ['{"_id":"u","username":"alice"}'],
		});
		const first = await roomkey('import', '--data', data, source);
		expect(first).to.include({ status: 0, err: '' });
		expect(first.out)
			.to.include('rocketchat_room.db: 2 written, 0 unchanged, 1 skipped')
			.and.include('line 7 is no JSON');
		const { store, close } = await open();
		expect(await store.rooms.find({}, { sort: { _id: 1 } }).toArray()).to.deep.equal([
			{ _id: 'a', t: 'p', name: 'three', _updatedAt: new Date(7) },
			{ _id: 'c', t: 'p', name: 'one', _updatedAt: new Date(8) },
		]);
		expect(await store.users.findOne({ username: 'alice' })).to.include({ _id: 'u' });
		await close();
		expect((await roomkey('import', '--data', data, source)).out).to.include(
			'rocketchat_room.db: 0 written, 2 unchanged',
		);
	});

	it('imports what mongoexport writes, and skips what cannot be stored', async () => {
		const source = await folderOf({
			'users.jsonl': [
				'{"_id":"u","username":"alice","createdAt":{"$date":"2024-05-06T07:08:09.123Z"},"services":{"resume":{"loginTokens":[{"hashedToken":"h","when":{"$date":{"$numberLong":"-5"}}}]}}}',
				'{"_id":"v","username":"alice"}',
				'{"_id":{"$oid":"0123456789abcdef01234567"},"username":"bob"}',
				'{"_id":"w","a.b":1}',
				'{"username":"nobody"}',
				'[]',
			],
		});
		const { status, out } = await roomkey('import', '--data', data, source);
		expect(status).to.equal(0);
		expect(out).to.include('2 written, 0 unchanged, 4 skipped').and.not.include('alice');
		const { store } = await open();
		// Two lines have the same username, and either may have been stored.
		const alice = (await store.users.findOne({ _id: 'u' })) ?? (await store.users.findOne({ _id: 'v' }));
		expect(alice).to.include({ username: 'alice' });
		expect(await store.users.findOne({ _id: '0123456789abcdef01234567' })).to.include({ username: 'bob' });
	});

	it('exports lines that import as the same documents', async () => {
		const user: User = {
			_id: 'u',
			username: 'alice',
			createdAt: new Date(-5),
			customFields: { at: [new Date(7), null] },
		};
		const room: Room = { _id: 'r', t: 'p', name: 'line\nend 🔑', _updatedAt: new Date(9) };
		const { store, close } = await open();
		await store.users.insertOne(user);
		await store.rooms.insertOne(room);
		const before = await store.users.findOne({ _id: 'u' });
		await close();
		const lines = join(parent, 'lines');
		expect(await roomkey('export', '--data', data, lines)).to.include({ status: 0, err: '' });
		expect(await readFile(join(lines, 'rocketchat_room.jsonl'), 'utf8')).to.equal(
			'{"_id":"r","t":"p","name":"line\\nend 🔑","_updatedAt":{"$date":"1970-01-01T00:00:00.009Z"}}\n',
		);
		expect(await roomkey('export', '--data', data, lines)).to.include({ status: 1 });
		const copy = join(parent, 'copy');
		expect(await roomkey('import', '--data', copy, lines)).to.include({ status: 0 });
		const copied = await open(copy);
		expect(await copied.store.users.findOne({ _id: 'u' })).to.deep.equal(before);
		expect(await copied.store.rooms.findOne({ _id: 'r' })).to.deep.equal(room);
	});

	it('backs up a folder in use, and restores it into a new one', async () => {
		const { store, close } = await open();
		await store.rooms.insertOne({ _id: 'before', t: 'p' });
		let writing = true;
		const writes = (async () => {
			for (let i = 0; writing; i++) {
				await store.rooms.insertOne({ _id: `r${i}`, t: 'p' });
				await store.subscriptions.insertOne({ _id: `s${i}`, rid: `r${i}`, u: { _id: 'u' } });
			}
		})();
		const backup = join(parent, 'backup');
		await backupFolder(data, backup);
		writing = false;
		await writes;
		await close();
		const restored = join(parent, 'restored');
		await restoreFolder(backup, restored);
		const copied = await open(restored);
		expect(await copied.store.rooms.findOne({ _id: 'before' })).to.include({ t: 'p' });
		// Each room is written before its membership, so the last room may lack one. The room `before` has none.
		const rooms = await copied.store.rooms.countDocuments({});
		expect(await copied.store.subscriptions.countDocuments({})).to.be.within(rooms - 2, rooms - 1);
	});

	it('refuses targets that are not empty, and sources without data', async () => {
		const { store } = await open();
		await store.rooms.insertOne({ _id: 'r', t: 'p' });
		const backup = join(parent, 'backup');
		expect(roomkeyAsProcess('backup', '--data', data, backup)).to.include({ status: 0, err: '' });
		expect((await roomkey('backup', '--data', data, backup)).err).to.match(/backup is not empty/);
		expect((await roomkey('backup', '--data', join(parent, 'none'), join(parent, 'b2'))).status).to.equal(1);
		expect((await roomkey('restore', '--data', data, backup)).err).to.match(/data is not empty/);
		expect(await roomkey('restore', '--data', join(parent, 'new'), backup)).to.include({ status: 0, err: '' });
		expect((await roomkey('restore', '--data', join(parent, 'new2'), parent)).status).to.equal(1);
	});

	it('names working commands that export the data of a folder in use', async () => {
		await open();
		const [backup, lines] = [join(parent, 'backup'), join(parent, 'lines')];
		const refused = await roomkey('export', '--data', data, lines);
		expect(refused).to.include({ status: 1, out: '' });
		const [, commands = ''] = /in use by .* Or export a backup of it: (.*)$/.exec(refused.err) ?? [];
		for (const command of commands.replaceAll('BACKUP', backup).split(', then ')) {
			const [program, ...args] = command.split(' ');
			expect(program).to.equal('roomkey');
			expect(await roomkey(...args)).to.include({ status: 0, err: '' });
		}
		expect(await readdir(lines)).to.include('users.jsonl');
		// A backup would not help an import.
		expect((await roomkey('import', '--data', data, lines)).err)
			.to.include('in use by')
			.and.not.include('backup');
	});

	it('refuses wrong arguments, and explains the commands with --help', async () => {
		expect(await roomkey('import', '--data', data)).to.include({ status: 2 });
		expect(await roomkey('import', 'x')).to.include({ status: 2 });
		expect((await roomkey('backup', '--mongo-url', 'mongodb://x', 'y')).err).to.include('mongodump');
		expect(roomkeyAsProcess('--help').out).to.include('roomkey restore --data DIR FOLDER');
		expect((await roomkey('import', '--help')).out).to.match(/^Usage: roomkey import /);
	});

	it('says in the help of each command what --mongo-url does there', async () => {
		const lineOf = async (command: string) =>
			/^ +--mongo-url URL +(.*)$/m.exec((await roomkey(command, '--help')).out)?.[1];
		expect(await lineOf('import')).to.equal('the MongoDB');
		expect(await lineOf('export')).to.equal('the MongoDB');
		expect(await lineOf('backup')).to.equal('always refused: for MongoDB use mongodump');
		expect(await lineOf('restore')).to.equal('always refused: for MongoDB use mongorestore');
	});
});
