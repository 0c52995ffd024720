/** The cost of an event that goes to many subscribers, compared with a bare server that sends a text to each client. */

import { connect, subscribe } from './greetings.js';
import { ddpCaller } from './load.js';
import type { Greeting } from './loadClients.js';
import { atMost, cpuOf, median, type RunningServer, startLoadClients, startServer } from './processes.js';

const SUBSCRIBERS = atMost(10_000);
const ROUNDS = 7;
const EVENTS_PER_ROUND = 10;
const AIM = 0.9;

interface Service {
	/** CPU time of the server for each event and subscriber, in µs. */
	round(): Promise<number>;
	stop(): Promise<void>;
}

async function subscribeClients(server: RunningServer, greeting: readonly Greeting[]): Promise<Service> {
	const loadClients = startLoadClients();
	await loadClients.order({ what: 'open', port: server.port, count: SUBSCRIBERS, greeting });
	const caller = await ddpCaller(server.port, 'bench.notify', [])(() => {});
	return {
		async round() {
			const before = await cpuOf(server);
			for (let i = 0; i < EVENTS_PER_ROUND; i++) {
				caller.call();
				await loadClients.order({ what: 'await', events: SUBSCRIBERS });
			}
			return ((await cpuOf(server)) - before) / EVENTS_PER_ROUND / SUBSCRIBERS;
		},
		async stop() {
			caller.close();
			await loadClients.stop();
			await server.stop();
		},
	};
}

/** Prints the table of events. The first round compiles code and does not count. */
export async function benchFanOut(): Promise<void> {
	const bare = await subscribeClients(await startServer('ws'), []);
	const ours = await subscribeClients(await startServer('roomkey'), [connect, subscribe]);
	const figures: { bare: number; ours: number }[] = [];
	for (let i = 0; i <= ROUNDS; i++) figures.push({ bare: await bare.round(), ours: await ours.round() });
	figures.shift();
	await Promise.all([bare.stop(), ours.stop()]);
	const cells = [
		SUBSCRIBERS,
		median(figures.map((f) => f.bare)).toFixed(2),
		median(figures.map((f) => f.ours)).toFixed(2),
		median(figures.map((f) => f.ours / f.bare)).toFixed(2),
		`≤ ${AIM}`,
	];
	console.log("CPU is the server's, for one event and one subscriber.\n");
	console.log('| Subscribers | bare CPU µs | Roomkey CPU µs | CPU ratio | aim |');
	console.log('|---|---|---|---|---|');
	console.log(`| ${cells.join(' | ')} |`);
}
