/** The messages that a session has not handled yet, with a fake clock (test/contract/ddp.md section 5). */
import { mock } from 'node:test';
import { expect } from 'chai';
import { IncomingBuffer } from '../../server/ddp/transports/incoming-buffer.js';
import { Pacer } from '../../server/ddp/transports/pacer.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const messages = (count: number) => Array.from({ length: count }, (_, i) => String(i));

describe('the incoming buffer', () => {
	/** Opens a buffer. The clock advances by 0.2 ms for each message. */
	function open(onMessage = (_text: string, _buffer: IncomingBuffer) => {}) {
		// An earlier `open` in the same test may have replaced the clock.
		mock.reset();
		let now = 0;
		const clock = mock.method(performance, 'now', () => now);
		const observed = { received: [] as string[], readyCount: 0 };
		const receiver = {
			hasAcceptedConnect: true,
			enforceFrameSize: () => true,
			receive(text: string) {
				now += 0.2;
				observed.received.push(text);
				onMessage(text, buffer);
			},
			onClose() {},
		};
		const buffer: IncomingBuffer = new IncomingBuffer(receiver, new Pacer(), () => observed.readyCount++);
		return { buffer, observed, clock };
	}

	afterEach(() => mock.reset());

	it('passes a few messages on immediately (5)', () => {
		const { buffer, observed } = open();
		buffer.push(['a', 'b']);
		expect(observed).to.deep.equal({ received: ['a', 'b'], readyCount: 1 });
	});

	it('yields to the event loop between the messages of a long frame (5)', async () => {
		const { buffer, observed } = open();
		buffer.push(messages(100));
		buffer.push(['next frame']);
		const turns: number[] = [];
		while (observed.readyCount === 0) {
			turns.push(observed.received.length);
			await nextTurn();
		}
		// The messages take 20 ms, and a turn handles about 1 ms of them.
		expect(turns.length).to.be.at.least(5);
		expect(observed.received).to.deep.equal([...messages(100), 'next frame']);
	});

	it('passes on nothing while it is paused, even within a frame (5)', async () => {
		const { buffer, observed } = open((text) => text === '1' && buffer.pause());
		buffer.push(messages(4));
		await nextTurn();
		expect(observed).to.deep.equal({ received: ['0', '1'], readyCount: 0 });
		buffer.resume();
		await nextTurn();
		expect(observed).to.deep.equal({ received: messages(4), readyCount: 1 });
	});

	it('reports that it is ready for more when resumed without a message (5)', () => {
		const { buffer, observed } = open();
		buffer.pause();
		buffer.resume();
		expect(observed.readyCount).to.equal(1);
	});

	it('passes on nothing after the session has closed', async () => {
		for (const pausedBefore of [true, false]) {
			const { buffer, observed } = open((text) => {
				if (text !== '1') return;
				if (pausedBefore) buffer.pause();
				buffer.close();
			});
			buffer.push(messages(4));
			buffer.push(messages(4));
			await nextTurn();
			buffer.push(messages(4));
			// After `close` the buffer reports once that it is ready.
			expect(observed).to.deep.equal({ received: ['0', '1'], readyCount: 1 });
		}
	});
});
