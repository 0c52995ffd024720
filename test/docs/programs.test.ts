/** The programs and commands in README and docs/ work as they stand, against the demo. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { fillDemo } from '../../server/cli/demo.js';
import { startApp, type TestApp } from '../support/app.js';
import { Member } from '../support/member.js';
import { addPerson } from '../support/people.js';
import { doors } from '../support/transports.js';
import { describeRoom } from './describeRoom.js';
import { blocks, blockWith } from './pages.js';

const DEMO = '127.0.0.1:3000';

/** Commands that other tests run. */
const ELSEWHERE: readonly (readonly [command: string, where: string])[] = [
	['npm ci && npm run demo', '.ci/run'],
	['npm ci && npm test', '.ci/run'],
	['npm ci && npm run build', '.ci/run'],
	['npm run build && npx mocha dist/test/unit/describeRoom.test.js', 'test/docs/describeRoom.test.ts'],
	['MONGO_URL=mongodb://127.0.0.1:27017/rocketchat node dist/server/cli/main.js', 'test/mongo'],
];

/** Commands that this file runs, by what stands in them. */
const HERE: readonly (readonly [page: string, text: string])[] = [
	['README.md', 'curl'],
	['docs/bots.md', 'node bot.mjs'],
	['docs/building.md', 'curl'],
	['docs/operating.md', 'node dist/server/cli/main.js'],
	['docs/operating.md', 'ADMIN_USERNAME'],
	['docs/rest.md', 'curl http'],
	['docs/rest.md', '/api/v1/login'],
	['docs/rest.md', 'method.call/rooms:get'],
];

describe('programs of the documentation', () => {
	let folder: string;
	let app: TestApp;
	let child: ChildProcess | undefined;
	let stderr = '';

	beforeEach(async () => {
		stderr = '';
		// Below the project, so that programs find its packages.
		folder = await mkdtemp(path.resolve('dist/docs-'));
		app = await startApp({ methods: [describeRoom] });
		await fillDemo(app.store);
	});
	afterEach(async () => {
		await stop();
		await app.close();
		await rm(folder, { recursive: true });
	});

	/** Ends the running program, and what it has started. */
	async function stop(): Promise<void> {
		if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
			const closed = once(child, 'close');
			process.kill(-child.pid, 'SIGTERM');
			await closed;
		}
		child = undefined;
	}

	function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = folder): Readable {
		const started = spawn(command, args, {
			cwd,
			env: { ...process.env, ...env },
			stdio: ['ignore', 'pipe', 'pipe'],
			detached: true,
		});
		child = started;
		started.stderr.on('data', (data) => {
			stderr += data;
		});
		return started.stdout;
	}

	const lines = (output: Readable) => createInterface({ input: output })[Symbol.asyncIterator]();

	const hereAndNow = (code: string) => code.replaceAll(DEMO, new URL(app.url).host);

	/** Saves a program of a page, and runs it. */
	async function runProgram(page: string, text: string, name: string): Promise<AsyncIterator<string>> {
		await writeFile(path.join(folder, name), hereAndNow(blockWith(page, text)));
		return lines(start(process.execPath, [name]));
	}

	/** Runs a command of a page that ends, and reads the JSON that it prints. */
	async function runCommand(page: string, text_: string): Promise<unknown> {
		const output = await text(start('bash', ['-c', hereAndNow(blockWith(page, text_))]));
		return JSON.parse(output);
	}

	it('are all run by a test', () => {
		const run = new Set([
			...ELSEWHERE.map(([command]) => `${command}\n`),
			...HERE.map(([page, text]) => blockWith(page, text)),
		]);
		const commands = blocks.filter(({ info }) => info === 'sh');
		expect(commands.filter(({ code }) => !run.has(code))).to.deep.equal([]);
		const scripts = blocks.filter(({ info }) => info === 'js').map(({ page }) => page);
		expect(scripts).to.deep.equal(['README.md', 'docs/bots.md', 'docs/ddp.md']);
		const others = blocks.filter(({ info }) => !/^(sh|js|mermaid|ts \S+)$/.test(info));
		expect(others).to.deep.equal([]);
	});

	it('set the key id of a room by curl, once', async () => {
		expect(await runCommand('README.md', 'curl')).to.deep.equal({ success: true });
		expect(await runCommand('README.md', 'curl')).to.deep.equal({
			success: false,
			error: 'E2E Key ID already exists [error-room-e2e-key-already-exists]',
			errorType: 'error-room-e2e-key-already-exists',
			details: { method: 'e2e.setRoomKeyID' },
		});
	});

	it('set the key id of a room over DDP, and end', async () => {
		const seen: string[] = [];
		const output = await runProgram('README.md', 'WebSocket', 'call.mjs');
		for (let next = await output.next(); !next.done; next = await output.next()) seen.push(next.value);
		expect(seen).to.include('{"msg":"result","id":"2"}');
		expect(stderr).to.equal('');
	});

	it('call REST by curl as docs/rest.md and docs/building.md show', async () => {
		expect(await runCommand('docs/rest.md', 'curl http')).to.include({ username: 'alice', success: true });
		const login = await runCommand('docs/rest.md', '/api/v1/login');
		expect(login).to.have.nested.property('data.authToken').that.is.a('string');
		const { message } = (await runCommand('docs/rest.md', 'method.call')) as { message: string };
		expect(JSON.parse(message)).to.have.property('result').that.is.an('array').with.lengthOf(2);
		expect(await runCommand('docs/building.md', 'curl')).to.deep.equal({
			description: 'Plans',
			success: true,
		});
	});

	it('print the changes of memberships as docs/ddp.md shows', async () => {
		const output = await runProgram('docs/ddp.md', 'WebSocket', 'watch.mjs');
		expect((await output.next()).value).to.equal('subscribed');
		const alice = { id: 'd26x6zSkaPSe5gCyy', username: 'alice', token: 'Di9OKWzdu7V2vW3lHO0oYLOOr6P2Y0n9zQlx20qn2cU' };
		const door = await doors['over REST'](app.url, alice);
		await door.call('groups.create', { name: 'for-bob', members: ['bob'] });
		expect((await output.next()).value).to.equal('inserted for-bob');
		expect(stderr).to.equal('');
	});

	it('start a server as docs/operating.md shows', async () => {
		const folderOfData = path.join(folder, 'data');
		for (const text of ['ADMIN_USERNAME', 'node dist/server/cli/main.js']) {
			const command = blockWith('docs/operating.md', text);
			const output = lines(start('bash', ['-c', command], { PORT: '0', ROOMKEY_DATA: folderOfData }, '.'));
			expect((await output.next()).value).to.match(/^Roomkey listening on http:\/\/127\.0\.0\.1:\d+$/);
			await stop();
		}
		expect(stderr).to.include('"username":"root"');
	});

	it('take the key of a room, and give it to a member who waits, as the bot of docs/bots.md does', async () => {
		const people = [await addPerson(app.store), await addPerson(app.store)] as const;
		const [alice, carol] = await Promise.all(
			people.map(async (person) => {
				const member = new Member(await doors['over REST'](app.url, person), 'a passphrase', 'v2');
				await member.makeIdentity();
				return member;
			}),
		);
		if (!alice || !carol) throw new Error('nobody is there');
		const { group } = await alice.door.call('groups.create', {
			name: 'served',
			members: ['bob'],
			extraData: { encrypted: true },
		});
		const rid = group._id;
		await alice.keyRoom(rid);
		const content = await alice.write(rid, 'the bot need not know');

		await writeFile(path.join(folder, 'bot.mjs'), blockWith('docs/bots.md', 'import'));
		const env = { ROOMKEY_URL: app.webSocketUrl };
		const output = lines(start('bash', ['-c', blockWith('docs/bots.md', 'node bot.mjs')], env));
		// It prints a line for each change of its memberships.
		const waitFor = async (awaited: string) => {
			for (;;) {
				const { value, done } = await output.next();
				if (value === `${awaited} the key of ${rid}`) return;
				if (done) throw new Error(`the bot has ended: ${stderr}`);
			}
		};
		await waitFor('lacks');
		await alice.serve(rid);
		await waitFor('has');
		expect(await app.store.subscriptions.findOne({ rid, 'u.username': 'bob' })).to.have.property('E2EKey');

		// Alice does nothing any more when carol comes.
		await alice.door.call('groups.invite', { roomId: rid, userId: carol.id });
		await waitFor('has given');
		await carol.accept(rid);
		expect(await carol.read(rid, content)).to.equal('the bot need not know');
		expect(stderr).to.equal('');
	});
});
