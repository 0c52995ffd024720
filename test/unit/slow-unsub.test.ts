/** An unsub of a client that reads slowly (test/contract/ddp.md section 10). */
import { expect } from 'chai';
import { createBus } from '../../server/cluster/bus.js';
import { Subscriptions } from '../../server/ddp/publications/subscriptions.js';
import { liveQuery, publication } from '../../shared/publication.js';
import { memoryLog } from '../support/log.js';
import { settings } from '../support/roomkey.js';
import { openTestStore } from '../support/store.js';
import { FakeTransport } from '../support/transport.js';

describe('an unsub of a client that reads slowly', () => {
	it('removes a document that is deleted meanwhile, although others share its live query', async () => {
		const { store, close } = await openTestStore();
		const log = memoryLog();
		const bus = createBus(log);
		const twoQueries = publication({
			name: 'two queries',
			args: {},
			summary: 'for a test',
			anonymous: true,
			run: () => [
				liveQuery('permissions', { roles: 'r' }, { roles: 1 }, { name: 'first' }),
				liveQuery('permissions', { roles: 's' }, { roles: 1 }, { name: 'second' }),
			],
		});
		const publications = {
			named: new Map([['two queries', twoQueries]]),
			universal: [],
			strategyOf: () => 'SERVER_MERGE' as const,
		};
		const invoker = { get: () => undefined, invoke: () => Promise.reject(new Error('no methods here')) };

		async function subscribe() {
			const transport = new FakeTransport();
			const subscriptions = new Subscriptions({
				services: { publications, store, bus, settings, log, invoker },
				connection: null,
				transport,
				options: { maxSubscriptions: 10, maxSubscriptionBytes: 16_384 },
			});
			const client = { userId: null, clientAddress: null, connectionId: 'c' };
			await subscriptions.start({ msg: 'sub', id: 's', name: 'two queries' }, client, () => {});
			return { transport, subscriptions };
		}

		await store.permissions.insertOne({ _id: 'a', roles: ['r'] });
		await store.permissions.insertOne({ _id: 'b', roles: ['r'] });
		await store.permissions.insertOne({ _id: 'c', roles: ['s'] });
		const slow = await subscribe();
		const other = await subscribe();
		slow.transport.sent.length = 0;
		let drain = () => {};
		slow.transport.drained = new Promise<void>((resolve) => {
			drain = resolve;
		});
		const stopped = slow.subscriptions.stop('s');
		await store.permissions.deleteOne({ _id: 'c' });
		await bus.publish('changed', { collection: 'permissions', action: 'removed', document: { _id: 'c' } });
		slow.transport.drained = undefined;
		drain();
		await stopped;
		expect(slow.transport.sent.map((frame) => JSON.parse(frame))).to.deep.equal([
			{ msg: 'removed', collection: 'first', id: 'a' },
			{ msg: 'removed', collection: 'first', id: 'b' },
			{ msg: 'removed', collection: 'second', id: 'c' },
			{ msg: 'nosub', id: 's' },
		]);
		other.subscriptions.close();
		await close();
	});
});
