/** The programs in examples/ work as they stand. test/clients/e2e/bot.test.ts tests the bot. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import SimpleDDP from 'simpleddp';
import { WebSocket } from 'ws';
import { rejection } from '../support/rejection.js';

describe('examples', () => {
	let child: ChildProcess;
	let url: string;
	const clients: SimpleDDP[] = [];

	async function start(program: string): Promise<void> {
		child = spawn(process.execPath, [program], {
			env: { ...process.env, PORT: '0' },
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		if (!child.stdout) throw new Error('no output');
		const ended = once(child, 'exit').then(([code]) => {
			throw new Error(`${program} ended with ${code} before it listened`);
		});
		const line = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
		[url] = await Promise.race([line, ended]);
		ended.catch(() => {});
		url = url.slice(url.indexOf('http'));
	}

	async function connect(): Promise<SimpleDDP> {
		const client = new SimpleDDP({ endpoint: `${url.replace('http', 'ws')}/websocket`, SocketConstructor: WebSocket });
		clients.push(client);
		await client.connect();
		return client;
	}

	afterEach(async () => {
		await Promise.all(clients.splice(0).map((client) => client.disconnect()));
		if (child.exitCode !== null) return;
		const ended = once(child, 'exit');
		child.kill();
		expect(await ended).to.deep.equal([0, null]);
	});

	it('tasks: has a page, and gives each user a list of tasks', async () => {
		await start('examples/tasks/server.mjs');
		expect(await (await fetch(url)).text()).to.include('<h1>Tasks</h1>');
		expect(await (await fetch(`${url}/page.js`)).text()).to.include('tasks.setDone');
		const [alice, bob] = [await connect(), await connect()];
		await alice.call('createUser', { username: 'alice', password: 'secret' });
		await bob.call('createUser', { username: 'bob', password: 'secret' });

		const id = (await alice.call('tasks.add', 'write')) as string;
		await alice.call('tasks.add', 'read');
		await alice.call('tasks.setDone', id, true);
		expect(await rejection(bob.call('tasks.setDone', id, false))).to.include({ error: 'tasks-unknown' });
		await alice.subscribe('tasks.mine').ready();
		await bob.subscribe('tasks.mine').ready();

		expect(alice.collection('tasks').fetch()).to.containSubset([
			{ text: 'write', done: true },
			{ text: 'read', done: false },
		]);
		expect(bob.collection('tasks').fetch()).to.deep.equal([]);
		expect(await alice.call('tasks.removeDone')).to.equal(1);
		for (let i = 2; i < 20; i++) await alice.call('tasks.add', 'again');
		expect(await rejection(alice.call('tasks.add', 'too often'))).to.include({ error: 'too-many-requests' });
	});

	it('express: counts each page request, REST call and DDP call as a visit', async () => {
		await start('examples/express/server.mjs');
		expect(await (await fetch(`${url}/home`)).text()).to.equal('Visit 1 of home');
		expect(await (await fetch(`${url}/counters/home`, { method: 'POST' })).json()).to.include({ result: 2 });
		const client = await connect();
		expect(await client.call('counters.count', 'home')).to.equal(3);
		await client.subscribe('counters.all').ready();
		expect(client.collection('counters').fetch()).to.containSubset([{ id: 'home', visits: 3 }]);
	});
});
