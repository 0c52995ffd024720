/** SockJS polling without a network and with a fake clock (test/contract/ddp.md 1.5). */
import type { IncomingMessage } from 'node:http';
import { mock } from 'node:test';
import { expect } from 'chai';
import { limitConnections } from '../../server/core/limits/connections.js';
import { NORMAL_CLOSURE } from '../../server/ddp/transports/close-reason.js';
import { Pacer } from '../../server/ddp/transports/pacer.js';
import { type PollingOptions, PollingTransport } from '../../server/ddp/transports/sockjs/polling.js';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a polling transport', () => {
	beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
	afterEach(() => mock.timers.reset());

	function open(options: Partial<PollingOptions> = {}) {
		/** `closed` and `gone` count the calls of `onClose` and `onDisconnect`. */
		const observed = { received: [] as string[], closed: 0, gone: 0, answers: [] as string[] };
		const request = { headers: { host: 'h' }, socket: { remoteAddress: '127.0.0.1' } } as unknown as IncomingMessage;
		const receiver = {
			hasAcceptedConnect: true,
			enforceFrameSize: () => true,
			receive: (text: string) => observed.received.push(text),
			onClose: () => observed.closed++,
		};
		const transport = new PollingTransport(
			request,
			() => receiver,
			{
				maxPollHold: 45_000,
				pollTimeout: 60_000,
				maxBuffered: 10,
				addressOf: () => '127.0.0.1',
				admission: limitConnections(1, 1),
				pacer: new Pacer(),
				...options,
			},
			{ onCloseFrameSent() {}, onDisconnect: () => observed.gone++ },
		);
		const poll = () => transport.poll((frame) => observed.answers.push(frame));
		return { transport, observed, poll };
	}

	it('returns the address and the headers of the client', () => {
		expect(open().transport).to.deep.include({ clientAddress: '127.0.0.1', headers: { host: 'h' } });
	});

	it('answers a poll immediately with all waiting messages', () => {
		const { transport, observed, poll } = open();
		transport.send('1');
		transport.send('"');
		poll();
		expect(observed.answers).to.deep.equal(['a["1","\\""]']);
	});

	it('answers a held poll with all messages of one turn of the event loop', async () => {
		const { transport, observed, poll } = open();
		poll();
		transport.send('1');
		transport.send('2');
		expect(observed.answers).to.deep.equal([]);
		await nextTurn();
		expect(observed.answers).to.deep.equal(['a["1","2"]']);
	});

	it('is drained while at most 64 KiB wait, and again after a poll', async () => {
		const { transport, poll } = open({ maxBuffered: 1e6 });
		// Exactly 64 KiB: each letter has two bytes, and the two quotes are counted too.
		transport.send('é'.repeat(32_767));
		expect(transport.whenDrained()).to.equal(undefined);
		transport.send('1');
		const drained = transport.whenDrained();
		expect(drained).to.be.a('promise');
		poll();
		await drained;
		expect(transport.whenDrained()).to.equal(undefined);
	});

	it('keeps received messages while it is paused, and refuses further ones', async () => {
		const { transport, observed } = open();
		transport.pause();
		transport.pause();
		const received = transport.receive(['1', '2']);
		expect(transport.receive(['3'])).to.equal(null);
		await nextTurn();
		expect(observed.received).to.deep.equal([]);
		transport.resume();
		await received;
		transport.resume();
		await transport.receive(['3']);
		expect(observed.received).to.deep.equal(['1', '2', '3']);
	});

	it('ends a paused receive() when the session closes', async () => {
		const { transport } = open();
		transport.pause();
		const received = transport.receive(['1']);
		transport.close(NORMAL_CLOSURE);
		await received;
	});

	it('answers a poll with a heartbeat after 45 s', () => {
		const { observed, poll } = open();
		poll();
		mock.timers.tick(44_999);
		expect(observed.answers).to.deep.equal([]);
		mock.timers.tick(1);
		expect(observed.answers).to.deep.equal(['h']);
	});

	it('closes 60 s after it has answered the last poll', () => {
		const { observed, poll } = open();
		mock.timers.tick(59_999);
		poll();
		mock.timers.tick(45_000);
		mock.timers.tick(59_999);
		expect(observed).to.deep.include({ answers: ['h'], closed: 0, gone: 0 });
		mock.timers.tick(1);
		expect(observed).to.deep.include({ closed: 1, gone: 1 });
	});

	it('delivers messages sent before the close, then the close frame at every poll', async () => {
		const { transport, observed, poll } = open();
		poll();
		transport.send('1');
		transport.close(NORMAL_CLOSURE);
		transport.send('2');
		await nextTurn();
		poll();
		poll();
		expect(observed.answers).to.deep.equal(['a["1"]', 'c[1000,"Normal closure"]', 'c[1000,"Normal closure"]']);
		expect(observed).to.include({ closed: 1, gone: 0 });
		mock.timers.tick(60_000);
		expect(observed).to.include({ closed: 1, gone: 1 });
	});

	it('disconnects a client for which too much is buffered, and discards the buffer', () => {
		const { transport, observed, poll } = open();
		// As a JSON string this message has ten bytes.
		transport.send('""""');
		expect(observed.closed).to.equal(0);
		transport.send('1');
		expect(observed.closed).to.equal(1);
		poll();
		expect(observed.answers).to.deep.equal(['c[1000,"Normal closure"]']);
	});

	it('closes when the client disconnects, and discards the buffer', async () => {
		const { transport, observed, poll } = open();
		poll();
		transport.send('1');
		transport.onDisconnect();
		await nextTurn();
		expect(observed).to.deep.include({ answers: [], closed: 1, gone: 1 });
	});
});
