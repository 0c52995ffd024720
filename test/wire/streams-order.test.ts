/** Events of one document keep their order, however long the reads of the store before each event take. */
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import type { Store } from '../../shared/store.js';
import { startApp, type TestApp } from '../support/app.js';
import { clientsOfEachTest } from '../support/clients.js';
import { addPerson, addRoom, type Person } from '../support/people.js';
import { type OpenStore, openTestStore } from '../support/store.js';

const SLOW_READ_TURNS = 50;

async function waitTurns(): Promise<void> {
	for (let i = 0; i < SLOW_READ_TURNS; i++) await setImmediate();
}

describe('if the first read of the store is slow', () => {
	const clients = clientsOfEachTest();
	let open: OpenStore;
	let app: TestApp;
	let alice: Person;
	let isNextReadSlow = false;

	beforeEach(async () => {
		open = await openTestStore();
		alice = await addPerson(open.store);
		app = await startApp({ store: withSlowReads(open.store), onChange: open.onChange });
	});
	afterEach(async () => {
		await app.close();
		await open.close();
	});

	function withSlowReads(store: Store): Store {
		const { users, subscriptions } = store;
		const takeSlow = () => {
			const isSlow = isNextReadSlow;
			isNextReadSlow = false;
			return isSlow;
		};
		async function* find(...asked: Parameters<typeof subscriptions.find>) {
			if (takeSlow()) await waitTurns();
			yield* subscriptions.find(...asked);
		}
		async function findOne(...asked: Parameters<typeof users.findOne>) {
			const found = await users.findOne(...asked);
			if (takeSlow()) await waitTurns();
			return found;
		}
		return {
			...store,
			users: { ...users, findOne },
			subscriptions: { ...subscriptions, find: find as never },
		};
	}

	async function reader(event: string) {
		const client = await clients.connect(app.webSocketUrl);
		await client.call('login', { resume: alice.token });
		await client.subscribe('stream-notify-user', `${alice.id}/${event}`, false);
		return async () => {
			const { fields } = await client.nextThat(({ collection }) => collection === 'stream-notify-user');
			return (fields as { args: unknown[] }).args;
		};
	}

	it('events of a room still reach members in the order of the writes', async () => {
		const rid = await addRoom(app.store, [alice]);
		const next = await reader('rooms-changed');
		isNextReadSlow = true;
		for (const topic of ['first', 'second']) await app.store.rooms.updateOne({ _id: rid }, { $set: { topic } });
		expect((await next())[1]).to.include({ topic: 'first' });
		expect((await next())[1]).to.include({ topic: 'second' });
	});

	it('events of an account still reach its user in the order of the writes', async () => {
		const next = await reader('userData');
		isNextReadSlow = true;
		for (const name of ['first', 'second']) await app.store.users.updateOne({ _id: alice.id }, { $set: { name } });
		await next();
		expect((await next())[0]).to.have.nested.property('diff.name', 'second');
	});
});
