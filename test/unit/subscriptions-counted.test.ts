/** A subscription that waits until its rate limit has counted it (test/contract/ddp.md sections 10 and 14). */
import { expect } from 'chai';
import { createBus } from '../../server/cluster/bus.js';
import type { RateLimits } from '../../server/core/limits/rate.js';
import { Subscriptions } from '../../server/ddp/publications/subscriptions.js';
import type { Connection } from '../../shared/method.js';
import { publication } from '../../shared/publication.js';
import type { Store } from '../../shared/store.js';
import { memoryLog } from '../support/log.js';
import { settings } from '../support/roomkey.js';
import { FakeTransport } from '../support/transport.js';

describe('a subscription that waits until its rate limit has counted it', () => {
	/** Subscribes. The count lasts until `finishCount`. */
	function subscribe() {
		const ranAs: unknown[] = [];
		const recordUser = publication({
			name: 'recordUser',
			args: {},
			summary: 'for a test',
			anonymous: true,
			run: (_args, { userId }) => void ranAs.push(userId),
		});
		let finishCount = () => {};
		const limits = {
			count: () =>
				new Promise<void>((resolve) => {
					finishCount = resolve;
				}),
		} as Partial<RateLimits> as RateLimits;
		const log = memoryLog();
		const invoker = { get: () => undefined, invoke: () => Promise.reject(new Error('no methods here')) };
		const connection = { id: 'c', clientAddress: null } as Connection;
		const publications = {
			named: new Map([['recordUser', recordUser]]),
			universal: [],
			strategyOf: () => 'SERVER_MERGE' as const,
		};
		const subscriptions = new Subscriptions({
			services: {
				publications,
				store: {} as Store,
				bus: createBus(log),
				settings,
				log,
				invoker,
				limits,
			},
			connection,
			transport: new FakeTransport(),
			options: { maxSubscriptions: 10, maxSubscriptionBytes: 16_384 },
		});
		const client = { userId: 'alice' as string | null, clientAddress: null, connectionId: connection.id };
		const started = subscriptions.start({ msg: 'sub', id: 's', name: 'recordUser' }, client, () => {});
		return { ranAs, subscriptions, client, started, finishCount: () => finishCount() };
	}

	it('runs as the user whom the connection has after the count', async () => {
		const { ranAs, subscriptions, client, started, finishCount } = subscribe();
		client.userId = null;
		await subscriptions.changeUser(null);
		finishCount();
		await started;
		expect(ranAs).to.deep.equal([null]);
	});

	it('does not start if its client has disconnected in the meantime', async () => {
		const { ranAs, subscriptions, started, finishCount } = subscribe();
		subscriptions.close();
		finishCount();
		await started;
		expect(ranAs).to.deep.equal([]);
	});
});
