/** `simpleddp` over `sockjs-client`, both unmodified. */
import { expect } from 'chai';
import SimpleDDP from 'simpleddp';
import SockJS from 'sockjs-client';
import { startApp, type TestApp } from '../support/app.js';
import { addPerson, addRoom, keyIdOf } from '../support/people.js';
import { rejection } from '../support/rejection.js';

describe('simpleddp over sockjs-client', () => {
	let app: TestApp;

	before(async () => {
		app = await startApp();
	});
	after(() => app.close());

	for (const transport of ['websocket', 'xhr-polling']) {
		it(`connects over ${transport}, logs in by token, calls, reads the error of a refused call, logs out`, async () => {
			const person = await addPerson(app.store);
			const rid = await addRoom(app.store, [person]);
			let socket: WebSocket | undefined;
			const client = new SimpleDDP({
				endpoint: `${app.url}/sockjs`,
				SocketConstructor: function open(url: string) {
					socket = new SockJS(url, null, { transports: transport });
					return socket;
				},
			});
			await client.connect();
			expect(socket).to.have.property('transport', transport);
			expect(await client.call('login', { resume: person.token })).to.include({ id: person.id });
			expect(client.collection('users').fetch()).to.have.nested.property('[0].username', person.username);
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
	}
});
