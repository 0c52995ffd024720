/** The `roomkey` command in a process of its own. */
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import type { Command } from '../support/command.js';
import { commandsOfEachTest } from '../support/commands.js';
import { RawClient } from '../support/ddp.js';
import { post, request } from '../support/rest.js';

describe('roomkey', () => {
	let folder: string;
	const commands = commandsOfEachTest();

	beforeEach(() => {
		folder = commands.folder;
	});

	const roomkey = (line: string, env?: NodeJS.ProcessEnv) => commands.start(line.split(' ').filter(Boolean), { env });

	it('prints its help and its version', async () => {
		const help = roomkey('--help');
		expect(await help.ended()).to.equal(0);
		expect(help.out).to.include('Usage: roomkey').and.include('--mongo-url');
		const version = roomkey('--version');
		expect(await version.ended()).to.equal(0);
		expect(version.out.trim()).to.equal(JSON.parse(await readFile('package.json', 'utf8')).version);
	});

	for (const line of [
		'--nope',
		'--port x',
		'--memory --demo',
		'--memory --tls-cert test/fixtures/tls/first.cert.pem',
		'--memory --tls-cert none.pem --tls-key none.pem',
		'--memory --trust-proxy private --forwarded-count 1',
		'--allowed-origins https://chat.example.com/',
		'--cors-origin chat.example.com',
		'--path-prefix roomkey/',
		'--headers-timeout 0',
	]) {
		it(`refuses ${line} with the exit code 2 and a hint`, async () => {
			const command = roomkey(line);
			expect(await command.ended()).to.equal(2);
			expect(command.err).to.match(/^roomkey: .*\nTry roomkey --help\n$/);
		});
	}

	for (const signal of ['SIGTERM', 'SIGINT'] as const) {
		it(`closes its clients and exits with 0 at ${signal} (ddp.md 18)`, async () => {
			const command = roomkey('--memory --port 0');
			const address = await command.listening();
			const client = await RawClient.connect(`${address.replace('http', 'ws')}/websocket`);
			command.child.kill(signal);
			expect(await client.closed).to.deep.equal({ code: 1001, reason: 'Server is shutting down' });
			expect(await command.ended()).to.equal(0);
			const lines = command.err.trim().split('\n');
			const texts = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
			expect(texts).to.deep.equal(['Roomkey starts', 'Roomkey is ready', 'Roomkey stops']);
		});
	}

	it('closes clients one after another at SIGTERM, and serves the others (ddp.md 18)', async () => {
		const command = roomkey('--memory --port 0 --grace 12000');
		const url = `${(await command.listening()).replace('http', 'ws')}/websocket`;
		const clients: RawClient[] = [];
		const closed: number[] = [];
		for (let i = 0; i < 3; i++) {
			const client = await RawClient.connect(url);
			client.socket.on('close', () => closed.push(i));
			clients.push(client);
		}
		command.child.kill('SIGTERM');
		await clients[0]?.closed;
		// The last client is closed after a third of the grace period.
		expect((await clients[2]?.call('unknown'))?.error).to.include({ error: 404 });
		expect(await Promise.all(clients.map((client) => client.closed))).to.deep.equal(
			Array(3).fill({ code: 1001, reason: 'Server is shutting down' }),
		);
		expect(closed).to.deep.equal([0, 1, 2]);
		expect(await command.ended()).to.equal(0);
	});

	async function logged(command: Command, text: string): Promise<void> {
		while (!command.err.includes(text)) await once(command.child.stderr, 'data');
	}

	it('replaces its TLS certificate at SIGHUP if the new one is valid', async () => {
		const fixture = (name: string) => path.resolve('test/fixtures/tls', name);
		const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
		await copyFile(fixture('first.cert.pem'), cert);
		await copyFile(fixture('first.key.pem'), key);
		const command = roomkey(`--memory --port 0 --tls-cert ${cert} --tls-key ${key}`);
		expect(await command.listening()).to.match(/^https:/);
		await copyFile(fixture('second.cert.pem'), cert);
		command.child.kill('SIGHUP');
		await logged(command, 'The new TLS certificate cannot be used');
		await copyFile(fixture('second.key.pem'), key);
		command.child.kill('SIGHUP');
		await logged(command, 'DNS:second.test');
		expect(await command.stop()).to.equal(0);
	});

	it('continues at SIGHUP without a certificate and without a terminal', async () => {
		const command = roomkey('--memory --port 0');
		await command.listening();
		command.child.kill('SIGHUP');
		await logged(command, 'There is no TLS certificate to read again');
		expect(await command.stop()).to.equal(0);
	});

	it('ends immediately at a second signal (ddp.md 18)', async () => {
		const command = roomkey('--memory --port 0 --grace 3600000');
		const url = `${(await command.listening()).replace('http', 'ws')}/websocket`;
		const [first, second] = [await RawClient.connect(url), await RawClient.connect(url)];
		command.child.kill('SIGTERM');
		// The shutdown would close the second connection only after a quarter of an hour.
		await first.closed;
		// A process that a signal has ended has no exit code.
		expect(await command.stop('SIGTERM')).to.equal(null);
		expect((await second.closed).code).to.equal(1006);
	});

	it('starts again on a folder that it has made', async () => {
		const first = roomkey(`--data ${folder}/data --port 0`);
		const address = await first.listening();
		expect((await request(`${address}/api/v1/me`)).status).to.equal(401);
		expect(await first.stop()).to.equal(0);
		const second = roomkey(`--data ${folder}/data --port 0`);
		await second.listening();
		expect(await second.stop()).to.equal(0);
	});

	it('refuses a folder in use by a process with the same id, as in another container', async () => {
		const first = roomkey(`--data ${folder}/data --port 0`);
		await first.listening();
		const takeId = `Object.defineProperty(process, 'pid', { value: ${first.child.pid} })`;
		const second = roomkey(`--data ${folder}/data --port 0`, {
			NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(takeId)}`,
		});
		expect(await second.ended()).to.equal(1);
		expect(second.err).to.match(
			/^roomkey: The folder .*data is in use by a process of another container, .*id \d+ too/m,
		);
		expect(await first.stop()).to.equal(0);
	});

	it('refuses a folder that another process uses', async () => {
		const first = roomkey('--port 0', { ROOMKEY_DATA: `${folder}/data` });
		await first.listening();
		const second = roomkey(`--data ${folder}/data --port 0`);
		expect(await second.ended()).to.equal(1);
		expect(second.err)
			.to.match(/^roomkey: The folder .*data is in use by /m)
			.and.include(String(first.child.pid));
	});

	it('names a port that is in use', async () => {
		const first = roomkey('--memory --port 0');
		const { port } = new URL(await first.listening());
		const second = roomkey(`--memory --port ${port}`);
		expect(await second.ended()).to.equal(1);
		expect(second.err)
			.to.match(/^roomkey: .*EADDRINUSE/m)
			.and.include(port)
			.and.include('(settings: host and port)');
		const metrics = roomkey(`--memory --port 0 --metrics ${port}`);
		expect(await metrics.ended()).to.equal(1);
		expect(metrics.err).to.match(/^roomkey: .*EADDRINUSE.* \(settings: host and metrics\)$/m);
	});

	it('logs a failed start in one line if the log is JSON', async () => {
		const file = path.join(folder, 'roomkey.json');
		await writeFile(file, JSON.stringify({ 'log-format': 'json', grace: 'x', nothing: 1 }));
		for (const [line, env, status, text] of [
			['--memory --log-format json --port x', {}, 2, '--port must be'],
			['serve --memory --nope', { ROOMKEY_LOG_FORMAT: 'json' }, 2, "Unknown option '--nope'"],
			[`--memory --config ${file}`, {}, 2, '2 settings are wrong'],
			[`--data ${file}`, { ROOMKEY_LOG_FORMAT: 'json' }, 1, 'cannot be used'],
		] as const) {
			const command = roomkey(line, env);
			expect(await command.ended(), line).to.equal(status);
			// 30 is the level `info`, and 60 is `fatal`.
			const [first = '', ...others] = command.err
				.trimEnd()
				.split('\n')
				.filter((entry) => !entry.includes('"level":30'));
			expect(others, line).to.deep.equal([]);
			const { level, msg } = JSON.parse(first);
			expect({ level }).to.deep.equal({ level: 60 });
			expect(msg).to.include(text);
		}
		// Errors of other commands, and of a server with a pretty log, are plain text.
		for (const line of ['user list --nope', '--memory --log-format pretty --port x']) {
			const command = roomkey(line, line.startsWith('user') ? { ROOMKEY_LOG_FORMAT: 'json' } : {});
			expect(await command.ended()).to.equal(2);
			expect(command.err).to.match(/^roomkey: /);
		}
	});

	it('names the help of the subcommand after an error in its command line', async () => {
		for (const [line, help] of [
			['user list --nope', 'user list --help'],
			['user', 'user --help'],
			['user nope', 'user --help'],
			['nope', '--help'],
			['serve --nope', '--help'],
		] as const) {
			const command = roomkey(line);
			expect(await command.ended()).to.equal(2);
			expect(command.err, line).to.match(/^roomkey: .*\nTry /);
			expect(command.err.endsWith(`\nTry roomkey ${help}\n`), line).to.equal(true);
		}
	});

	it('has no option for a password, and says where the password comes from', async () => {
		const command = roomkey('user add bob --password secret');
		expect(await command.ended()).to.equal(2);
		expect(command.err).to.equal(
			"roomkey: Unknown option '--password'. A password is asked for, or is read from standard input\nTry roomkey user add --help\n",
		);
	});

	it('reports that a database cannot be reached, without its password', async () => {
		const url = 'mongodb://me:secret@127.0.0.1:1/db?serverSelectionTimeoutMS=200';
		const command = roomkey('--port 0', { MONGO_URL: url });
		expect(await command.ended()).to.equal(1);
		expect(command.err)
			.to.match(/^roomkey: .*MongoDB/m)
			.and.not.include('secret');
	});

	describe('with ADMIN_PASS', () => {
		const logIn = async (address: string, user: string, password: string) =>
			(await post(`${address}/api/v1/login`, null, { user, password })).body as {
				data?: { me: { roles: string[]; emails?: { address: string }[] } };
			};

		it('creates the first admin once, and logs it without the password', async () => {
			const env = { ADMIN_USERNAME: 'root', ADMIN_PASS: 'my-secret', ADMIN_EMAIL: 'Root@Example.com' };
			const first = roomkey(`--data ${folder}/data --port 0`, env);
			const { data } = await logIn(await first.listening(), 'root', 'my-secret');
			expect(data?.me).to.deep.include({
				roles: ['admin'],
				emails: [{ address: 'Root@Example.com', verified: true }],
			});
			expect(await first.stop()).to.equal(0);
			const lines = first.err.trim().split('\n');
			const made = lines
				.map((line) => JSON.parse(line))
				.filter(({ msg }) => msg === 'There was no admin, so one was created');
			expect(made).to.have.length(1);
			expect(made[0]).to.include({ username: 'root' });
			expect(first.err + first.out).not.to.include('my-secret');
			const other = { ADMIN_USERNAME: 'other', ADMIN_PASS: 'another-secret' };
			const second = roomkey(`--data ${folder}/data --port 0`, other);
			const address = await second.listening();
			expect(await logIn(address, 'other', 'another-secret')).not.to.have.property('data');
			expect(await logIn(address, 'root', 'my-secret')).to.have.property('data');
			expect(await second.stop()).to.equal(0);
			expect(second.err).not.to.include('one was created').and.not.include('another-secret');
		});

		it('gives the first admin the name admin by default', async () => {
			const address = await roomkey('--memory --port 0', { ADMIN_PASS: 'my-secret' }).listening();
			expect(await logIn(address, 'admin', 'my-secret')).to.have.property('data');
		});

		it('refuses invalid values without printing them', async () => {
			const command = roomkey('--memory --port 0', { ADMIN_PASS: 'my-secret', ADMIN_EMAIL: 'my-secret' });
			expect(await command.ended()).to.equal(2);
			expect(command.err)
				.to.match(/^roomkey: ADMIN_EMAIL must be an e-mail address\nTry roomkey --help\n$/)
				.and.not.include('my-secret');
		});
	});

	it('prints a local address, and whether it listens on all addresses', async () => {
		const command = roomkey('--memory --port 0 --host 0.0.0.0');
		const address = await command.listening();
		await command.printed(`Roomkey listening on ${address} (on all addresses: 0.0.0.0)\n`);
		await logged(command, 'Roomkey is ready');
		const ready = command.err.split('\n').find((line) => line.includes('Roomkey is ready')) as string;
		expect(JSON.parse(ready)).to.include({ url: address, host: '0.0.0.0' });
		const local = roomkey('--memory --port 0 --host localhost');
		await local.printed('Roomkey listening on http://localhost:');
		expect(local.out).not.to.include('all addresses');
	});

	it('starts the server with serve too, and refuses unknown commands', async () => {
		await roomkey('serve --memory --port 0').listening();
		for (const [line, text] of [
			['frobnicate', "there is no command 'frobnicate'"],
			['frobnicate --help', "there is no command 'frobnicate'"],
			['user', 'say which command: user add'],
			['user frob', "there is no command 'user frob', but user add"],
			['user add', 'user add needs NAME'],
			['user list bob', "user list does not take 'bob'"],
			['user list --nope', "Unknown option '--nope'"],
			['serve now', "'now'"],
		] as const) {
			const command = roomkey(line);
			expect(await command.ended(), line).to.equal(2);
			expect(command.err, line)
				.to.include(text)
				.and.match(/\nTry roomkey (user (add |list )?)?--help\n$/);
		}
	});

	it('explains each command with --help', async () => {
		const group = roomkey('user --help');
		expect(await group.ended()).to.equal(0);
		expect(group.out).to.include('Usage: roomkey user add NAME [options]').and.include('Usage: roomkey user list');
		const one = roomkey('user add --help');
		expect(await one.ended()).to.equal(0);
		expect(one.out)
			.to.match(/^Usage: roomkey user add NAME \[options\]\n/)
			.and.include('--generate-password');
	});

	it('prints how to create the first admin while there is none', async () => {
		const inFolder = roomkey(`--data ${folder}/data --port 0`);
		await inFolder.listening();
		const hint = `stop the server and run: roomkey user add NAME --role admin --data ${folder}/data (or start the server with a password in ADMIN_PASS).`;
		await inFolder.printed(hint);
		expect(await inFolder.stop()).to.equal(0);
		const made = roomkey(`user add root --role admin --generate-password --data ${folder}/data`);
		expect(await made.ended()).to.equal(0);
		const again = roomkey(`--data ${folder}/data --port 0`);
		await again.listening();
		expect(await again.stop()).to.equal(0);
		expect(again.out.trim().split('\n')).to.have.length(1);
		const inMemory = roomkey('--memory --port 0');
		await inMemory.printed('Nobody is an admin yet. To make one, start the server with a password in ADMIN_PASS.');
	});
});
