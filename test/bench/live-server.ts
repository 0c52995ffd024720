/** A server of the bench of live queries: `node live-server.js roomkey|ws`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import * as codec from '../../server/ddp/codec.js';
import { createApp } from '../../server/start/app.js';
import { openStore } from '../../server/store/open.js';
import { method } from '../../shared/method.js';
import { liveQuery, type PublicationContext, publication } from '../../shared/publication.js';
import { memoryLog } from '../support/log.js';
import { testOptions } from '../support/options.js';
import { memory } from './memoryUsage.js';
import type { Ready } from './server.js';

/** Rooms that each have a topic of their own. */
const ROOMS = 1000;
/** Topics that each belong to a hundred further rooms. */
const SHARED_TOPICS = 100;

const anyone = { anonymous: true, summary: 'For the bench of live queries' } as const;

/** The subscriptions to `bench.own`. The method of that name sends a change to each of them. */
const ownSubscriptions = new Set<PublicationContext>();

const publications = [
	publication({
		...anyone,
		name: 'bench.id',
		args: { id: String },
		run: ({ id }) => liveQuery('rooms', { _id: { $in: [id] } }, { msgs: 1 }),
	}),
	publication({
		...anyone,
		name: 'bench.value',
		args: { topic: String },
		run: ({ topic }) => liveQuery('rooms', { topic }, { msgs: 1 }),
	}),
	publication({
		...anyone,
		// Finds nothing: `msgs` is never negative.
		name: 'bench.range',
		args: { number: String },
		run: ({ number }) => liveQuery('rooms', { msgs: { $lt: -Number(number) } }, { msgs: 1 }),
	}),
	publication({
		...anyone,
		name: 'bench.hundred',
		args: { topic: String },
		run: ({ topic }) => liveQuery('rooms', { topic }, { name: 1, msgs: 1, description: 1 }),
	}),
	publication({
		...anyone,
		name: 'bench.own',
		args: {},
		run(_args, context) {
			context.added('rocketchat_room', 'r0', { msgs: 0 });
			ownSubscriptions.add(context);
			context.onStop(() => void ownSubscriptions.delete(context));
			context.ready();
		},
	}),
];

let count = 0;

const methods = [
	method({
		...anyone,
		name: 'bench.write',
		args: {},
		run: async (_args, { store }) => void (await store.rooms.updateOne({ _id: 'r0' }, { $inc: { msgs: 1 } })),
	}),
	method({
		...anyone,
		name: 'bench.own',
		args: {},
		run() {
			count++;
			for (const context of ownSubscriptions) context.changed('rocketchat_room', 'r0', { msgs: count });
		},
	}),
];

async function roomkey(): Promise<number> {
	const log = memoryLog();
	const { store, onChange } = await openStore({ kind: 'memory' }, log);
	for (let i = 0; i < ROOMS; i++) await store.rooms.insertOne({ _id: `r${i}`, t: 'p', topic: `t${i}`, msgs: 0 });
	for (let i = 0; i < SHARED_TOPICS * 100; i++) {
		const description = 'x'.repeat(50);
		await store.rooms.insertOne({
			_id: `h${i}`,
			t: 'p',
			topic: `h${i % SHARED_TOPICS}`,
			name: `n${i}`,
			msgs: 1,
			description,
		});
	}
	const catalogue = await import('../../methods/index.js');
	const app = createApp({
		catalogue: {
			...catalogue,
			methods: [...catalogue.methods, ...methods],
			publications: [...catalogue.publications, ...publications],
		},
		...testOptions,
		grace: 0,
		store,
		onChange,
		log,
	});
	return app.listen(0, '127.0.0.1');
}

/** A bare server that sends the same frames for the same calls, and does nothing else. */
async function bareWs(): Promise<number> {
	const http = createServer();
	const webSockets = new WebSocketServer({ server: http, perMessageDeflate: false });
	webSockets.on('connection', (socket) => {
		socket.on('message', (data) => {
			const { msg, id, method } = JSON.parse(String(data));
			if (msg === 'connect') socket.send('{"msg":"connected","session":"bare"}');
			else if (msg === 'sub') {
				socket.send(codec.added('rocketchat_room', 'r0', { msgs: 0 }));
				socket.send(codec.ready([id]));
			} else {
				socket.send(codec.result(id, undefined));
				const frame = codec.changed('rocketchat_room', 'r0', { msgs: ++count });
				if (method === 'bench.own') for (const client of webSockets.clients) client.send(frame);
				socket.send(codec.updated(id));
			}
		});
	});
	await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
	return (http.address() as AddressInfo).port;
}

const port = await (process.argv[2] === 'ws' ? bareWs() : roomkey());
process.send?.({ port } satisfies Ready);
process.on('message', (what) => process.send?.(what === 'memory' ? memory() : process.cpuUsage()));
process.on('disconnect', () => process.exit());
