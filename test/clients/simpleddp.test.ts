/** simpleddp, unmodified. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import SimpleDDP from 'simpleddp';
import { WebSocket } from 'ws';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';

const digest = (password: string) => ({
	digest: createHash('sha256').update(password).digest('hex'),
	algorithm: 'sha-256',
});

describe('simpleddp', () => {
	let app: TestApp;
	let alice: Person;

	before(async () => {
		app = await startApp();
		alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
	});
	after(() => app.close());

	async function connect() {
		const client = new SimpleDDP({ endpoint: app.webSocketUrl, SocketConstructor: WebSocket });
		await client.connect();
		return client;
	}

	it('connects, logs in by token, calls, reads the error, logs out', async () => {
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

	it('logs in by password, and is told why that fails', async () => {
		const client = await connect();
		const user = { username: 'alice' };
		expect(await rejection(client.call('login', { user, password: digest('wrong') }))).to.include({ error: 403 });
		expect(await client.call('login', { user, password: digest('secret') })).to.include({ id: alice.id });
		expect(await client.call('me')).to.include({ _id: alice.id });
		await client.disconnect();
	});
});
