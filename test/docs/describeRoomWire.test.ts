import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { addPerson, addRoom } from '../support/people.js';
import { post } from '../support/rest.js';
import { describeRoom } from './describeRoom.js';

describe('rooms.describe over the wire', () => {
	const clients = clientsOfEachTest();
	let app: TestApp;
	beforeEach(async () => {
		app = await startApp({ methods: [describeRoom], rateLimit: 'on' });
	});
	afterEach(() => app.close());

	it('has one limit for calls over DDP and REST', async () => {
		const alice = await addPerson(app.store);
		const rid = await addRoom(app.store, [alice]);

		const client = await clients.connect(app.webSocketUrl);
		await client.call('login', { resume: alice.token });
		const { result, error } = await client.call('rooms.describe', rid, 'Plans');
		expect({ result, error }).to.deep.equal({ result: { description: 'Plans' }, error: undefined });

		const { body, headers } = await post(`${app.url}/api/v1/rooms.describe`, alice, { rid, description: 'Plans' });
		expect(body).to.deep.equal({ description: 'Plans', success: true });
		expect(headers.get('x-ratelimit-remaining')).to.equal('598');
	});
});
