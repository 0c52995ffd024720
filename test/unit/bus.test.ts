/** The bus: events within this process. */
import { expect } from 'chai';
import { createBus } from '../../server/cluster/bus.js';
import { memoryLog } from '../support/log.js';

describe('the bus', () => {
	const change = (collection: 'users' | 'rooms', _id: string) =>
		({ collection, action: 'updated', document: { _id } }) as const;

	const watcher = (onChange: () => void | Promise<void>) => ({ onChange });

	it('sends a change only to listeners of everything, its collection or its document', () => {
		const bus = createBus(memoryLog());
		const notified: string[] = [];
		bus.on('changed', () => void notified.push('all'));
		bus.watch(
			{ collection: 'users' },
			watcher(() => void notified.push('users')),
		);
		bus.watch(
			{ collection: 'users', id: 'alice' },
			watcher(() => void notified.push('alice')),
		);
		bus.watch(
			{ collection: 'users', id: 'bob' },
			watcher(() => void notified.push('bob')),
		);
		bus.watch(
			{ collection: 'rooms', id: 'alice' },
			watcher(() => void notified.push('room')),
		);
		bus.publish('changed', change('users', 'alice'));
		expect(notified).to.deep.equal(['all', 'users', 'alice']);
	});

	it('sends nothing to a listener that was removed, and counts the others', () => {
		const bus = createBus(memoryLog());
		let notified = 0;
		const alice = { collection: 'users', id: 'alice' } as const;
		const leaving = watcher(() => void notified++);
		bus.watch(alice, leaving);
		bus.watch(
			alice,
			watcher(() => {}),
		);
		bus.unwatch(alice, leaving);
		bus.unwatch(alice, leaving);
		bus.publish('changed', change('users', 'alice'));
		expect({ notified, listeners: bus.listenerCount }).to.deep.equal({ notified: 0, listeners: 1 });
	});

	it('waits for asynchronous listeners, and logs the error of one that fails', async () => {
		const log = memoryLog();
		const bus = createBus(log);
		bus.watch(
			{ collection: 'rooms' },
			watcher(() => Promise.reject(new Error('later'))),
		);
		bus.on('changed', () => {
			throw new Error('at once');
		});
		await bus.publish('changed', change('rooms', 'r'));
		expect(log.lines.map(({ facts }) => (facts as { err: Error }).err.message)).to.deep.equal(['at once', 'later']);
	});
});
