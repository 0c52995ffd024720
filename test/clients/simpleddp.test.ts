/** `simpleddp`, a DDP client, unmodified. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import SimpleDDP from 'simpleddp';
import { WebSocket } from 'ws';
import { method } from '../../shared/method.js';
import { liveQuery, publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';

const digest = (password: string) => ({
	digest: createHash('sha256').update(password).digest('hex'),
	algorithm: 'sha-256',
});

const rename = method({
	name: 'test.rename',
	summary: 'for a test',
	args: { rid: String, name: String },
	async run({ rid, name }, { store }) {
		await store.rooms.updateOne({ _id: rid }, { $set: { name } });
	},
});

/** The caller's rooms with one of three names. A test renames a room: it leaves the publication and comes back. */
const mine = publication({
	name: 'test.mine',
	summary: 'for a test',
	args: {},
	async run(_args, { store, userId }) {
		const memberships = await store.subscriptions.find({ 'u._id': userId }).toArray();
		const rids = memberships.map(({ rid }) => rid);
		return liveQuery('rooms', { _id: { $in: rids }, name: { $in: ['first', 'second', 'third'] } }, { name: 1 });
	},
});

describe('simpleddp', () => {
	let app: TestApp;
	let alice: Person;

	before(async () => {
		app = await startApp({ methods: [rename], publications: [mine] });
		alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
	});
	after(() => app.close());

	async function connect() {
		const client = new SimpleDDP({ endpoint: app.webSocketUrl, SocketConstructor: WebSocket });
		await client.connect();
		return client;
	}

	it('connects, logs in by token, calls, reads the error of a refused call, logs out', async () => {
		const rid = await addRoom(app.store, [alice]);
		const client = await connect();
		expect(await client.call('login', { resume: alice.token })).to.include({ id: alice.id });
		const [own] = client.collection('users').fetch();
		expect(own).to.include({ id: alice.id, username: 'alice' });
		expect(await client.call('e2e.setRoomKeyID', rid, 'k')).to.equal(undefined);
		expect(await keyIdOf(app.store, rid)).to.equal('k');
		expect(await rejection(client.call('e2e.setRoomKeyID', rid, 'k'))).to.deep.include({
			error: 'error-room-e2e-key-already-exists',
			details: { method: 'e2e.setRoomKeyID' },
		});
		await client.call('logout');
		expect(client.collection('users').fetch()).to.deep.equal([]);
		expect(await rejection(client.call('me'))).to.include({ error: 'error-invalid-user' });
		await client.disconnect();
	});

	it('logs in by password, and receives the error for a wrong password', async () => {
		const client = await connect();
		const user = { username: 'alice' };
		expect(await rejection(client.call('login', { user, password: digest('wrong') }))).to.include({ error: 403 });
		expect(await client.call('login', { user, password: digest('secret') })).to.include({ id: alice.id });
		expect(await client.call('me')).to.include({ _id: alice.id });
		await client.disconnect();
	});

	it('updates a reactive collection when documents are added, changed and removed', async () => {
		const client = await connect();
		const person = await addPerson(app.store);
		await client.call('login', { resume: person.token });
		const rooms = client.collection('rocketchat_room').reactive();
		const rid = await addRoom(app.store, [person], { name: 'first' });
		const sub = client.subscribe('test.mine');
		await sub.ready();
		expect(rooms.data()).to.deep.equal([{ id: rid, name: 'first' }]);
		for (const name of ['second', 'hidden', 'third']) {
			// The client does not wait for `updated`, so the change may come after the result.
			const changed = new Promise((resolve) => {
				const listener = rooms.onChange((data) => {
					listener.stop();
					resolve(data);
				});
			});
			await client.call('test.rename', rid, name);
			await changed;
			expect(rooms.data()).to.deep.equal(name === 'hidden' ? [] : [{ id: rid, name }]);
		}
		await sub.stop();
		expect(rooms.data()).to.deep.equal([]);
		await client.disconnect();
	});

	it('resumes by a token after the server was restarted (beyond.md 4)', async () => {
		const own = await startApp();
		const person = await addPerson(own.store);
		const client = new SimpleDDP({ endpoint: own.webSocketUrl, SocketConstructor: WebSocket, reconnectInterval: 20 });
		await client.connect();
		await client.call('login', { resume: person.token });
		const connected = new Promise((resolve) => client.on('connected', resolve));
		const again = await own.restart();
		await connected;
		expect(await rejection(client.call('me'))).to.include({ error: 'error-invalid-user' });
		await client.call('login', { resume: person.token });
		expect(await client.call('me')).to.include({ _id: person.id });
		await client.disconnect();
		await again.close();
	});
});
