/** The programs and commands in README and docs/ work as they stand, against the demo. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { expect } from 'chai';
import { fillDemo } from '../../server/start/demo.js';
import { openStore } from '../../server/store/open.js';
import { startApp, type TestApp } from '../support/app.js';
import { memoryLog } from '../support/log.js';
import { transports } from '../support/transports.js';
import { describeRoom } from './describeRoom.js';
import { blocks, blockWith } from './pages.js';

const DEMO = '127.0.0.1:3000';

/** Commands that other tests run. */
const ELSEWHERE: readonly (readonly [command: string, where: string])[] = [
	['npm ci && npm run demo', '.ci/run'],
	['npm ci && npm test', '.ci/run'],
	['npm ci && npm run build', '.ci/run'],
	[
		'npm test -- test/unit/describeRoom.test.ts test/wire/describeRoom.test.ts',
		'test/docs/describeRoom.test.ts, test/docs/describeRoomWire.test.ts',
	],
	['npm run demo:bot', 'test/clients/e2e/bot.test.ts'],
	['MONGO_URL=mongodb://127.0.0.1:27017/rocketchat node dist/server/cli/main.js --port 3001', 'test/mongo'],
	[
		'MONGO_URL=mongodb://127.0.0.1:27017/rocketchat node dist/server/cli/main.js --port 3001 --read-only',
		'test/unit/read-only.test.ts',
	],
	[
		'MONGO_URL=mongodb://127.0.0.1:27017/rocketchat node dist/server/cli/main.js --port 3001 --trust-proxy loopback --shadow',
		'test/deploy/guide.test.ts',
	],
	[
		'npm install moleculer@0.14 nats@2\nnode dist/server/cli/main.js --port 3001 --mongo-url mongodb://127.0.0.1:27017/rocketchat --rocketchat-broker nats://127.0.0.1:4222',
		'test/cluster/rocketchat.test.ts',
	],
];

/** Commands of docs/building.md, each by its beginning. test/package runs them in an empty folder. */
const GUIDE = [
	'npm init',
	'npx tsx server.ts',
	'npm install -D simpleddp',
	'node --import tsx',
	'curl -X POST http://127.0.0.1:3000/api/v1/login',
];

/** Commands that this file runs, by a text that they contain. */
const HERE: readonly (readonly [page: string, text: string])[] = [
	['README.md', 'curl'],
	['docs/bots.md', 'BOT_NAME'],
	['docs/adding-a-method.md', 'curl -X POST http://127.0.0.1:3000/api/v1/rooms.describe'],
	['docs/operating.md', 'node dist/server/cli/main.js\n'],
	['docs/operating.md', 'ADMIN_USERNAME'],
	['docs/operating.md', 'roomkey user add admin'],
	['docs/operating.md', 'roomkey user add helper'],
	['docs/operating.md', 'NOW=$(date +%F-%H%M%S)\nroomkey backup'],
	['docs/operating.md', 'NOW=$(date +%F-%H%M%S)\nroomkey export'],
	['docs/rest.md', 'curl http'],
	['docs/rest.md', '/api/v1/login'],
	['docs/rest.md', 'method.call/rooms:get'],
];

/** Commands for a service and its proxy, each by a text in it. serviceSamples.test.ts and test/deploy run them. */
const OF_SERVICES: readonly (readonly [page: string, text: string])[] = [
	['docs/deploying.md', 'user password admin'],
	['docs/deploying.md', 'main.js check'],
	['docs/deploying.md', 'cp -p /etc/systemd'],
	['docs/deploying.md', 'main.js import'],
	['docs/deploying.md', 'SITE='],
	['docs/deploying.md', 'journalctl'],
	['docs/operating.md', 'roomkey backup --data /var'],
	['docs/operating.md', 'BACKUP='],
	['docs/operating.md', 'journalctl'],
];

/** A shell function for the command `roomkey`. */
const ROOMKEY = `roomkey() { '${process.execPath}' '${path.resolve('dist/server/cli/main.js')}' "$@"; }`;

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

	const withOwnAddress = (code: string) => code.replaceAll(DEMO, new URL(app.url).host);

	async function runProgram(page: string, text: string, name: string): Promise<AsyncIterator<string>> {
		await writeFile(path.join(folder, name), withOwnAddress(blockWith(page, text)));
		return lines(start(process.execPath, [name]));
	}

	async function runCommand(page: string, text: string): Promise<unknown> {
		const output = await readAll(start('bash', ['-c', withOwnAddress(blockWith(page, text))]));
		return JSON.parse(output);
	}

	it('are all run by a test', () => {
		const run = new Set([
			...ELSEWHERE.map(([command]) => `${command}\n`),
			...GUIDE.map((text) => blockWith('docs/building.md', text)),
			...[...HERE, ...OF_SERVICES].map(([page, text]) => blockWith(page, text)),
		]);
		const commands = blocks.filter(({ info }) => info === 'sh');
		expect(commands.filter(({ code }) => !run.has(code))).to.deep.equal([]);
		const scripts = blocks.filter(({ info }) => info === 'js').map(({ page }) => page);
		// fromMeteor.test.ts runs those of docs/from-meteor.md.
		expect(scripts.filter((page) => page !== 'docs/from-meteor.md')).to.deep.equal(['README.md', 'docs/ddp.md']);
		// test/deploy/guide.test.ts checks the configurations of proxies.
		const others = blocks.filter(({ info }) => !/^(sh|js|ts \S+|json|http|mermaid|nginx|caddy)$/.test(info));
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

	it('call REST by curl as docs/rest.md and docs/adding-a-method.md show', async () => {
		expect(await runCommand('docs/rest.md', 'curl http')).to.include({ username: 'alice', success: true });
		const login = await runCommand('docs/rest.md', '/api/v1/login');
		expect(login).to.have.nested.property('data.authToken').that.is.a('string');
		const { message } = (await runCommand('docs/rest.md', 'method.call')) as { message: string };
		expect(JSON.parse(message)).to.have.property('result').that.is.an('array').with.lengthOf(2);
		expect(
			await runCommand('docs/adding-a-method.md', 'curl -X POST http://127.0.0.1:3000/api/v1/rooms.describe'),
		).to.deep.equal({
			description: 'Plans',
			success: true,
		});
	});

	it('print the changes of memberships as docs/ddp.md shows', async () => {
		const output = await runProgram('docs/ddp.md', 'WebSocket', 'watch.mjs');
		expect((await output.next()).value).to.equal('subscribed');
		const alice = { id: 'd26x6zSkaPSe5gCyy', username: 'alice', token: 'Di9OKWzdu7V2vW3lHO0oYLOOr6P2Y0n9zQlx20qn2cU' };
		const client = await transports['over REST'](app.url, alice);
		await client.call('groups.create', { name: 'for-bob', members: ['bob'] });
		expect((await output.next()).value).to.equal('inserted for-bob');
		expect(stderr).to.equal('');
	});

	it('start a server and copy its data as docs/operating.md shows', async () => {
		const dataFolder = path.join(folder, 'data');
		for (const text of ['ADMIN_USERNAME', 'node dist/server/cli/main.js\n']) {
			// The shell has no command `roomkey`.
			const command = blockWith('docs/operating.md', text).replace(/ roomkey$/m, ' node dist/server/cli/main.js');
			const output = lines(start('bash', ['-c', command], { PORT: '0', ROOMKEY_DATA: dataFolder }, '.'));
			expect((await output.next()).value).to.match(/^Roomkey listening on http:\/\/127\.0\.0\.1:\d+$/);
			await stop();
		}
		expect(stderr).to.include('"username":"admin"');

		// Both ways to copy the data work again at another time.
		for (const date of ['1', '2']) {
			for (const text of ['backup', 'export']) {
				const command = blockWith('docs/operating.md', `NOW=$(date +%F-%H%M%S)\nroomkey ${text}`);
				const script = `${ROOMKEY}\ndate() { echo ${date}; }\n${command.replace('roomkey-data', dataFolder)}`;
				await readAll(start('bash', ['-ec', script]));
				if (child && child.exitCode === null) await once(child, 'close');
				expect(child?.exitCode, stderr).to.equal(0);
			}
		}
		for (const copy of ['restored-1', 'restored-2', 'imported-1', 'imported-2']) {
			const { store, close } = await openStore({ kind: 'files', folder: path.join(folder, copy) }, memoryLog());
			expect(await store.users.findOne({ username: 'admin' })).to.include({ username: 'admin' });
			await close();
		}
	});

	it('make users and tokens as docs/operating.md shows', async () => {
		const data = path.join(folder, 'data');
		const first = blockWith('docs/operating.md', 'roomkey user add admin').replace('roomkey-data', data);
		const second = blockWith('docs/operating.md', 'roomkey user add helper');
		const script = `${ROOMKEY}\n${first.trim()} <<< a-long-password\n${second.replace('--json', '--json > users.json')}echo $TOKEN`;
		const output = await readAll(
			start('bash', ['-ec', script.replace('users.json', `${folder}/users.json`)], { ROOMKEY_DATA: data }, '.'),
		);
		expect(output, stderr).to.match(/^[\w-]{20}\n[\w-]{43}\n$/);
		const { users } = JSON.parse(await readFile(path.join(folder, 'users.json'), 'utf8'));
		expect(users.map(({ username }: { username: string }) => username)).to.deep.equal(['admin', 'helper']);
	});

	it('start the bot as docs/bots.md shows', async () => {
		const command = blockWith('docs/bots.md', 'BOT_NAME');
		const env = { ROOMKEY_URL: app.webSocketUrl, BOT_MEMORY: path.join(folder, 'bot-memory.json') };
		const output = lines(start('bash', ['-c', command], env, '.'));
		expect((await output.next()).value).to.match(/^ready with the key \d/);
		expect(stderr).to.equal('');
	});
});
