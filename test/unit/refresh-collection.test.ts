/** A server reads a collection again after changes by other programs may have been missed. */
import { expect } from 'chai';
import * as catalogue from '../../methods/index.js';
import { createApp } from '../../server/start/app.js';
import type { Store } from '../../shared/store.js';
import { Gates } from '../support/gates.js';
import { memoryLog } from '../support/log.js';
import { testOptions } from '../support/options.js';
import { openTestStore } from '../support/store.js';

describe('a server that refreshes a collection', () => {
	it('announces no further attempt if the read fails after the server has closed', async () => {
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
