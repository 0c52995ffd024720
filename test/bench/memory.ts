/** What an idle connection with somebody logged in holds of memory, beside a bare WebSocket. */

import { call, connect, logIn } from './greetings.js';
import type { Greeting } from './loadClients.js';
import type { Memory } from './memoryUsage.js';
import { atMost, measureMemory, type Running, startLoadClients, startServer } from './processes.js';

/** Connections that are there before counting begins: the first ones compile code, again and again, and fill caches. */
const FIRST = 2000;
const CONNECTIONS = atMost(FIRST + 5000) - FIRST;
const AIM = 1.4;

/** Opens connections; returns the bytes each of them holds. */
async function fill(server: Running, greeting: readonly Greeting[]): Promise<Memory> {
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
	const spokenOver = await fill(await startServer('ws'), [connect, call]);
	const ours = await fill(await startServer('roomkey', FIRST + CONNECTIONS), [connect, logIn]);
	console.log(`Bytes of one of ${CONNECTIONS} idle connections, each with a user of its own logged in.\n`);
	console.log('| After a garbage collection | bare | Roomkey | ratio | aim |');
	console.log('|---|---|---|---|---|');
	for (const [name, beside, of, aim] of [
		['heap and buffers', bare, 'held', `≤ ${AIM}`],
		// `ws` keeps room for what it reads once it has read something.
		['the same, beside a bare one with as many messages', spokenOver, 'held', ''],
		// No measure of its own: a heap that had free room, as after storing people, grows less than what it holds.
		['resident', bare, 'resident', ''],
	] as const) {
		const cells = [name, beside[of].toFixed(0), ours[of].toFixed(0), (ours[of] / beside[of]).toFixed(2), aim];
		console.log(`| ${cells.join(' | ')} |`);
	}
}
