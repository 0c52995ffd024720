/** The attackers of the fairness bench. A message begins an attack, which lasts until the process ends. */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';

export interface Attack {
	readonly what: keyof typeof attacks;
	readonly port: number;
	readonly token: string;
}

const BURST_BYTES = 256 * 1024;

const LARGE_FRAME_BYTES = 1_000_000;

/** A WebSocket frame of a client with one text (RFC 6455, section 5.2). Its mask is zero, so the text is unchanged. */
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

function burst(text: string): Buffer {
	const copy = frame(text);
	return Buffer.concat(Array(Math.floor(BURST_BYTES / copy.length)).fill(copy));
}

async function open(port: number, token?: string): Promise<WebSocket> {
	const socket = new WebSocket(`ws://127.0.0.1:${port}/websocket`, { perMessageDeflate: false });
	socket.on('error', () => {});
	await new Promise((resolve) => socket.once('open', resolve).once('close', resolve));
	socket.send('{"msg":"connect","version":"1","support":["1"]}');
	if (token) socket.send(JSON.stringify({ msg: 'method', id: 'login', method: 'login', params: [{ resume: token }] }));
	await until(socket, token ? '{"msg":"result","id":"login"' : '{"msg":"connected"');
	return socket;
}

/** Waits for a message that begins with `start`, or until the socket has closed. */
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

function drained(socket: Socket): Promise<void> {
	return new Promise((resolve) => {
		function done(): void {
			socket.off('drain', done).off('close', done);
			resolve();
		}
		socket.on('drain', done).on('close', done);
	});
}

/** Sends the same bytes as fast as the server reads them. Reconnects when the connection was closed. */
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
const lists = frame(
	`{"msg":"method","id":"1","method":"bench.nothing","params":[[${'[],'.repeat(LARGE_FRAME_BYTES / 3)}[]]]}`,
);
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
