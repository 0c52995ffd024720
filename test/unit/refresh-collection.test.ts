/** A server reads a collection again after changes by other programs may have been missed. */
import { expect } from 'chai';
import * as catalogue from '../../methods/index.js';
import { createApp } from '../../server/start/app.js';
import { liveQuery, publication } from '../../shared/publication.js';
import type { Store } from '../../shared/store.js';
import { RawClient } from '../support/ddp.js';
import { Gates } from '../support/gates.js';
import { memoryLog } from '../support/log.js';
import { testOptions } from '../support/options.js';
import { addRoom } from '../support/people.js';
import { TestNetwork } from '../support/processes.js';
import { openTestStore } from '../support/store.js';

describe('a server that refreshes a collection', () => {
	it('logs nothing if the read fails after the server has closed', async () => {
		const data = await openTestStore();
		const log = memoryLog();
		const gates = new Gates();
		const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
		async function* failingRead() {
			yield await gates.wait('read').then(() => Promise.reject(new Error('The store is closed')));
		}
		const permissions = { ...data.store.permissions, find: failingRead };
		const store = { ...data.store, permissions } as unknown as Store;
		const app = createApp({ ...testOptions, catalogue, store, onChange: data.onChange, log });
		await app.ready();
		app.refreshCollection('permissions');
		while (!gates.has('read')) await nextTurn();
		await app.close();
		gates.open('read');
		await nextTurn();
		expect(log.lines).to.deep.equal([]);
		await data.close();
	});
});

describe('a server to which other programs report their writes', () => {
	const topics = publication({
		name: 'topics',
		args: {},
		summary: 'for a test',
		anonymous: true,
		run: () => liveQuery('rooms', { topic: { $exists: true } }, { topic: 1 }),
	});

	it('reads everything again if too many documents wait to be read', async () => {
		const data = await openTestStore();
		const publications = [...catalogue.publications, topics];
		const app = createApp({
			...testOptions,
			catalogue: { ...catalogue, publications },
			store: data.store,
			onChange: data.onChange,
			log: memoryLog(),
		});
		const rid = await addRoom(data.store, [], { topic: 'old' });
		const client = await RawClient.connect(`ws://127.0.0.1:${await app.listen(0, '127.0.0.1')}/websocket`);
		await client.subscribe('topics');
		await data.store.rooms.updateOne({ _id: rid }, { $set: { topic: 'new' } }, { silent: true });
		const { report } = app.changedElsewhere;
		report('rooms', rid);
		for (let i = 0; i < 100_000; i++) report('subscriptions', `${i}`);
		const frame = await client.next();
		expect(frame).to.deep.equal({ msg: 'changed', collection: 'rocketchat_room', id: rid, fields: { topic: 'new' } });
		client.socket.terminate();
		await app.close();
		await data.close();
	});

	it('closes while a catch-up waits for unreadable documents', async () => {
		const data = await openTestStore();
		const gates = new Gates();
		let reads = 0;
		const find = () => {
			if (++reads === 2) gates.open('second read');
			throw new Error('unavailable');
		};
		const store = { ...data.store, rooms: { ...data.store.rooms, find } } as unknown as Store;
		const link = new TestNetwork().link();
		const app = createApp({ ...testOptions, catalogue, store, onChange: data.onChange, log: memoryLog(), link });
		await app.ready();
		// By connecting, the server begins to catch up. The last step waits for this document.
		app.changedElsewhere.report('rooms', 'some');
		await gates.wait('second read');
		await app.close();
		await data.close();
	});
});
