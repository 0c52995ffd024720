/** The samples of docs/building.md, docs/adding-a-method.md and docs/limits.md work. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { ServerOptions } from '../../server/index.js';
import { openTestServer, type TestServer } from '../../server/testing/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { addPerson, addRoom } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { post } from '../support/rest.js';
import { doneTasks, remind, reminders } from './building/described.js';
import { google } from './building/login.js';
import { mount } from './building/mount.js';
import { setNote } from './building/notes.js';
import { connectionIds, options } from './building/options.js';
import { permissions, removeAll, removeTask } from './building/permissions.js';
import { changeTask, readTask } from './building/rest.js';
import { announce, announcements } from './building/stream.js';
import { addTask, finishTask, myTasks, tasks } from './building/tasks.js';
import { ownColour, setColour } from './building/userFields.js';
import { describeRoom } from './describeRoom.js';
import { subscriptionsOfAConnection } from './subscriptionsOfAConnection.js';

const parts = {
	collections: [tasks],
	methods: [addTask, finishTask],
	publications: [myTasks],
} satisfies ServerOptions;

describe('docs/building.md', () => {
	let server: TestServer | undefined;
	const open = async (more: ServerOptions = {}) => {
		server = await openTestServer({
			...parts,
			...more,
			methods: [...parts.methods, ...(more.methods ?? [])],
			publications: [...parts.publications, ...(more.publications ?? [])],
		});
		return server;
	};
	afterEach(async () => {
		await server?.close();
		server = undefined;
	});

	for (const file of ['tasks.check', 'clock.check']) {
		it(`has a test that passes: ${file}`, async () => {
			const { NODE_TEST_CONTEXT: _, ...env } = process.env;
			await promisify(execFile)(process.execPath, ['--test', `dist/test/docs/building/${file}.js`], { env });
		});
	}

	it('has a test of mocha that passes', async () => {
		const args = ['node_modules/mocha/bin/mocha.js', '--no-config', 'dist/test/docs/building/mocha.check.js'];
		const { stdout } = await promisify(execFile)(process.execPath, args);
		expect(stdout).to.match(/1 passing/);
	});

	it('has a method that sets and removes a note', async () => {
		const opened = await open({ methods: [setNote] });
		const alice = await opened.addUser();
		const id = (await opened.call(alice, 'tasks.add', 'write')) as string;
		const stored = async () => (await opened.collections.tasks.findOne({ _id: id })) ?? {};
		expect(await stored()).not.to.have.property('note');
		await opened.call(alice, 'tasks.setNote', id, 'soon');
		expect(await stored()).to.include({ note: 'soon' });
		await opened.call(alice, 'tasks.setNote', id);
		expect(await stored()).not.to.have.property('note');
	});

	it('refuses a filter with an undefined value', async () => {
		const opened = await open();
		const alice = await opened.addUser();
		await opened.call(alice, 'tasks.add', 'write');
		const refused = await rejection(opened.collections.tasks.deleteMany({ owner: undefined as never }));
		expect(refused.message).to.include('owner: cannot be compared with undefined');
		expect(await opened.collections.tasks.countDocuments({})).to.equal(1);
	});

	it('describes documents, events and arguments, and audits a call', async () => {
		const opened = await open({
			methods: [remind],
			publications: [doneTasks],
			streams: [reminders],
			listen: true,
			port: 0,
		});
		const [alice, bob] = [await opened.addUser(), await opened.addUser()];
		const client = await opened.connect(alice);
		await client.subscribe('stream-reminders', `${alice.id}/due`);
		expect(await rejection(client.subscribe('stream-reminders', `${bob.id}/due`))).to.be.instanceOf(Error);
		const taskId = await opened.call(alice, 'tasks.add', 'write');
		const wrong = [{ taskId: 5, text: 'x' }, 'no reminder', { taskId: 'none', text: 'x' }];
		expect(await opened.call(bob, 'tasks.remind', [...wrong, { taskId, text: 'now' }])).to.equal(1);
		expect(opened.events.named(`reminders ${alice.id}/due`)).to.deep.equal([[taskId, 'now']]);
		await client.subscribe('tasks.done');
		expect(client.documents('tasks')).to.deep.equal([]);
		await opened.call(alice, 'tasks.finish', taskId);
		expect(client.documents('tasks')).to.deep.equal([{ _id: taskId, text: 'write', done: true }]);

		const audited = opened.logs.filter(({ text }) => text === 'Audit').map(({ facts }) => facts);
		expect(audited).to.containSubset([{ audit: true, method: 'tasks.remind', outcome: 'ok', userId: bob.id }]);

		const openapi = await (await fetch(`${opened.url}/api/v1/openapi.json`)).text();
		const { paths } = JSON.parse(openapi) as { paths: Record<string, { post: { requestBody: object } }> };
		expect(JSON.stringify(paths['/api/v1/tasks.remind']?.post.requestBody)).to.include('"taskId"');
		const asyncapi = await (await fetch(`${opened.url}/asyncapi.json`)).text();
		expect(asyncapi).to.include('"taskId"').and.to.include('A task is due').and.to.include('"done"');
		expect(openapi).to.include('text of 1 to 200 characters');
		// The default of the setting `rocketchat-version`.
		for (const path of ['/api/info', '/api/v1/info']) {
			expect(await (await fetch(`${opened.url}${path}`)).json()).to.include({ version: '8.0.0', success: true });
		}
	});

	it('has a server, used by an unmodified client', async () => {
		const child: ChildProcess = spawn(process.execPath, ['dist/test/docs/building/server.js'], {
			env: { ...process.env, PORT: '0' },
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		try {
			if (!child.stdout) throw new Error('no output');
			const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
			const env = { ...process.env, PORT: new URL(line.replace(/.*http/, 'http')).port };
			const client = await promisify(execFile)(process.execPath, ['dist/test/docs/building/client.js'], { env });
			expect(client.stdout).to.match(/text: 'write'[\s\S]*text: 'read'/);
		} finally {
			const ended = once(child, 'exit');
			child.kill();
			expect(await ended).to.deep.equal([0, null]);
		}
	});

	it('has a login with Google', async () => {
		const verify = async (token: string) => (token === 'good' ? { sub: '1', email: 'alice@example.com' } : null);
		const client = await (await open({ loginHandlers: [google(verify)] })).connect();
		expect(await rejection(client.call('login', { google: 'bad' }))).to.include({ error: 403 });
		for (let i = 0; i < 2; i++) {
			expect(await client.call('login', { google: 'good' })).to.include({ id: 'google-1', type: 'google' });
		}
		await client.call('tasks.add', 'write');
	});

	it('adds a field to users, and publishes it without a subscription', async () => {
		const alice = await (await open({ methods: [setColour], publications: [ownColour] })).addUser({ colour: 'red' });
		const client = await server?.connect(alice);
		await client?.call('users.setColour', 'blue');
		expect(client?.documents('users')).to.containSubset([{ _id: alice.id, colour: 'blue' }]);
	});

	it('has permissions for roles that the application defines', async () => {
		const opened = await open({ permissions, methods: [removeTask, removeAll] });
		const [editor, alice, bob] = [
			await opened.addUser({ roles: ['editor'] }),
			await opened.addUser(),
			await opened.addUser(),
		];
		const id = await opened.call(alice, 'tasks.add', 'write');
		await opened.call(bob, 'tasks.remove', id);
		expect(await opened.collections.tasks.countDocuments({})).to.equal(1);
		await opened.call(editor, 'tasks.remove', id);
		expect(await opened.collections.tasks.countDocuments({})).to.equal(0);
		expect(await rejection(opened.call(alice, 'tasks.removeAll'))).to.include({ error: 'error-unauthorized' });
		await opened.call(alice, 'tasks.add', 'write');
		expect(await opened.call(editor, 'tasks.removeAll', alice.id)).to.equal(1);
	});

	it('has methods with their own REST paths and verbs, on an HTTP server of the application', async () => {
		const { http, server: mounted } = await mount({
			...parts,
			methods: [...parts.methods, readTask, changeTask],
			store: { memory: true },
			logLevel: 'silent',
		});
		await once(http.listen(0, '127.0.0.1'), 'listening');
		const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
		const alice = await addPerson(mounted.store);
		const id = await mounted.call('tasks.add', ['write'], { userId: alice.id });
		const headers = { 'X-User-Id': alice.id, 'X-Auth-Token': alice.token, 'Content-Type': 'application/json' };

		expect(await (await fetch(`${url}/tasks/${id}`, { headers })).json()).to.include({ text: 'write', success: true });
		const change = { method: 'PUT', headers, body: '{"text":"read"}' };
		await fetch(`${url}/tasks/${id}`, change);
		expect(await mounted.collections.tasks.findOne({})).to.include({ text: 'read' });
		const unknown = { errorType: 'tasks-unknown' };
		expect(await (await fetch(`${url}/tasks/none`, { headers })).json()).to.include(unknown);
		expect(await (await fetch(`${url}/tasks/none`, change)).json()).to.include(unknown);
		expect(await (await fetch(url)).text()).to.equal('my own page');

		await mounted.close();
		http.closeAllConnections();
		http.close();
	});

	it('has a stream and the method that writes to it', async () => {
		const opened = await open({ permissions, streams: [announcements], methods: [announce] });
		const [editor, alice] = [await opened.addUser({ roles: ['editor'] }), await opened.addUser()];
		const [nobody, reader] = [await opened.connect(), await opened.connect(alice)];
		expect(await rejection(nobody.subscribe('stream-announcements', 'all'))).to.be.instanceOf(Error);
		await reader.subscribe('stream-announcements', 'all');

		expect(await rejection(opened.call(alice, 'announcements.send', 'x'))).to.include({ error: 'error-unauthorized' });
		await opened.call(editor, 'announcements.send', 'hello');

		expect(reader.frames.at(-1)).to.deep.equal({
			msg: 'changed',
			collection: 'stream-announcements',
			id: 'id',
			fields: { eventName: 'all', args: ['hello'] },
		});
		expect(opened.events.named('announcements all')).to.deep.equal([['hello']]);
	});

	it('has a rule for limits, a listener for connections, and a strategy', async () => {
		const opened = await open({ ...options, rateLimit: 'on' });
		const alice = await opened.addUser();
		const client = await opened.connect(alice);
		expect(connectionIds).to.have.length(1);
		await client.subscribe('tasks.mine');
		await client.call('tasks.add', 'write');
		expect(client.documents('tasks')).to.have.length(1);
		for (let i = 1; i < 20; i++) await client.subscribe('tasks.mine');
		const { message } = await rejection(client.subscribe('tasks.mine'));
		expect(message).to.match(/^Please wait \d+ ms/);
		client.close();
		await opened.close();
		server = undefined;
		// Listeners of a closed connection are called in the next turn.
		await setImmediate();
		expect(connectionIds).to.deep.equal([]);
	});
});

describe('docs/adding-a-method.md', () => {
	const clients = clientsOfEachTest();

	it('has a method of Roomkey itself, for DDP and REST', async () => {
		const app = await startApp({ methods: [describeRoom] });
		const alice = await addPerson(app.store);
		const bob = await addPerson(app.store);
		const rid = await addRoom(app.store, [alice]);
		const url = `${app.url}/api/v1/rooms.describe`;

		const answer = await post(url, alice, { rid, description: 'over REST' });
		expect(answer.status).to.equal(200);
		expect(answer.body).to.deep.equal({ description: 'over REST', success: true });
		expect((await post(url, alice, { rid, description: '' })).status).to.equal(400);
		expect((await post(url, alice, { rid, description: 'x'.repeat(501) })).status).to.equal(400);
		expect((await post(url, bob, { rid, description: 'not my room' })).body).to.include({
			errorType: 'error-invalid-room',
		});

		const client = await clients.connect(app.webSocketUrl);
		await client.call('login', { resume: alice.token });
		const { result } = await client.call('rooms.describe', rid, 'over DDP');
		expect(result).to.deep.equal({ description: 'over DDP' });
		expect(await app.store.rooms.findOne({ _id: rid })).to.include({ description: 'over DDP' });
		await client.close();
		await app.close();
	});
});

describe('the sample of docs/limits.md', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();
	before(async () => {
		app = await startApp({ limits: [subscriptionsOfAConnection], rateLimit: 'on' });
	});
	after(() => app.close());

	it('defines a rule that limits the subscriptions of a connection', async () => {
		const client = await clients.connect(app.webSocketUrl);
		const subscribe = (i: number) =>
			client.send({ msg: 'sub', id: String(i), name: 'meteor_autoupdate_clientVersions', params: [] });
		for (let i = 0; i < 100; i++) {
			subscribe(i);
			expect(await client.next()).to.deep.equal({ msg: 'ready', subs: [String(i)] });
		}
		subscribe(100);
		const { error } = (await client.next()) as { error?: { error: string; reason: string } };
		expect(error?.error).to.equal('too-many-requests');
		expect(error?.reason).to.match(/^Too many subscriptions: wait \d+ ms$/);
	});
});
