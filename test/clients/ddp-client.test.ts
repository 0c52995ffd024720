/** Rocket.Chat's own client, unmodified. */
import { DDPSDK } from '@rocket.chat/ddp-client';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';

describe('@rocket.chat/ddp-client', () => {
	let app: TestApp;
	let alice: Person;

	before(async () => {
		// It expects a browser's.
		Object.assign(globalThis, { WebSocket });
		app = await startApp();
		alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
	});
	after(() => app.close());

	async function connect(): Promise<DDPSDK> {
		const sdk = DDPSDK.create(app.url);
		await sdk.connection.connect();
		return sdk;
	}

	it('connects, logs in by token, calls, reads the error, logs out', async () => {
		const rid = await addRoom(app.store, [alice]);
		const sdk = await connect();
		await sdk.account.loginWithToken(alice.token);
		expect(sdk.account.uid).to.equal(alice.id);
		expect(await sdk.client.callAsync('e2e.setRoomKeyID', rid, 'k')).to.equal(undefined);
		expect(await keyIdOf(app.store, rid)).to.equal('k');
		expect(await rejection(sdk.client.callAsync('e2e.setRoomKeyID', rid, 'k'))).to.deep.include({
			error: 'error-room-e2e-key-already-exists',
			reason: 'E2E Key ID already exists',
			details: { method: 'e2e.setRoomKeyID' },
		});
		await sdk.account.logout();
		expect(await rejection(sdk.client.callAsync('me'))).to.include({ error: 'error-invalid-user' });
		sdk.connection.close();
	});

	it('logs in by password', async () => {
		const sdk = await connect();
		await sdk.account.loginWithPassword('alice', '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b');
		expect(await sdk.client.callAsync('me')).to.include({ _id: alice.id });
		sdk.connection.close();
	});

	it('is told why a login fails', async () => {
		const sdk = await connect();
		expect(await rejection(sdk.account.loginWithToken('wrong'))).to.include({ error: 403 });
		sdk.connection.close();
	});
});
