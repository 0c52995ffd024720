/**
 * Several processes on one store, an LMDB folder or the MongoDB at `ROOMKEY_TEST_MONGO_URL` (`test/contract/beyond.md` E1,
 * `test/contract/ddp.md` 14).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { MongoClient } from 'mongodb';
import { openStore } from '../../server/store/open.js';
import { randomId } from '../../shared/ids.js';
import { clientsOfEachTest } from '../support/clients.js';
import { memoryLog } from '../support/log.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { post } from '../support/rest.js';
import type { OpenStore } from '../support/store.js';

const program = fileURLToPath(new URL('../support/sharedServer.js', import.meta.url));

interface Server {
	readonly url: string;
	readonly child: ChildProcess;
	/** Resolves when a call of `test.hold` has begun. */
	readonly held: Promise<void>;
	kill(): Promise<void>;
}

/** @param mode `hold`: calls of `test.hold` never end */
async function spawnServer(location: string, mode = ''): Promise<Server> {
	const child = spawn(process.execPath, [program, location, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
	const ended = once(child, 'close');
	let onHeld = () => {};
	const held = new Promise<void>((resolve) => {
		onHeld = resolve;
	});
	const url = await new Promise<string>((resolve, reject) => {
		createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
			if (line === 'held') onHeld();
			else resolve(line);
		});
		void ended.then(() => reject(new Error('The server ended before it listened')));
	});
	return {
		url,
		child,
		held,
		async kill() {
			child.kill('SIGKILL');
			await ended;
		},
	};
}

describe('several processes on one store', () => {
	let location: string;
	let open: OpenStore;
	let alice: Person;
	let rid: string;
	let servers: Server[];
	const clients = clientsOfEachTest();

	beforeEach(async () => {
		servers = [];
		const mongo = process.env.ROOMKEY_TEST_MONGO_URL;
		if (mongo) {
			const url = new URL(mongo);
			url.pathname = `/roomkey-test-${randomId()}`;
			location = url.href;
			open = await openStore({ kind: 'mongodb', url: location }, memoryLog());
		} else {
			location = await mkdtemp(join(tmpdir(), 'roomkey-'));
			open = await openStore({ kind: 'files', folder: location, shared: true }, memoryLog());
		}
		alice = await addPerson(open.store);
		rid = await addRoom(open.store, [alice]);
	});
	afterEach(async () => {
		for (const server of servers) await server.kill();
		await open.close();
		if (!location.startsWith('mongodb:')) return rm(location, { recursive: true, force: true });
		const client = await MongoClient.connect(location);
		await client.db(new URL(location).pathname.slice(1)).dropDatabase();
		return client.close();
	});

	async function start(mode?: string): Promise<Server> {
		const server = await spawnServer(location, mode);
		servers.push(server);
		return server;
	}
	const send = (server: Server, method: string, body: object) =>
		post(`${server.url}/api/v1/${method}`, alice, body, { 'Idempotency-Key': 'one-call' });

	it('give a call its first answer again after its process was killed', async () => {
		const [first, second] = [await start(), await start()];
		const set = (server: Server) => send(server, 'e2e.setRoomKeyID', { rid, keyID: 'key' });
		expect((await set(first)).text).to.equal('{"success":true}');
		await first.kill();
		expect((await set(second)).text).to.equal('{"success":true}');
		expect(await keyIdOf(open.store, rid)).to.equal('key');
	});

	it('resume a DDP session of a killed process, and answer its repeated call', async () => {
		const [first, second] = [await start(), await start()];
		const connect = async ({ url }: Server, former?: string) => {
			const client = await clients.connect(`${url.replace('http', 'ws')}/websocket`, {}, former);
			await client.call('login', { resume: alice.token });
			return client;
		};
		const set = (client: Awaited<ReturnType<typeof connect>>) => client.callWithId('7', 'e2e.setRoomKeyID', rid, 'key');
		const client = await connect(first);
		expect((await set(client)).error).to.equal(undefined);
		await first.kill();
		await client.closed;
		expect((await set(await connect(second, client.session))).error).to.equal(undefined);
	});

	it('run a waiting repeated call when the process of the first is killed', async () => {
		const [first, second] = [await start('hold'), await start()];
		const lost = send(first, 'test.hold', {}).catch(() => 'lost');
		await first.held;
		const repeated = send(second, 'test.hold', {});
		await first.kill();
		expect(await lost).to.equal('lost');
		expect((await repeated).body).to.deep.include({ ranIn: second.child.pid });
	});

	it('check exactly ten of many concurrent wrong passwords over three processes', async () => {
		// For one name from one address, ten wrong passwords a minute are allowed.
		const started = await Promise.all([start(), start(), start()]);
		const guess = ({ url }: Server) => post(`${url}/api/v1/login`, null, { user: 'somebody', password: 'wrong' });
		const answers = await Promise.all(Array.from({ length: 42 }, (_, i) => guess(started[i % 3] as Server)));
		const statuses = answers.map(({ status }) => status);
		expect(statuses.filter((status) => status === 401)).to.have.length(10);
		expect(statuses.filter((status) => status === 429)).to.have.length(32);
	});
});
