/** The memory of an idle connection with a logged-in user, compared with that of a bare WebSocket. */

import { bareLogIn, connect, logIn } from './greetings.js';
import type { Greeting } from './loadClients.js';
import type { Memory } from './memoryUsage.js';
import { atMost, measureMemory, type RunningServer, startLoadClients, startServer } from './processes.js';

/** Connections that are opened before the measurement, so that code is compiled and caches are filled. */
const FIRST = 2000;
const CONNECTIONS = atMost(5000, FIRST);
const AIM = 1.4;

/** Opens connections. @returns the bytes of the server for each connection, on average */
async function fill(server: RunningServer, greeting: readonly Greeting[]): Promise<Memory> {
	const { port, tokens = [] } = server;
	const loadClients = startLoadClients();
	await loadClients.order({ what: 'open', port, count: FIRST, greeting, tokens: tokens.slice(0, FIRST) });
	const before = await measureMemory(server);
	await loadClients.order({ what: 'open', port, count: CONNECTIONS, greeting, tokens: tokens.slice(FIRST) });
	const after = await measureMemory(server);
	await loadClients.stop();
	await server.stop();
	return {
		held: (after.held - before.held) / CONNECTIONS,
		resident: (after.resident - before.resident) / CONNECTIONS,
	};
}

/** Prints the table of memory. */
export async function benchMemory(): Promise<void> {
	const bare = await fill(await startServer('ws'), []);
	const bareWithMessages = await fill(await startServer('ws'), [connect, bareLogIn]);
	const ours = await fill(await startServer('roomkey', FIRST + CONNECTIONS), [connect, logIn]);
	console.log(`Bytes for each of ${CONNECTIONS} idle connections. At Roomkey each has its own user logged in.\n`);
	console.log('| After a garbage collection | bare | Roomkey | ratio | aim |');
	console.log('|---|---|---|---|---|');
	for (const [name, compared, key, aim] of [
		['heap and buffers', bare, 'held', `≤ ${AIM}`],
		// `ws` allocates some of its memory only when the first message arrives.
		['heap and buffers, the bare server with as many messages', bareWithMessages, 'held', ''],
		// This row has no aim. The process first uses memory that it already has, so `resident` may grow by less than `held`.
		['resident', bare, 'resident', ''],
	] as const) {
		const cells = [name, compared[key].toFixed(0), ours[key].toFixed(0), (ours[key] / compared[key]).toFixed(2), aim];
		console.log(`| ${cells.join(' | ')} |`);
	}
}
