/** The pacer handles input in slices, so that one busy client does not keep others waiting. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect } from 'chai';
import { WebSocket, WebSocketServer } from 'ws';
import { limitConnections } from '../../server/core/limits/connections.js';
import { GOING_AWAY } from '../../server/ddp/transports/close-reason.js';
import { Pacer } from '../../server/ddp/transports/pacer.js';
import { ClientSocket, WebSocketTransport } from '../../server/ddp/transports/websocket.js';

describe('a pacer', () => {
	it('runs a slice immediately if no other slice waits', () => {
		let ran = false;
		new Pacer().schedule(() => {
			ran = true;
		});
		expect(ran).to.equal(true);
	});

	it('runs the waiting slices in turn', async () => {
		const pacer = new Pacer();
		const ran: string[] = [];
		async function work(name: string) {
			for (let i = 0; i < 3; i++) {
				await pacer.waitForTurn();
				ran.push(name);
			}
		}
		await Promise.all(['a', 'b', 'c'].map(work));
		expect(ran.join('')).to.equal('abcabcabc');
	});
});

describe('reading a WebSocket', () => {
	/**
	 * Number of messages or pings that a client sends at once. The server reads 4 KiB at a time: fewer than 700 of them,
	 * because each has at least 6 bytes. The tests only require that it is fewer than a quarter of all.
	 */
	const COUNT = 5000;
	let close = () => {};
	afterEach(() => close());

	/** @param onMessage called for each message, with the number of messages before it */
	async function open(
		onMessage: (count: number, transport: WebSocketTransport) => void = () => {},
		pacer = new Pacer(),
	) {
		const http = createServer();
		const webSockets = new WebSocketServer({ server: http, WebSocket: ClientSocket, perMessageDeflate: false });
		const received: string[] = [];
		let transport: WebSocketTransport | undefined;
		let mostInATurn = 0;
		let inThisTurn = 0;
		let closed: () => void;
		const ended = new Promise<void>((resolve) => {
			closed = resolve;
		});
		const receiver = {
			hasAcceptedConnect: true,
			enforceFrameSize: () => true,
			receive(text: string) {
				if (++inThisTurn === 1) setImmediate(() => (inThisTurn = 0));
				mostInATurn = Math.max(mostInATurn, inThisTurn);
				onMessage(received.push(text) - 1, transport as WebSocketTransport);
			},
			onClose: () => closed(),
		};
		webSockets.on('connection', (webSocket, request) => {
			transport = new WebSocketTransport(webSocket, request, {
				maxBuffered: 1024,
				compression: false,
				addressOf: () => null,
				admission: limitConnections(1, 1),
				pacer,
			});
			transport.open(() => receiver);
		});
		http.listen(0, '127.0.0.1');
		await once(http, 'listening');
		close = () => {
			http.closeAllConnections();
			http.close();
		};
		const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
		await once(client, 'open');
		return { client, received, ended, most: () => mostInATurn };
	}

	const all = Array.from({ length: COUNT }, (_, i) => String(i));

	it('passes on few messages in each turn of the event loop, and in order', async () => {
		const { client, received, ended, most } = await open();
		for (const text of all) client.send(text);
		client.close();
		await ended;
		expect(received).to.deep.equal(all);
		expect(most()).to.be.below(COUNT / 4);
	});

	it('passes on nothing while paused in the middle of a chunk, and then the rest', async () => {
		let atResume = 0;
		const { client, received, ended } = await open((count, transport) => {
			if (count !== 1000) return;
			transport.pause();
			setTimeout(() => {
				atResume = received.length;
				transport.resume();
			}, 20);
		});
		for (const text of all) client.send(text);
		client.close();
		await ended;
		expect(atResume).to.equal(1001);
		expect(received).to.deep.equal(all);
	});

	it('closes in the middle of a chunk, with the given reason', async () => {
		const { client, ended } = await open((count, transport) => {
			if (count === 100) transport.close(GOING_AWAY);
		});
		for (const text of all) client.send(text);
		const [code, text] = await once(client, 'close');
		await ended;
		expect([code, String(text)]).to.deep.equal([1001, 'Server is shutting down']);
	});

	it('discards unread pings when the server terminates the connection', async () => {
		/** Never runs what is scheduled, so that only the first 4 KiB of a chunk are read. */
		class BusyPacer extends Pacer {
			override schedule() {}
		}
		let pings = 0;
		const { client, ended } = await open((_count, transport) => {
			transport.webSocket.on('ping', () => pings++);
			setImmediate(() => transport.terminate());
		}, new BusyPacer());
		const { _socket: socket } = client as unknown as { _socket: Socket };
		// The client sends the message and all pings as one chunk.
		socket.cork();
		client.send('first');
		for (let i = 0; i < COUNT; i++) client.ping();
		socket.uncork();
		await ended;
		expect(pings).to.be.below(COUNT / 4);
	});

	it('passes on a message that is longer than one chunk', async () => {
		const { client, received, ended } = await open();
		const long = 'x'.repeat(300_000);
		client.send('connect');
		client.send(long);
		client.send('behind it');
		client.close();
		await ended;
		expect(received).to.deep.equal(['connect', long, 'behind it']);
	});
});
