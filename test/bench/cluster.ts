/**
 * The cost of an event that goes from one process over NATS to the subscribers of two others. It is compared with the
 * cost of bare servers, which pass a text on over NATS.
 */
import { startNats } from '../support/nats.js';
import { connect, subscribe } from './greetings.js';
import { ddpCaller } from './load.js';
import type { Greeting } from './loadClients.js';
import {
	atMost,
	cpuOf,
	type LoadClients,
	median,
	type RunningServer,
	serverIn,
	startLoadClients,
} from './processes.js';

/** Subscribers of each of two processes. */
const SUBSCRIBERS = atMost(5000);
const ROUNDS = 7;
const EVENTS_PER_ROUND = 10;
const AIM = 1.2;

interface Round {
	/** CPU time of all three servers for each event and subscriber, in µs. */
	readonly cpu: number;
	/** Times from the call to the arrival at each subscriber, in ms. */
	readonly latencies: readonly number[];
}

interface Service {
	round(): Promise<Round>;
	stop(): Promise<void>;
}

async function start(kind: 'cluster' | 'ws-nats', nats: string, greeting: readonly Greeting[]): Promise<Service> {
	const servers: RunningServer[] = [];
	for (let i = 0; i < 3; i++) servers.push(await serverIn('./server.js', kind, '0', nats));
	const [first, ...others] = servers as [RunningServer, ...RunningServer[]];
	const clients: LoadClients[] = [];
	for (const { port } of others) {
		const load = startLoadClients();
		await load.order({ what: 'open', port, count: SUBSCRIBERS, greeting });
		clients.push(load);
	}
	const caller = await ddpCaller(first.port, 'bench.notify', [])(() => {});
	const cpu = async () => (await Promise.all(servers.map(cpuOf))).reduce((sum, each) => sum + each, 0);
	return {
		async round() {
			const latencies: number[] = [];
			const before = await cpu();
			for (let i = 0; i < EVENTS_PER_ROUND; i++) {
				const calledAt = performance.timeOrigin + performance.now();
				caller.call();
				const arrivals = await Promise.all(clients.map((load) => load.order({ what: 'await', events: SUBSCRIBERS })));
				for (const at of arrivals.flat()) latencies.push(at - calledAt);
			}
			return { cpu: ((await cpu()) - before) / EVENTS_PER_ROUND / SUBSCRIBERS / clients.length, latencies };
		},
		async stop() {
			caller.close();
			await Promise.all(clients.map((load) => load.stop()));
			await Promise.all(servers.map((server) => server.stop()));
		},
	};
}

function p99(rounds: readonly Round[]): string {
	const all = rounds.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
	return (all[Math.floor(all.length * 0.99)] as number).toFixed(0);
}

/** Prints the table. The first round compiles code and does not count. */
export async function benchCluster(): Promise<void> {
	const nats = await startNats();
	const address = `127.0.0.1:${nats.port}`;
	const bare = await start('ws-nats', address, []);
	const ours = await start('cluster', address, [connect, subscribe]);
	const rounds: { bare: Round; ours: Round }[] = [];
	for (let i = 0; i <= ROUNDS; i++) rounds.push({ bare: await bare.round(), ours: await ours.round() });
	rounds.shift();
	await Promise.all([bare.stop(), ours.stop()]);
	await nats.stop();
	const cells = [
		`2 × ${SUBSCRIBERS}`,
		median(rounds.map((round) => round.bare.cpu)).toFixed(2),
		median(rounds.map((round) => round.ours.cpu)).toFixed(2),
		median(rounds.map((round) => round.ours.cpu / round.bare.cpu)).toFixed(2),
		`≤ ${AIM}`,
		p99(rounds.map((round) => round.bare)),
		p99(rounds.map((round) => round.ours)),
	];
	console.log(
		'An event of one process goes to the subscribers of two others. CPU is that of all three, for one subscriber.\n',
	);
	console.log('| Subscribers | bare CPU µs | Roomkey CPU µs | CPU ratio | aim | bare p99 ms | Roomkey p99 ms |');
	console.log('|---|---|---|---|---|---|---|');
	console.log(`| ${cells.join(' | ')} |`);
}
