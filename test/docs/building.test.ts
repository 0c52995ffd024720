/** The samples of docs/building.md and docs/limits.md work. */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { addPerson, addRoom } from '../support/people.js';
import { post } from '../support/rest.js';
import { announce, announcements } from './announcements.js';
import { describeRoom } from './describeRoom.js';
import { myRooms } from './myRooms.js';
import { subscriptionsOfAConnection } from './subscriptionsOfAConnection.js';

describe('samples of the documentation', () => {
	let app: TestApp;
	const clients = clientsOfEachTest();

	before(async () => {
		app = await startApp({
			methods: [describeRoom, announce],
			publications: [myRooms],
			streams: [announcements],
			limits: [subscriptionsOfAConnection],
			rateLimit: 'on',
		});
	});
	after(() => app.close());

	it('define a method for DDP and REST', async () => {
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
	});

	it('define a publication that shows the fields it names and no others', async () => {
		const alice = await addPerson(app.store);
		const rid = await addRoom(app.store, [alice], { name: 'mine', topic: 'hidden' });
		await addRoom(app.store, [], { name: 'not mine' });
		const client = await clients.connect(app.webSocketUrl);
		await client.call('login', { resume: alice.token });

		client.send({ msg: 'sub', id: '1', name: 'rooms.mine', params: [] });

		expect(await client.take(2)).to.deep.equal([
			{ msg: 'added', collection: 'rocketchat_room', id: rid, fields: { name: 'mine' } },
			{ msg: 'ready', subs: ['1'] },
		]);
	});

	it('define a stream and the method that writes to it', async () => {
		const admin = await addPerson(app.store, { roles: ['admin'] });
		const alice = await addPerson(app.store);
		const nobody = await clients.connect(app.webSocketUrl);
		nobody.send({ msg: 'sub', id: '1', name: 'stream-announcements', params: ['all'] });
		expect(await nobody.next()).to.include({ msg: 'nosub', id: '1' });
		const reader = await clients.connect(app.webSocketUrl);
		await reader.call('login', { resume: alice.token });
		reader.send({ msg: 'sub', id: '1', name: 'stream-announcements', params: ['all'] });
		expect(await reader.next()).to.deep.equal({ msg: 'ready', subs: ['1'] });
		const url = `${app.url}/api/v1/announcements.send`;

		expect((await post(url, alice, { text: 'not allowed' })).status).to.equal(403);
		expect((await post(url, admin, { text: 'hello' })).status).to.equal(200);

		expect(await reader.next()).to.deep.equal({
			msg: 'changed',
			collection: 'stream-announcements',
			id: 'id',
			fields: { eventName: 'all', args: ['hello'] },
		});
	});

	it('define a rule that limits the subscriptions of a connection', async () => {
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
