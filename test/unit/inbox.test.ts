/** The messages that a session has not handled yet, with a fake clock (test/contract/ddp.md section 5). */
import { mock } from 'node:test';
import { expect } from 'chai';
import { IncomingBuffer } from '../../server/ddp/transports/incoming-buffer.js';
import { Pacer } from '../../server/ddp/transports/pacer.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const messages = (count: number) => Array.from({ length: count }, (_, i) => String(i));

describe('the incoming buffer', () => {
	/** Opens a buffer. The clock advances by 0.2 ms for each message. @param onMessage handles a message */
	function open(onMessage = (_text: string, _inbox: IncomingBuffer) => {}) {
		// Restores the real clock, because an earlier `open` in the same test may have replaced it.
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
				onMessage(text, inbox);
			},
			onClose() {},
		};
		const inbox: IncomingBuffer = new IncomingBuffer(receiver, new Pacer(), () => observed.readyCount++);
		return { inbox, observed, clock };
	}

	afterEach(() => mock.reset());

	it('passes a few messages on immediately (5)', () => {
		const { inbox, observed } = open();
		inbox.push(['a', 'b']);
		expect(observed).to.deep.equal({ received: ['a', 'b'], readyCount: 1 });
	});

	it('yields to the event loop between the messages of a long frame (5)', async () => {
		const { inbox, observed } = open();
		inbox.push(messages(100));
		inbox.push(['next frame']);
		const turns: number[] = [];
		while (observed.readyCount === 0) {
			turns.push(observed.received.length);
			await nextTurn();
		}
		// The messages take 20 ms, and a turn handles about 1 ms of them.
		expect(turns.length).to.be.at.least(5);
		expect(observed.received).to.deep.equal([...messages(100), 'next frame']);
	});

	it('passes on nothing while it is paused, even in the middle of a frame (5)', async () => {
		const { inbox, observed } = open((text) => text === '1' && inbox.pause());
		inbox.push(messages(4));
		await nextTurn();
		expect(observed).to.deep.equal({ received: ['0', '1'], readyCount: 0 });
		inbox.resume();
		await nextTurn();
		expect(observed).to.deep.equal({ received: messages(4), readyCount: 1 });
	});

	it('reports that it is ready for more if it is resumed without a message (5)', () => {
		const { inbox, observed } = open();
		inbox.pause();
		inbox.resume();
		expect(observed.readyCount).to.equal(1);
	});

	it('passes on nothing after the session has closed', async () => {
		for (const pausedBefore of [true, false]) {
			const { inbox, observed } = open((text) => {
				if (text !== '1') return;
				if (pausedBefore) inbox.pause();
				inbox.close();
			});
			inbox.push(messages(4));
			inbox.push(messages(4));
			await nextTurn();
			inbox.push(messages(4));
			expect(observed).to.deep.equal({ received: ['0', '1'], readyCount: 1 });
		}
	});
});
