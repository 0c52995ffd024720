/** `@rocket.chat/sdk` 1.x, the SDK of Rocket.Chat's mobile app, unmodified, with real server processes. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Rocketchat } from '@rocket.chat/sdk';
import { expect } from 'chai';
import type { Wire } from '../support/transports.js';

const silent = { debug() {}, info() {}, warn() {}, warning() {}, error() {} };

describe('@rocket.chat/sdk', () => {
	let folder: string;
	let host: string;
	let sdk: Rocketchat;
	/** The socket of the SDK. It emits `close`, `login` after each login, and the events of streams. */
	let socket: Wire;
	const servers: ChildProcessByStdio<null, Readable, null>[] = [];

	/** Starts a server on the data in the folder. Resolves with its address. */
	async function startServer(port = '0'): Promise<string> {
		const main = path.resolve('dist/server/cli/main.js');
		const server = spawn(process.execPath, [main, '--data', `${folder}/data`, '--port', port], {
			env: { PATH: process.env.PATH, ADMIN_PASS: 'my-secret' },
			stdio: ['ignore', 'pipe', 'ignore'],
		});
		servers.push(server);
		for await (const line of createInterface({ input: server.stdout })) {
			const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
			if (address) return address;
		}
		throw new Error('the server has ended');
	}

	async function stopServer(signal: NodeJS.Signals): Promise<void> {
		const server = servers.pop();
		if (server?.exitCode === null && server.kill(signal)) await once(server, 'close');
	}

	beforeEach(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'roomkey-'));
		host = await startServer();
		// The SDK reconnects after `reopen` ms, and sends a ping every `timeout` ms: none within a test.
		sdk = new Rocketchat({ host, useSsl: false, protocol: 'ddp', reopen: 100, timeout: 120_000, logger: silent });
		await sdk.connect({});
		await sdk.login({ username: 'admin', password: 'my-secret', user: 'admin' } as never);
		socket = ((await sdk.socket) as Wire).ddp;
	});
	afterEach(async () => {
		await sdk.disconnect();
		while (servers.length > 0) await stopServer('SIGKILL');
		await rm(folder, { recursive: true });
	});

	/** Makes a room. Resolves with the owner's membership, as the stream sends it. */
	async function makeRoom(name: string): Promise<Wire> {
		const seen = new Promise<Wire>((resolve) => {
			socket.on('stream-notify-user', ({ fields }: Wire) => {
				const [action, membership] = fields.args ?? [];
				if (action === 'inserted' && membership.name === name) resolve(membership);
			});
		});
		const { group } = await sdk.post('groups.create', { name });
		expect(await seen).to.include({ rid: group._id });
		return seen;
	}

	it('calls over DDP and over REST, and receives new memberships', async () => {
		await sdk.subscribe('stream-notify-user', `${sdk.userId}/subscriptions-changed`);
		const { rid } = await makeRoom('first');
		await sdk.methodCall('e2e.setRoomKeyID', rid, 'k');
		const { room } = await sdk.get('rooms.info', { roomId: rid });
		expect(room).to.include({ e2eKeyId: 'k' });
	});

	it('subscribes by subscribeNotifyUser, subscribeNotifyAll and subscribeLoggedNotify', async () => {
		await sdk.subscribeNotifyUser();
		await sdk.subscribeNotifyAll();
		await sdk.subscribeLoggedNotify();
	});

	it('reconnects to a new server after SIGTERM, logs in and subscribes again (beyond.md 4)', async () => {
		await sdk.subscribe('stream-notify-user', `${sdk.userId}/subscriptions-changed`);
		// Not `once`: the emitter of the SDK would then skip the next listener.
		const closed = new Promise<Wire>((resolve) => socket.on('close', resolve));
		const loggedInAgain = new Promise((resolve) => socket.on('login', resolve));
		await stopServer('SIGTERM');
		expect(await closed).to.include({ code: 1001 });
		await startServer(new URL(host).port);
		await loggedInAgain;
		await makeRoom('second');
	});
});
