/** A server without a socket, for tests. */
import type { User } from '../../shared/documents.js';
import { clone } from '../../shared/ejson.js';
import { openServer } from '../openServer.js';
import type { ServerOptions } from '../options/serverOptions.js';
import type { RoomkeyServer } from '../roomkeyServer.js';
import { connectClient, type TestClient } from './client.js';
import { type RecordedEvents, startRecording } from './events.js';
import { type LogLine, memoryLog } from './log.js';
import { addPerson, type Person } from './users.js';

/** The user that makes a call, as an object or by id; null: a caller who is not logged in. */
export type As = Pick<Person, 'id'> | string | null;

export interface TestServer extends Omit<RoomkeyServer, 'call' | 'url'> {
	/** Calls a method. Resolves once subscribers have received what it has written. */
	call(as: As, name: string, ...args: unknown[]): Promise<unknown>;
	/** Stores a user, with any fields and a password. */
	addUser(fields?: Partial<User> & { readonly password?: string }): Promise<Person>;
	/** Connects a DDP client, to test publications. Without a user it is not logged in. */
	connect(as?: Person | null): Promise<TestClient>;
	/** Changed documents and events of streams since the start. */
	readonly events: RecordedEvents;
	/** What the server has logged. */
	readonly logs: readonly LogLine[];
}

/**
 * Starts a server that does not listen, with its data in memory and without rate limits. All options of `createServer`
 * can be given.
 */
export async function openTestServer(options: ServerOptions = {}): Promise<TestServer> {
	const log = memoryLog();
	const defaults = { store: { memory: true }, listen: false, rateLimit: 'off', grace: 100, log } as const;
	const { app, call: _call, url: _url, log: _log, ...server } = await openServer({ ...defaults, ...options });
	const { stop, ...events } = startRecording(app.bus);
	return {
		...server,
		events,
		logs: log.lines,
		async call(as, name, ...args) {
			const writes: Promise<unknown>[] = [];
			const result = await app.invoker.invoke(name, clone(args), {
				userId: typeof as === 'object' ? (as?.id ?? null) : as,
				hashedToken: null,
				connection: null,
				clientAddress: null,
				onWrite: (delivered) => void writes.push(delivered),
			});
			await Promise.all(writes);
			return clone(result);
		},
		addUser: (fields) => addPerson(server.store, fields),
		async connect(as = null) {
			const client = await connectClient(app.connect);
			if (as) await client.call('login', { resume: as.token });
			return client;
		},
		async close() {
			stop();
			await server.close();
		},
	};
}
