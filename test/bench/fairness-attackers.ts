/**
 * The attackers of the fairness bench, in a process of their own. A message begins an attack, which lasts until the process ends.
 * The attacks with 30,000 documents send a message when the server has closed their connection.
 */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

export interface Attack {
	readonly what: keyof typeof attacks;
	readonly port: number;
	/** A login token, for the attacks that log in. */
	readonly token: string;
}

/** Bytes of one write. */
const BURST = 256 * 1024;

/** Bytes of a large frame. */
const LARGE = 1_000_000;

/**
 * A WebSocket frame of a client. The first byte, 0x81, says that it is one text. The second has the mask bit, 0x80, and the
 * length, or 126 or 127 if the length follows in 16 or 64 bits. The mask is zero, so the text is unchanged.
 */
function frame(text: string): Buffer {
	const payload = Buffer.from(text);
	const { length } = payload;
	let head: Buffer;
	if (length < 126) head = Buffer.from([0x81, 0x80 | length]);
	else if (length < 65_536) head = Buffer.from([0x81, 0xfe, length >> 8, length & 255]);
	else {
		head = Buffer.alloc(10);
		head.set([0x81, 0xff]);
		head.writeBigUInt64BE(BigInt(length), 2);
	}
	return Buffer.concat([head, Buffer.alloc(4), payload]);
}

/** Copies of one frame, as many as fit into `BURST` bytes. */
function burst(text: string): Buffer {
	const copy = frame(text);
	return Buffer.concat(Array(Math.floor(BURST / copy.length)).fill(copy));
}

/** Opens a connection, and logs in if there is a token. */
async function open(port: number, token?: string): Promise<WebSocket> {
	const socket = new WebSocket(`ws://127.0.0.1:${port}/websocket`, { perMessageDeflate: false });
	socket.on('error', () => {});
	await new Promise((resolve) => socket.once('open', resolve).once('close', resolve));
	socket.send('{"msg":"connect","version":"1","support":["1"]}');
	if (token) socket.send(JSON.stringify({ msg: 'method', id: 'login', method: 'login', params: [{ resume: token }] }));
	await until(socket, token ? '{"msg":"result","id":"login"' : '{"msg":"connected"');
	return socket;
}

/** Resolves when a message that begins with a text arrives, or when the socket has closed. */
function until(socket: WebSocket, start: string): Promise<void> {
	const prefix = Buffer.from(start);
	return new Promise((resolve) => {
		function onMessage(data: Buffer): void {
			if (data.subarray(0, prefix.length).equals(prefix)) done();
		}
		function done(): void {
			socket.off('message', onMessage).off('close', done);
			resolve();
		}
		socket.on('message', onMessage).on('close', done);
	});
}

/** Resolves when a socket can take more data, or has closed. */
function drained(socket: Socket): Promise<void> {
	return new Promise((resolve) => {
		function done(): void {
			socket.off('drain', done).off('close', done);
			resolve();
		}
		socket.on('drain', done).on('close', done);
	});
}

/** Sends the same bytes as fast as the server reads them; opens another connection when one was closed. */
async function flood(port: number, bytes: Buffer, token?: string): Promise<void> {
	for (;;) {
		const socket = await open(port, token);
		const raw = (socket as unknown as { _socket: Socket })._socket;
		while (socket.readyState === WebSocket.OPEN) {
			const isFull = !raw.write(bytes);
			if (isFull) await drained(raw);
			else await delay(0);
		}
	}
}

const pings = burst('{"msg":"ping"}');
const malformed = burst('x');
/** A call whose argument is a list of many empty lists. */
const lists = frame(`{"msg":"method","id":"1","method":"bench.nothing","params":[[${'[],'.repeat(LARGE / 3)}[]]]}`);
/** Subscribes to 30,000 documents, which only a logged-in user receives. */
const view = { msg: 'sub', id: 's', name: 'bench.view', params: [] };

const attacks = {
	pings: ({ port }: Attack) => flood(port, pings),
	malformed: ({ port }: Attack) => Promise.all(Array.from({ length: 5 }, () => flood(port, malformed))),
	'large frames': ({ port }: Attack) => Promise.all([flood(port, lists), flood(port, lists)]),
	'large frames, logged in': ({ port, token }: Attack) =>
		Promise.all([flood(port, lists, token), flood(port, lists, token)]),
	async 'a login that publishes 30,000 documents'({ port, token }: Attack) {
		for (;;) {
			const socket = await open(port);
			socket.send(JSON.stringify(view));
			await until(socket, '{"msg":"ready"');
			socket.send(JSON.stringify({ msg: 'method', id: 'login', method: 'login', params: [{ resume: token }] }));
			await until(socket, '{"msg":"result","id":"login"');
			if (socket.readyState !== WebSocket.OPEN) process.send?.('cut off');
			socket.terminate();
		}
	},
	async 'an unsub of 30,000 documents'({ port, token }: Attack) {
		const socket = await open(port, token);
		for (;;) {
			socket.send(JSON.stringify(view));
			await until(socket, '{"msg":"ready"');
			socket.send('{"msg":"unsub","id":"s"}');
			await until(socket, '{"msg":"nosub"');
			if (socket.readyState !== WebSocket.OPEN) process.send?.('cut off');
		}
	},
};

process.on('message', (attack: Attack) => void attacks[attack.what](attack));
process.on('disconnect', () => process.exit());
