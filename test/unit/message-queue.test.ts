/** The queue of one client's messages, with a fake clock (test/contract/ddp.md section 5). */
import { mock } from 'node:test';
import { expect } from 'chai';
import { MessageQueue } from '../../server/ddp/queue.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('the inbound queue (5)', () => {
	/** Each message takes 1 ms by the fake clock. Only the first message blocks the next ones, until `release`. */
	function open() {
		let now = 0;
		const clock = mock.method(performance, 'now', () => now);
		const handled: number[] = [];
		let releaseFirst = () => {};
		let idle = 0;
		const queue = new MessageQueue<number>({
			handle(message, release) {
				now++;
				handled.push(message);
				if (message === 0) releaseFirst = release;
				else release();
			},
			onIdle: () => idle++,
		});
		queue.add(0);
		return { queue, handled, clock, release: () => releaseFirst(), idles: () => idle };
	}

	it('handles all waiting messages in order', async () => {
		const { queue, handled, release, idles, clock } = open();
		for (let i = 1; i <= 1000; i++) queue.add(i);
		expect(queue.length).to.equal(1000);
		release();
		while (idles() === 0) {
			await nextTurn();
			// Messages that arrive meanwhile come after the 1001.
			queue.add(1000 + handled.length);
		}
		clock.mock.restore();
		expect(queue.length).to.equal(0);
		expect(handled.slice(0, 1001)).to.deep.equal([...Array(1001).keys()]);
	});

	it('yields to the event loop while it handles many synchronous messages', async () => {
		const { queue, handled, release, idles, clock } = open();
		for (let i = 1; i <= 50; i++) queue.add(i);
		release();
		/** How many messages had been handled before each turn of the event loop. */
		const counts: number[] = [];
		while (idles() === 0) {
			counts.push(handled.length);
			await nextTurn();
		}
		clock.mock.restore();
		// The queue yields after 2 ms.
		expect(counts.length).to.be.at.least(5);
		expect(counts[0]).to.be.below(10);
		expect(handled).to.have.length(51);
	});

	it('discards the waiting messages by clear()', () => {
		const { queue, handled, release, idles, clock } = open();
		queue.add(1);
		queue.clear();
		release();
		clock.mock.restore();
		expect(handled).to.deep.equal([0]);
		expect(idles()).to.equal(1);
	});
});
