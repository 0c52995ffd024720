/**
 * What live queries cost: writes that no subscriber sees, changes that all see, and the memory of a subscriber. Changes
 * are compared with those of a bare server that sends the same frames.
 */
import { WebSocket } from 'ws';
import { connect } from './greetings.js';
import type { Greeting } from './loadClients.js';
import { cpuOf, measureMemory, median, type RunningServer, serverIn, startLoadClients } from './processes.js';

/** Subscribers that do not see a write. */
const SUBSCRIBERS = 1_000;
/** Subscribers that see each change. */
const RECEIVERS = 200;
const WRITES_PER_ROUND = 100;
const ROUNDS = 7;
/** Number of writes before a measurement, so that code is compiled by then. */
const WARM_UP = 1_000;

const startLiveServer = (kind: 'roomkey' | 'ws'): Promise<RunningServer> => serverIn('./live-server.js', kind);

/** The messages of a subscriber. `TOKEN` is replaced by what the subscriber asks for: an id, a topic or a number. */
const subscribe = (name: string, params = '["TOKEN"]'): readonly Greeting[] => [
	connect,
	{ text: `{"msg":"sub","id":"1","name":"${name}","params":${params}}`, answer: '{"msg":"ready"' },
];

/** A client whose `call` resolves when `updated` arrives, with the time since the call in ms. */
async function writer(port: number): Promise<{ call(method: string): Promise<number>; close(): void }> {
	const socket = new WebSocket(`ws://127.0.0.1:${port}/websocket`, { perMessageDeflate: false });
	let begun = 0;
	let resolve: (time: number) => void = () => {};
	const connected = new Promise((ready) => {
		socket.on('open', () => socket.send(connect.text));
		socket.on('message', (data: Buffer) => {
			const text = String(data);
			if (text.startsWith(connect.answer)) ready(undefined);
			else if (text.startsWith('{"msg":"updated"')) resolve(performance.now() - begun);
		});
	});
	await connected;
	return {
		call(method) {
			begun = performance.now();
			socket.send(`{"msg":"method","method":"${method}","params":[],"id":"1"}`);
			return new Promise((done) => {
				resolve = done;
			});
		},
		close: () => socket.terminate(),
	};
}

/** CPU of a call in µs, and the time until its `updated` in ms. */
interface Cost {
	readonly cpu: number;
	readonly updated: number;
}

async function costOfUnseenWrite(greeting: readonly Greeting[], tokens: readonly string[]): Promise<Cost> {
	const server = await startLiveServer('roomkey');
	const loadClients = startLoadClients();
	await loadClients.order({ what: 'open', port: server.port, count: tokens.length, greeting, tokens });
	const caller = await writer(server.port);
	const costs: Cost[] = [];
	for (let i = 0; i < WARM_UP; i++) await caller.call('bench.write');
	for (let round = 0; round < ROUNDS; round++) {
		const before = await cpuOf(server);
		const times: number[] = [];
		for (let i = 0; i < WRITES_PER_ROUND; i++) times.push(await caller.call('bench.write'));
		costs.push({ cpu: ((await cpuOf(server)) - before) / WRITES_PER_ROUND, updated: median(times) });
	}
	caller.close();
	await loadClients.stop();
	await server.stop();
	return { cpu: median(costs.map(({ cpu }) => cpu)), updated: median(costs.map(({ updated }) => updated)) };
}

interface Delivery {
	/** CPU time of the server for each change and subscriber, in µs. */
	round(): Promise<number>;
	stop(): Promise<void>;
}

async function startDelivery(kind: 'roomkey' | 'ws', greeting: readonly Greeting[], method: string): Promise<Delivery> {
	const server = await startLiveServer(kind);
	const loadClients = startLoadClients();
	await loadClients.order({ what: 'open', port: server.port, count: RECEIVERS, greeting });
	const caller = await writer(server.port);
	return {
		async round() {
			const before = await cpuOf(server);
			for (let i = 0; i < WRITES_PER_ROUND; i++) {
				const received = loadClients.order({ what: 'await', events: RECEIVERS });
				await caller.call(method);
				await received;
			}
			return ((await cpuOf(server)) - before) / WRITES_PER_ROUND / RECEIVERS;
		},
		async stop() {
			caller.close();
			await loadClients.stop();
			await server.stop();
		},
	};
}

/** Memory of a subscriber with 100 documents and a query of its own, in bytes. */
async function bytesOfSubscriber(): Promise<number> {
	const server = await startLiveServer('roomkey');
	const { port } = server;
	const count = 50;
	const loadClients = startLoadClients();
	const tokens = Array.from({ length: 2 * count }, (_, i) => `h${i}`);
	const open = (someTokens: readonly string[], greeting: readonly Greeting[]) =>
		loadClients.order({ what: 'open', port, count, greeting, tokens: someTokens });
	// Warm-up.
	await open(tokens.slice(count), subscribe('bench.hundred'));
	await open([], [connect]);
	// `connected` less `idle` is the memory of connections without subscriptions.
	const idle = await measureMemory(server);
	await open([], [connect]);
	const connected = await measureMemory(server);
	await open(tokens.slice(0, count), subscribe('bench.hundred'));
	const subscribed = await measureMemory(server);
	await loadClients.stop();
	await server.stop();
	return (subscribed.held - connected.held - (connected.held - idle.held)) / count;
}

async function printUnseen(): Promise<void> {
	/** What the subscribers ask for: never the room `r0`, which is written. */
	const others = (letter: string) => Array.from({ length: SUBSCRIBERS }, (_, i) => `${letter}${(i % 999) + 1}`);
	const rows: [what: string, publication: string, tokens: readonly string[]][] = [
		['other ids', 'bench.id', others('r')],
		['another value', 'bench.value', others('t')],
		['another range', 'bench.range', others('')],
	];
	const { cpu, updated } = await costOfUnseenWrite([connect], []);
	console.log(
		`A write that none of ${SUBSCRIBERS} subscribers sees; CPU beyond that of the write without subscribers.\n`,
	);
	console.log('| Each subscriber asks for | CPU µs | aim | `updated` after ms |');
	console.log('|---|---|---|---|');
	console.log(`| nothing: no subscribers | ${cpu.toFixed(0)} in all | | ${updated.toFixed(2)} |`);
	for (const [what, publication, tokens] of rows) {
		const cost = await costOfUnseenWrite(subscribe(publication), tokens);
		console.log(`| ${what} | ${(cost.cpu - cpu).toFixed(0)} | ≤ 100 | ${cost.updated.toFixed(2)} |`);
	}
}

async function printDelivered(): Promise<void> {
	const all = [
		await startDelivery('ws', subscribe('any'), 'bench.own'),
		await startDelivery('roomkey', subscribe('bench.id', '["r0"]'), 'bench.write'),
		await startDelivery('roomkey', subscribe('bench.own', '[]'), 'bench.own'),
	] as const;
	const rounds: number[][] = [];
	for (let i = 0; i <= ROUNDS; i++) {
		const figures: number[] = [];
		for (const delivery of all) figures.push(await delivery.round());
		rounds.push(figures);
	}
	rounds.shift();
	for (const delivery of all) await delivery.stop();
	const figure = (kind: number) => median(rounds.map((round) => round[kind] as number)).toFixed(2);
	const ratio = (kind: number) =>
		median(rounds.map((round) => (round[kind] as number) / (round[0] as number))).toFixed(2);
	console.log(`\nA change at each of ${RECEIVERS} subscribers.\n`);
	console.log('| Delivered by | CPU µs | ratio | aim |');
	console.log('|---|---|---|---|');
	console.log(`| a bare server | ${figure(0)} | | |`);
	console.log(`| a live query | ${figure(1)} | ${ratio(1)} | ≤ 2.0 |`);
	console.log(`| the publication's own \`changed\` | ${figure(2)} | ${ratio(2)} | |`);
}

/** Prints the tables. */
export async function benchLive(): Promise<void> {
	await printUnseen();
	await printDelivered();
	const bytes = await bytesOfSubscriber();
	console.log(`\nA subscriber of 100 documents takes ${(bytes / 1000).toFixed(1)} kB; aim ≤ 20 kB.`);
}
