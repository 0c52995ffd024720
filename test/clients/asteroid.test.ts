/** `asteroid`, a DDP client, unmodified. */
import asteroid from 'asteroid';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import type { Wire } from '../support/transports.js';

const Asteroid = asteroid.createClass();

describe('asteroid', () => {
	let app: TestApp;
	const open: InstanceType<typeof Asteroid>[] = [];

	before(async () => {
		app = await startApp();
	});
	after(() => app.close());
	afterEach(() => {
		for (const client of open.splice(0)) client.disconnect();
	});

	function connect({ webSocketUrl: endpoint } = app): InstanceType<typeof Asteroid> {
		const client = new Asteroid({ endpoint, SocketConstructor: WebSocket, reconnectInterval: 20 });
		open.push(client);
		return client;
	}

	const event = (from: { once(name: string, listener: (argument: never) => void): unknown }, name: string) =>
		new Promise<Wire>((resolve) => from.once(name, resolve));

	/** The first message `msg` about a collection. */
	const message = (client: InstanceType<typeof Asteroid>, msg: string, collection: string) =>
		new Promise<Wire>((resolve) => {
			client.ddp.on(msg, (data: Wire) => data.collection === collection && resolve(data));
		});

	it('logs in by password and by token, calls, reads the error, logs out', async () => {
		const alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
		const client = connect();
		const added = message(client, 'added', 'users');
		expect(await client.loginWithPassword({ username: 'alice', password: 'secret' })).to.equal(alice.id);
		expect(await added).to.deep.include({ id: alice.id, fields: { username: 'alice' } });
		expect(await client.login({ resume: alice.token })).to.equal(alice.id);
		const rid = await addRoom(app.store, [alice]);
		await client.call('e2e.setRoomKeyID', rid, 'k');
		expect(await rejection(client.call('e2e.setRoomKeyID', rid, 'k'))).to.include({
			error: 'error-room-e2e-key-already-exists',
		});
		await client.logout();
		expect(client.loggedIn).to.equal(false);
		expect(await rejection(client.call('me'))).to.include({ error: 'error-invalid-user' });
	});

	it('receives `added` before the events of a stream if useCollection is true', async () => {
		const alice = await addPerson(app.store);
		const rid = await addRoom(app.store, [alice]);
		const client = connect();
		await client.login({ resume: alice.token });
		const [added, changed] = ['added', 'changed'].map((msg) => message(client, msg, 'stream-notify-user'));
		const eventName = `${alice.id}/rooms-changed`;
		const useCollection = true;
		await event(client.subscribe('stream-notify-user', eventName, useCollection), 'ready');
		expect(await added).to.deep.include({ id: 'id', fields: { eventName } });
		await client.call('e2e.setRoomKeyID', rid, 'k');
		expect((await changed).fields).to.have.nested.property('args[1].e2eKeyId', 'k');
	});

	it('reads why a subscription is refused', async () => {
		const client = connect();
		const { id } = await addPerson(app.store);
		const subscription = client.subscribe('stream-notify-user', `${id}/rooms-changed`, false);
		expect(await event(subscription, 'error')).to.include({ error: 'not-allowed' });
	});

	it('logs in again by itself after a restart, but must subscribe again to streams that need the login', async () => {
		const own = await startApp();
		const person = await addPerson(own.store);
		const rid = await addRoom(own.store, [person]);
		const client = connect(own);
		await client.login({ resume: person.token });
		const subscribe = () => client.subscribe('stream-notify-user', `${person.id}/rooms-changed`, false);
		const subscription = subscribe();
		await event(subscription, 'ready');
		const changed = message(client, 'changed', 'stream-notify-user');
		// The client repeats its subscriptions before it logs in.
		const refused = event(subscription, 'error');
		const loggedIn = event(client, 'loggedIn');
		const again = await own.restart();
		expect(await refused).to.include({ error: 'not-allowed' });
		await loggedIn;
		await event(subscribe(), 'ready');
		await client.call('e2e.setRoomKeyID', rid, 'k');
		expect((await changed).fields).to.have.nested.property('args[1]._id', rid);
		await again.close();
	});
});
