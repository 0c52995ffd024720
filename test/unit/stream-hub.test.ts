/** Streams after events may have been missed (test/contract/rocketchat-e2e.md section 10). */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { createStreamHub } from '../../server/ddp/publications/streams.js';
import { StoreUnavailableError } from '../../shared/errors.js';
import type { PublicationContext } from '../../shared/publication.js';
import { type Stream, stream } from '../../shared/stream.js';
import { Gates } from '../support/gates.js';
import { rejection } from '../support/rejection.js';

describe('a refresh of streams', () => {
	/** A hub with one stream, and subscriptions to it without a session. */
	function open(definition: Partial<Stream>) {
		const hub = createStreamHub([stream({ name: 's', summary: 'for a test', mayRead: () => true, ...definition })]);
		function subscribe(eventName: string) {
			/** What the client has received, and how its subscription has ended. */
			const received: string[] = [];
			const transport = {
				send: (text: string) => void received.push(JSON.parse(text).fields.args[0]),
				broadcast: ({ text }: { text: string }) => void received.push(JSON.parse(text).fields.args[0]),
			};
			const subscription = {
				userId: 'alice',
				hasStopped: false,
				host: { transport },
				ready: () => void received.push('ready'),
				unblock() {},
				whenDrained: () => undefined,
				listeners: [] as (() => void)[],
				onStop: (listener: () => void) => void subscription.listeners.push(listener),
				error(thrown: Error) {
					received.push(thrown.message);
					subscription.hasStopped = true;
					for (const listener of subscription.listeners) listener();
				},
			};
			const context = subscription as unknown as PublicationContext;
			const started = hub.publications[0]?.run({ eventName, options: false }, context) as Promise<void>;
			return { received, started };
		}
		return { hub, subscribe };
	}

	it('checks a reader again whose first check began before the refresh', async () => {
		const gates = new Gates();
		let isMember = true;
		let checks = 0;
		const { hub, subscribe } = open({
			roomOf: (eventName) => eventName,
			async mayRead() {
				const mayRead = isMember;
				if (++checks === 1) await gates.wait('first check');
				return mayRead;
			},
		});
		const { received, started } = subscribe('room');
		isMember = false;
		await hub.refresh();
		gates.open('first check');
		await started;
		hub.notify({ stream: 's', eventName: 'room', args: ['secret'] });
		expect(received).to.have.length(1);
		expect(received[0]).to.include('not-allowed');
	});

	it('ends a subscription whose initial events cannot be read, but no other', async () => {
		let isBroken = false;
		const { hub, subscribe } = open({
			async *initial(eventName) {
				await nextTurn();
				if (isBroken && eventName === 'broken') throw new Error('odd document');
				yield ['initial'];
			},
		});
		const [broken, other] = [subscribe('broken'), subscribe('other')];
		await Promise.all([broken.started, other.started]);
		isBroken = true;
		await hub.refresh();
		expect(broken.received).to.deep.equal(['ready', 'initial', 'odd document']);
		expect(other.received).to.deep.equal(['ready', 'initial', 'initial']);
	});

	it('fails if the store is unavailable', async () => {
		let isAvailable = true;
		const { hub, subscribe } = open({
			async *initial() {
				if (!isAvailable) throw new StoreUnavailableError();
				yield ['initial'];
			},
		});
		const { received, started } = subscribe('e');
		await started;
		isAvailable = false;
		expect(await rejection(hub.refresh())).to.be.instanceOf(StoreUnavailableError);
		expect(received).to.deep.equal(['ready', 'initial']);
	});
});
