/** Starts a server without a socket, for tests. */
import type { User } from '../../shared/documents.js';
import { clone, stringify } from '../../shared/ejson.js';
import { clientError, withCause } from '../../shared/errors.js';
import { isObject } from '../../shared/isObject.js';
import { checkServerOptions } from '../options/checkOptions.js';
import type { ServerOptions } from '../options/serverOptions.js';
import { openServer } from '../start/openServer.js';
import type { RoomkeyServer } from '../start/roomkeyServer.js';
import { callSite, withCallSite } from './callSite.js';
import { connectClient, type TestClient } from './client.js';
import { isClockFake } from './clock.js';
import { type RecordedEvents, startRecording } from './events.js';
import { holdProcess } from './holdProcess.js';
import { causeIn, type LogLine, memoryLog } from './log.js';
import { addPerson, type Person } from './users.js';

// Loads the methods of accounts early. Otherwise the first `openTestServer` loads them, often in a hook with a time limit of
// two seconds.
void import('../../methods/accounts/index.js');

/** The user that makes a call, as an object or by id; null: a caller who is not logged in. */
export type As = Pick<Person, 'id'> | string | null;

export interface TestServer extends Omit<RoomkeyServer, 'call'> {
	/**
	 * Calls a method. Resolves once subscribers have received what it has written.
	 * @throws ClientError or MatchError, like a call by a client; `cause` is the exception behind an `Internal server error`.
	 * The stack ends where the test makes the call
	 */
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
 * Starts a server that does not listen, with its data in memory and without rate limits. Takes all options of
 * `createServer`, such as `listen: true, port: 0`. The process can end while the server is open.
 */
export async function openTestServer(options: ServerOptions = {}): Promise<TestServer> {
	checkServerOptions(options);
	const log = memoryLog(options.log);
	const defaults = { store: { memory: true }, listen: false, rateLimit: 'off', grace: 100 } as const;
	const {
		app,
		call: _call,
		log: _log,
		ops: _ops,
		...server
	} = await openServer({
		...defaults,
		...options,
		log,
	});
	app.unref();
	const { stop, ...events } = startRecording(app.bus);
	const clients = new Set<TestClient>();

	let isClosed = false;

	/** @throws ClientError 500, as over the network, for a result that cannot be encoded */
	function requireEncodable(method: string, result: unknown): void {
		try {
			stringify(result);
		} catch (err) {
			log.error({ err, method }, `The result of method '${method}' cannot be encoded`);
			throw withCause(clientError('internal'), err);
		}
	}

	async function call(as: As, name: string, ...args: unknown[]): Promise<unknown> {
		const site = callSite(call);
		const userId = userIdOf(as);
		// If the caller was forgotten, the name of the method is in its place.
		const isCallerMethodName = userId !== null && app.invoker.get(userId) !== undefined;
		if (isCallerMethodName) throw callerMissing();
		if (typeof name !== 'string') throw new TypeError('The second argument of call is the name of a method');
		if (isClosed) throw new Error('The server is closed');
		const writes: Promise<unknown>[] = [];
		try {
			const answer = app.invoker.invoke(name, clone(args), {
				userId,
				hashedToken: null,
				connection: null,
				clientAddress: null,
				onWrite: (delivered) => void writes.push(delivered),
			});
			const result = await holdProcess(`The call of '${name}'`, answer);
			await Promise.all(writes);
			requireEncodable(name, result);
			return clone(result);
		} catch (error) {
			throw withCallSite(error, site);
		}
	}

	return {
		...server,
		events,
		logs: log.lines,
		call,
		async addUser(fields = {}) {
			if (!isObject(fields)) throw new TypeError("addUser takes an object of fields, such as { username: 'alice' }");
			return addPerson(server.store, fields);
		},
		async connect(as = null) {
			if (as !== null && typeof as?.token !== 'string') {
				throw new TypeError('The argument of connect is the user who logs in: what addUser returns');
			}
			if (isClosed) throw new Error('The server is closed');
			const client = await connectClient(app.connect, (session, request) => causeIn(log.lines, session, request));
			clients.add(client);
			if (as) await client.call('login', { resume: as.token });
			return client;
		},
		async close() {
			isClosed = true;
			stop();
			// The server closes clients that wait for an answer, after the answer. With a fake clock, the server's timers do
			// not fire, so all clients are closed here.
			for (const client of clients) if (isClockFake() || !client.isWaiting) client.close();
			await server.close();
		},
	};
}

/** @throws TypeError for a caller that is neither a user, an id nor null */
function userIdOf(as: As): string | null {
	if (as === null || typeof as === 'string') return as;
	if (typeof as?.id === 'string') return as.id;
	throw callerMissing();
}

function callerMissing(): TypeError {
	return new TypeError('The first argument of call is the user who calls: what addUser returns, an id, or null');
}
