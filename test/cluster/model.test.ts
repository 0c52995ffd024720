/** Random writes, revocations, cut links and crashes of three servers with the same data. */
import { setTimeout as pause } from 'node:timers/promises';
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { OpenStore } from '../../server/store/collections.js';
import { connectClient, type TestClient } from '../../server/testing/client.js';
import { liveQuery, publication } from '../../shared/publication.js';
import { startApp, type TestApp } from '../support/app.js';
import { addMember, addPerson, type Person } from '../support/people.js';
import { openSameData, type TestLink, TestNetwork } from '../support/processes.js';

const SERVERS = 3;
const ROOMS = ['r0', 'r1', 'r2', 'r3'];
const RUNS = Number(process.env.ROOMKEY_TEST_MODEL_RUNS ?? 20);

const topics = publication({
	name: 'topics',
	summary: 'for a test',
	anonymous: true,
	args: {},
	run: () => liveQuery('rooms', { topic: { $exists: true } }, { topic: 1 }),
});

type Operation =
	| { kind: 'write'; server: number; room: number; topic: number }
	| { kind: 'remove'; server: number; room: number }
	| { kind: 'cut' | 'restore'; server: number }
	/** The server loses its link to the others, writes, and ends. Another server replaces it. */
	| { kind: 'crash'; server: number; room: number; topic: number }
	| { kind: 'revoke'; server: number; person: number };

const server = fc.nat(SERVERS - 1);
const room = fc.nat(ROOMS.length - 1);
const topic = fc.nat(1000);
const operations = fc.array(
	fc.oneof(
		{ weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), server, room, topic }) },
		{ weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), server, room }) },
		{ weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'restore' as const), server }) },
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), server, room, topic }) },
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), server, person: fc.nat(1) }) },
	),
	{ minLength: 10, maxLength: 40 },
);

/** A server and its clients. `reader` is not logged in. The keys of `sessions` are user ids. */
interface ModelServer {
	readonly open: OpenStore;
	app: TestApp;
	link: TestLink;
	isCut: boolean;
	reader: TestClient;
	readonly sessions: Map<string, Session>;
}

/** For `connectClient`, which looks up why a request has failed. These clients do not need to know. */
const noCause = () => undefined;

interface Session {
	readonly client: TestClient;
	isClosed: boolean;
}

async function logIn(app: TestApp, person: Person): Promise<Session> {
	const state = { isClosed: false };
	const client = await connectClient((transport) => {
		const receiver = app.connect(transport);
		return {
			get hasAcceptedConnect() {
				return receiver.hasAcceptedConnect;
			},
			enforceFrameSize: (bytes) => receiver.enforceFrameSize(bytes),
			receive: (text) => receiver.receive(text),
			onClose() {
				state.isClosed = true;
				receiver.onClose();
			},
		};
	}, noCause);
	await client.call('login', { resume: person.token });
	await client.subscribe('stream-notify-user', `${person.id}/rooms-changed`, false);
	return Object.assign(state, { client });
}

/** How long the clients may take to agree with the store. */
const AGREE_MS = 60_000;

class Service {
	readonly #network = new TestNetwork();
	readonly #servers: ModelServer[] = [];
	#people: Person[] = [];
	readonly #revoked = new Set<string>();

	static async start(): Promise<Service> {
		const service = new Service();
		const stores = await openSameData(SERVERS);
		const [first] = stores;
		if (!first) throw new Error('no store');
		service.#people = [await addPerson(first.store), await addPerson(first.store)];
		for (const rid of ROOMS) for (const person of service.#people) await addMember(first.store, rid, person);
		for (const open of stores) service.#servers.push(await service.#startServer(open));
		await service.#meet();
		return service;
	}

	/** Waits until the connected servers know each other. Until then, a server does not notice the end of another. */
	async #meet(): Promise<void> {
		while (!this.#network.haveMet) await pause(5);
	}

	async #startServer(open: OpenStore): Promise<ModelServer> {
		const link = this.#network.link();
		const app = await startApp({
			store: open.store,
			onChange: open.onChange,
			link,
			publications: [topics],
			// An hour: a session of a revoked token ends by an event, not by a check of all tokens.
			tokenCheckInterval: 3_600_000,
			grace: 0,
		});
		const reader = await connectClient(app.connect, noCause);
		await reader.subscribe('topics');
		const sessions = new Map<string, Session>();
		for (const person of this.#people)
			if (!this.#revoked.has(person.id)) sessions.set(person.id, await logIn(app, person));
		return { open, app, link, isCut: false, reader, sessions };
	}

	async apply(operation: Operation): Promise<void> {
		const at = this.#servers[operation.server] as ModelServer;
		switch (operation.kind) {
			case 'write':
				return this.#write(at, operation);
			case 'remove':
				await at.open.store.rooms.deleteOne({ _id: ROOMS[operation.room] as string });
				return;
			case 'cut':
				if (!at.isCut) at.link.cut();
				at.isCut = true;
				return;
			case 'restore':
				if (at.isCut) at.link.restore();
				at.isCut = false;
				return this.#meet();
			case 'crash':
				// Servers that have started while this one was cut off do not know it, and would not notice its end.
				await this.apply({ kind: 'restore', server: operation.server });
				at.link.cut();
				await this.#write(at, operation);
				await at.app.close();
				this.#servers[operation.server] = await this.#startServer(at.open);
				return this.#meet();
			case 'revoke': {
				const { id } = this.#people[operation.person] as Person;
				const session = at.sessions.get(id);
				if (this.#revoked.has(id) || !session) return;
				this.#revoked.add(id);
				// `logout` leaves this session open, without a user. The sessions of the person at the other servers must end.
				at.sessions.delete(id);
				await session.client.call('logout');
			}
		}
	}

	async #write(at: ModelServer, { room, topic }: { room: number; topic: number }): Promise<void> {
		const _id = ROOMS[room] as string;
		const { rooms } = at.open.store;
		const update = { $set: { topic: `topic ${topic}` } };
		if ((await rooms.updateOne({ _id }, update)).matchedCount > 0) return;
		// Another server may have inserted the room meanwhile.
		await rooms.insertOne({ _id, t: 'p', topic: `topic ${topic}` }).catch(() => rooms.updateOne({ _id }, update));
	}

	/** Connects all servers. Resolves when all clients have what is stored, and no session has a revoked token. */
	async agree(): Promise<void> {
		for (const [server] of this.#servers.entries()) await this.apply({ kind: 'restore', server });
		const end = Date.now() + AGREE_MS;
		for (;;) {
			const difference = await this.#difference();
			if (difference === undefined) return;
			if (Date.now() > end) throw new Error(`The servers do not agree: ${difference}`);
			await pause(20);
		}
	}

	/** The first difference between a client and the store. */
	async #difference(): Promise<string | undefined> {
		const [first] = this.#servers as [ModelServer];
		const stored = new Map<string, unknown>();
		for await (const { _id, topic } of first.open.store.rooms.find({})) stored.set(_id, topic);
		for (const [server, { reader, sessions }] of this.#servers.entries()) {
			const shown = new Map(reader.documents('rocketchat_room').map(({ _id, topic }) => [_id, topic] as const));
			if (!isDeepStrictEqual(shown, stored))
				return `server ${server} shows ${inspect(shown)}, stored is ${inspect(stored)}`;
			for (const [id, session] of sessions) {
				if (this.#revoked.has(id)) {
					if (!session.isClosed) return `server ${server} keeps a session of a revoked token`;
				} else {
					const missed = missedEvent(session.client, stored);
					if (missed) return `server ${server} has not sent its last event: ${missed}`;
				}
			}
		}
		return undefined;
	}

	async close(): Promise<void> {
		await Promise.all(this.#servers.map(({ app }) => app.close()));
	}
}

/**
 * Finds a stored room that differs from its last event. A room without an event has not changed.
 * @returns the difference
 */
function missedEvent(client: TestClient, stored: ReadonlyMap<string, unknown>): string | undefined {
	const last = new Map<unknown, unknown>();
	for (const frame of client.frames) {
		const { msg, collection, fields } = frame as { msg?: string; collection?: string; fields?: { args?: unknown[] } };
		if (msg !== 'changed' || collection !== 'stream-notify-user') continue;
		const [action, document] = (fields?.args ?? []) as unknown as [string, { _id: string; topic?: string }];
		if (action === 'removed') last.delete(document._id);
		else last.set(document._id, document.topic);
	}
	for (const [id, topic] of stored)
		if (last.has(id) && last.get(id) !== topic) return `${id} was sent with ${last.get(id)}, stored is ${topic}`;
	return undefined;
}

describe('a model of three servers', () => {
	it('shows clients what is stored after random writes, revocations, cut links and crashes', async function () {
		this.timeout(300_000);
		await fc.assert(
			fc.asyncProperty(operations, async (all) => {
				const service = await Service.start();
				try {
					for (const operation of all) await service.apply(operation);
					await service.agree();
				} finally {
					await service.close();
				}
			}),
			{ numRuns: RUNS, endOnFailure: true },
		);
	});
});
