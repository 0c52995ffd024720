/** What the programs in this folder share. `testing.test.ts` runs them: their tests fail, and leave servers open. */
import { collection, liveQuery, method, publication } from 'roomkey';
import { openTestServer } from 'roomkey/testing';

const notes = collection<{ _id: string; text: string }>('notes');

/** Its calls fail with `error-timeout` after 500 ms. */
export const wait = method({
	name: 'wait',
	summary: 'Waits for ever',
	args: {},
	timeout: 500,
	run: () => new Promise(() => {}),
});

const list = publication({ name: 'notes', summary: 'Notes', args: {}, run: () => liveQuery(notes, {}, { text: 1 }) });

/** Leaves a server open, with sockets, calls and timers that could keep a process alive. */
export async function openAndForget(): Promise<void> {
	const options = { listen: true, port: 0, metrics: '0', rateLimit: 'on', heartbeatInterval: 1000 } as const;
	const server = await openTestServer({ collections: [notes], methods: [wait], publications: [list], ...options });
	const alice = await server.addUser();
	const client = await server.connect(alice);
	await client.subscribe('notes');
	client.call('wait').catch(() => {});
	server.call(alice, 'wait').catch(() => {});
	await server.connect();
	// An HTTP connection, which `fetch` keeps open
	await fetch(`${server.url}/api/info`);
}
