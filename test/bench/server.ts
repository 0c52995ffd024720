/** A server to measure, in a process of its own: `node server.js roomkey|ws|http`. Tells its port and its CPU time. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { createApp } from '../../server/app.js';
import { openStore } from '../../server/store/open.js';
import { method } from '../../shared/method.js';
import { memoryLog } from '../support/log.js';
import { addPerson, addRoom } from '../support/people.js';

export interface Ready {
	readonly port: number;
	/** Someone who may call, and a room of theirs that has a key. */
	readonly person?: { readonly id: string; readonly token: string };
	readonly rid?: string;
}

/** Checks two strings, and that is all. */
const nothing = method({
	name: 'bench.nothing',
	summary: 'Does nothing with two strings',
	args: { rid: String, keyID: String },
	rest: 'POST',
	anonymous: true,
	run: () => {},
});

async function roomkey(): Promise<Ready> {
	const catalogue = await import('../../methods/index.js');
	const log = memoryLog();
	const { store } = await openStore({ kind: 'memory' }, log);
	const person = await addPerson(store);
	const rid = await addRoom(store, [person], { e2eKeyId: 'has-one' });
	const app = createApp({
		catalogue: { ...catalogue, methods: [...catalogue.methods, nothing] },
		grace: 0,
		store,
		log,
		settings: { loginExpirationInDays: 90, signUps: false },
		maxBody: 1_048_576,
		// One user calls as often as it can.
		rateLimit: 'off',
		forwardedCount: 0,
		ddp: {
			maxFrame: 1_048_576,
			compression: false,
			maxConnectionsPerAddress: 100_000,
			maxQueue: 100,
			maxBuffered: 16_777_216,
			maxSubscriptions: 1000,
			connectTimeout: 45_000,
			heartbeat: { interval: 15_000, timeout: 15_000 },
		},
	});
	return { port: await app.listen(0, '127.0.0.1'), person, rid };
}

function listen(server: Server): Promise<Ready> {
	return new Promise((resolve) => {
		server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }));
	});
}

/** Parses a call and answers it with the same two frames, and knows nothing else. */
async function bareWs(): Promise<Ready> {
	const http = createServer();
	const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
	webSockets.on('connection', (socket) => {
		socket.on('message', (data) => {
			const { msg, id } = JSON.parse(String(data));
			if (msg === 'connect') {
				socket.send(JSON.stringify({ msg: 'connected', session: 'bare' }));
			} else {
				socket.send(JSON.stringify({ msg: 'updated', methods: [id] }));
				socket.send(JSON.stringify({ msg: 'result', id }));
			}
		});
	});
	return listen(http);
}

/** Parses a body and answers with the same headers and body, and knows nothing else. */
async function bareHttp(): Promise<Ready> {
	const http = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk) => chunks.push(chunk));
		request.on('end', () => {
			JSON.parse(String(Buffer.concat(chunks)));
			const body = JSON.stringify({ success: true });
			response.writeHead(200, {
				'content-type': 'application/json',
				'cache-control': 'no-store',
				pragma: 'no-cache',
				'content-length': body.length,
			});
			response.end(body);
		});
	});
	return listen(http);
}

const kinds: Record<string, () => Promise<Ready>> = { roomkey, ws: bareWs, http: bareHttp };
const ready = await kinds[process.argv[2] ?? '']?.();
process.on('message', () => process.send?.(process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.send?.(ready);
