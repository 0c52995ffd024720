/** A server to measure: `node --expose-gc server.js KIND [PEOPLE [ADDRESS OF NATS]]`, with a kind of `kinds`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { pino } from 'pino';
import { WebSocketServer } from 'ws';
import type { Link } from '../../server/cluster/link.js';
import { natsLink } from '../../server/cluster/nats.js';
import * as codec from '../../server/ddp/codec.js';
import { Ops } from '../../server/ops/ops.js';
import { createApp } from '../../server/start/app.js';
import { openStore, type StoreChoice } from '../../server/store/open.js';
import type { Log } from '../../shared/log.js';
import { method } from '../../shared/method.js';
import { stream } from '../../shared/stream.js';
import { memoryLog } from '../support/log.js';
import { testOptions } from '../support/options.js';
import { addPerson, addRoom } from '../support/people.js';
import { memory } from './memoryUsage.js';

export interface Ready {
	readonly port: number;
	/** A user who may call, and a room of this user that has a key id. */
	readonly person?: { readonly id: string; readonly token: string };
	readonly rid?: string;
	/** Login tokens of PEOPLE further users. */
	readonly tokens?: readonly string[];
}

const nothing = method({
	name: 'bench.nothing',
	summary: 'Does nothing with two strings',
	args: { rid: String, keyID: String },
	rest: 'POST',
	anonymous: true,
	run: () => {},
});

const event = {
	stream: 'bench',
	eventName: 'all',
	args: [{ _id: 'wCiXndNp5NqNY3uCc', t: 'p', text: 'x'.repeat(200) }],
};

const notify = method({
	name: 'bench.notify',
	summary: 'Sends an event to everyone',
	args: {},
	anonymous: true,
	run: (_args, { events }) => events.emit('notify', event),
});

const everyone = stream({ name: event.stream, summary: 'Events for everyone', mayRead: () => true });

const eventFrame = codec.changed('stream-bench', 'id', { eventName: event.eventName, args: event.args });

async function onFiles(people: number): Promise<Ready> {
	const folder = mkdtempSync(join(tmpdir(), 'roomkey-bench-'));
	process.once('exit', () => rmSync(folder, { recursive: true }));
	return roomkey(people, { store: { kind: 'files', folder } });
}

interface RoomkeyParts {
	readonly store?: StoreChoice;
	/** Metrics. Default: none. */
	readonly ops?: Ops;
	readonly log?: Log;
	/** The connection to other processes. Default: none. */
	readonly link?: Link;
}

async function roomkey(people: number, parts: RoomkeyParts = {}): Promise<Ready> {
	const { store: choice = { kind: 'memory' }, ops, log = memoryLog(), link } = parts;
	const catalogue = await import('../../methods/index.js');
	const open = await openStore(choice, log);
	const { onChange } = open;
	const store = ops?.observe(open) ?? open.store;
	const person = await addPerson(store);
	const { success: _, ...keys } = bareKeys;
	await store.users.updateOne({ _id: person.id }, { $set: { e2e: keys } });
	const rid = await addRoom(store, [person], { e2eKeyId: 'has-one' });
	const app = createApp({
		catalogue: {
			...catalogue,
			methods: [...catalogue.methods, nothing, notify],
			streams: [...catalogue.streams, everyone],
		},
		...testOptions,
		grace: 0,
		store,
		onChange,
		log,
		ops,
		link,
	});
	const tokens: string[] = [];
	while (tokens.length < people) tokens.push((await addPerson(store)).token);
	return { port: await app.listen(0, '127.0.0.1'), person, rid, tokens };
}

/** Roomkey with the metrics and the log of the command. The log goes to /dev/null. */
async function observed(people: number, metrics: 'on' | 'off', level: 'info' | 'silent'): Promise<Ready> {
	const log = pino({ level }, pino.destination({ dest: '/dev/null', sync: true }));
	return roomkey(people, { ops: new Ops({ log, metrics, version: 'bench' }), log });
}

function listen(server: Server): Promise<Ready> {
	return new Promise((resolve) => {
		server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port }));
	});
}

/**
 * Makes a bare server answer each call with the same two frames as Roomkey.
 * @param notify called at each call of `bench.notify`
 */
function answerCalls(webSockets: WebSocketServer, notify: () => void): void {
	webSockets.on('connection', (socket) => {
		socket.on('message', (data) => {
			const { msg, id, method } = JSON.parse(String(data));
			if (msg === 'connect') {
				socket.send(JSON.stringify({ msg: 'connected', session: 'bare' }));
			} else {
				if (method === 'bench.notify') notify();
				socket.send(JSON.stringify({ msg: 'updated', methods: [id] }));
				socket.send(JSON.stringify({ msg: 'result', id }));
			}
		});
	});
}

function sendToAll({ clients }: WebSocketServer, text: string): void {
	for (const client of clients) client.send(text);
}

async function bareWs(): Promise<Ready> {
	const http = createServer();
	const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
	answerCalls(webSockets, () => sendToAll(webSockets, eventFrame));
	return listen(http);
}

/** The answer of `e2e.fetchMyKeys`, with keys of usual lengths. */
const bareKeys = { public_key: 'p'.repeat(450), private_key: 's'.repeat(2000), success: true };

/**
 * A bare HTTP server. It answers a GET like `e2e.fetchMyKeys`, and a POST with success, even where Roomkey refuses the
 * call.
 */
async function bareHttp(): Promise<Ready> {
	const http = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk) => chunks.push(chunk));
		request.on('end', () => {
			if (chunks.length > 0) JSON.parse(String(Buffer.concat(chunks)));
			const body = JSON.stringify(request.method === 'GET' ? bareKeys : { success: true });
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

const NATS = process.argv[4] ?? '';

/** Servers with the same subject belong to one cluster. */
const SUBJECT = 'bench';

async function inCluster(people: number): Promise<Ready> {
	const link = natsLink({ servers: [NATS], subject: SUBJECT, log: memoryLog() });
	return roomkey(people, { link });
}

/** A bare server that passes a text to the other servers over NATS, and sends their texts to its own clients. */
async function bareNats(): Promise<Ready> {
	const nats = await connect({ servers: NATS, noEcho: true });
	const http = createServer();
	const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
	nats.subscribe('bare', {
		callback: (_error, { data }) => sendToAll(webSockets, Buffer.from(data).toString()),
	});
	answerCalls(webSockets, () => nats.publish('bare', eventFrame));
	return listen(http);
}

const kinds: Record<string, (people: number) => Promise<Ready>> = {
	roomkey: (people) => roomkey(people),
	files: onFiles,
	unobserved: (people) => observed(people, 'off', 'silent'),
	metrics: (people) => observed(people, 'on', 'silent'),
	observed: (people) => observed(people, 'on', 'info'),
	ws: bareWs,
	http: bareHttp,
	cluster: inCluster,
	'ws-nats': bareNats,
};
const ready = await kinds[process.argv[2] ?? '']?.(Number(process.argv[3] ?? 0));
process.on('message', (what) => process.send?.(what === 'memory' ? memory() : process.cpuUsage()));
process.on('disconnect', () => process.exit());
process.send?.(ready);
