/** The queue of one client's messages, without a client and with a fake clock (test/contract/ddp.md section 5). */
import { mock } from 'node:test';
import { expect } from 'chai';
import { MessageQueue } from '../../server/ddp/queue.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('the queue of messages', () => {
	/** Each message takes a millisecond and lets the next one start at once. The first one waits until the test releases it. */
	function open() {
		let now = 0;
		const clock = mock.method(performance, 'now', () => now);
		const handled: number[] = [];
		let begin = () => {};
		let idle = 0;
		const queue = new MessageQueue<number>({
			handle(message, release) {
				now++;
				handled.push(message);
				if (message === 0) begin = release;
				else release();
			},
			onIdle: () => idle++,
		});
		queue.add(0);
		return { queue, handled, clock, start: () => begin(), idles: () => idle };
	}

	it('the inbound queue: handles all waiting messages in order (5)', async () => {
		const { queue, handled, start, idles, clock } = open();
		for (let i = 1; i <= 1000; i++) queue.add(i);
		expect(queue.length).to.equal(1000);
		start();
		while (idles() === 0) {
			await nextTurn();
			queue.add(1000 + handled.length);
		}
		clock.mock.restore();
		expect(queue.length).to.equal(0);
		expect(handled.slice(0, 1001)).to.deep.equal([...Array(1001).keys()]);
	});

	it('the inbound queue: yields to the event loop while it handles many synchronous messages (5)', async () => {
		const { queue, handled, start, idles, clock } = open();
		for (let i = 1; i <= 50; i++) queue.add(i);
		start();
		const before: number[] = [];
		while (idles() === 0) {
			before.push(handled.length);
			await nextTurn();
		}
		clock.mock.restore();
		expect(before.length).to.be.at.least(5);
		expect(before[0]).to.be.below(10);
		expect(handled).to.have.length(51);
	});

	it('the inbound queue: clear() discards the waiting messages (5)', () => {
		const { queue, handled, start, idles, clock } = open();
		queue.add(1);
		queue.clear();
		start();
		clock.mock.restore();
		expect(handled).to.deep.equal([0]);
		expect(idles()).to.equal(1);
	});
});
