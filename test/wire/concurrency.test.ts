/** Many concurrent calls of `e2e.setRoomKeyID` for one room. */
import { expect } from 'chai';
import { startApp, type TestApp } from '../support/app.js';
import { RawClient } from '../support/ddp.js';
import { addPerson, addRoom, keyIdOf } from '../support/people.js';
import { post } from '../support/rest.js';

/** Each user calls once over DDP and once over REST. */
const USER_COUNT = 100;

describe('200 concurrent calls of e2e.setRoomKeyID', () => {
	let app: TestApp;

	before(async () => {
		app = await startApp();
	});
	after(() => app.close());

	it('have one success over DDP and REST, and its key id is stored', async () => {
		const people = await Promise.all(Array.from({ length: USER_COUNT }, () => addPerson(app.store)));
		const rid = await addRoom(app.store, people);
		const clients = await Promise.all(
			people.map(async (person) => {
				const client = await RawClient.connect(app.webSocketUrl);
				await client.call('login', { resume: person.token });
				return client;
			}),
		);

		const outcomes = await Promise.all([
			...clients.map(async (client, i) => {
				const { error } = await client.call('e2e.setRoomKeyID', rid, `ddp-${i}`);
				return { keyID: `ddp-${i}`, error: error?.error };
			}),
			...people.map(async (person, i) => {
				const { body } = await post(`${app.url}/api/v1/e2e.setRoomKeyID`, person, { rid, keyID: `rest-${i}` });
				return { keyID: `rest-${i}`, error: body.success === true ? undefined : body.errorType };
			}),
		]);
		await Promise.all(clients.map((client) => client.close()));

		const winners = outcomes.filter(({ error }) => error === undefined);
		const losers = outcomes.filter(({ error }) => error === 'error-room-e2e-key-already-exists');
		expect([winners.length, losers.length]).to.deep.equal([1, 2 * USER_COUNT - 1]);
		expect(await keyIdOf(app.store, rid)).to.equal(winners[0]?.keyID);
	});
});
