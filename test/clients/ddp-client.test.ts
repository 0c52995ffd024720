/** `@rocket.chat/ddp-client`, Rocket.Chat's own DDP client, unmodified. */
import { DDPSDK } from '@rocket.chat/ddp-client';
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom, keyIdOf, type Person } from '../support/people.js';
import { rejection } from '../support/rejection.js';
import { BrowserWebSocket } from '../support/transports.js';

describe('@rocket.chat/ddp-client', () => {
	let app: TestApp;
	let alice: Person;

	before(async () => {
		Object.assign(globalThis, { WebSocket: BrowserWebSocket });
		app = await startApp();
		alice = await addPerson(app.store, { username: 'alice', password: 'secret' });
	});
	after(() => app.close());

	const sdks: DDPSDK[] = [];
	afterEach(() => {
		// An open client would try to reconnect.
		for (const sdk of sdks.splice(0)) sdk.connection.close();
	});

	async function connect(url = app.url, retry?: { retryCount: number; retryTime: number }): Promise<DDPSDK> {
		const sdk = DDPSDK.create(url, retry);
		sdks.push(sdk);
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
	});

	it('logs in by password', async () => {
		const sdk = await connect();
		// The SHA-256 of the password.
		await sdk.account.loginWithPassword('alice', '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b');
		expect(await sdk.client.callAsync('me')).to.include({ _id: alice.id });
	});

	it('receives the reason why a login fails', async () => {
		const sdk = await connect();
		expect(await rejection(sdk.account.loginWithToken('wrong'))).to.include({ error: 403 });
	});

	it('reads streams: a room that changes, and requests for its key', async () => {
		const [alice, bob] = [await addPerson(app.store), await addPerson(app.store)];
		const rid = await addRoom(app.store, [alice, bob]);
		const reader = await connect();
		await reader.account.loginWithToken(bob.token);
		const changed = new Promise<unknown[]>((resolve) => {
			reader.stream('notify-user', `${bob.id}/rooms-changed`, (...args: unknown[]) => resolve(args));
		});
		const requests = reader.stream('notify-user', `${bob.id}/e2ekeyRequest`, (...args: unknown[]) => received(args));
		let received: (args: unknown[]) => void = () => {};
		const requested = new Promise<unknown[]>((resolve) => {
			received = resolve;
		});
		await requests.ready();

		const writer = await connect();
		await writer.account.loginWithToken(alice.token);
		await writer.client.callAsync('e2e.setRoomKeyID', rid, 'k');
		expect(await changed).to.have.nested.property('[1].e2eKeyId', 'k');
		await writer.client.callAsync('stream-notify-room-users', `${rid}/e2ekeyRequest`, rid, 'k');
		expect(await requested).to.deep.equal([rid, 'k']);

		const refused = reader.stream('notify-user', `${alice.id}/rooms-changed`, () => {});
		expect(await rejection(refused.ready())).to.have.property('error', 'not-allowed');
	});

	it('is logged in and subscribed again after a restart of the server (beyond.md 4)', async () => {
		const own = await startApp();
		const person = await addPerson(own.store);
		const rid = await addRoom(own.store, [person]);
		const sdk = await connect(own.url, { retryCount: 100, retryTime: 20 });
		await sdk.account.loginWithToken(person.token);
		const changed = new Promise<unknown[]>((resolve) => {
			sdk.stream('notify-user', `${person.id}/rooms-changed`, (...args: unknown[]) => resolve(args));
		});
		const again = await own.restart();
		await new Promise((resolve) => sdk.account.once('user', resolve));
		await sdk.client.callAsync('e2e.setRoomKeyID', rid, 'k');
		expect(await changed).to.have.nested.property('[1]._id', rid);
		await again.close();
	});
});
