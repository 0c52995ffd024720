/** Random writes, revoked tokens, cut connections and kills over three processes with the same data. */
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { Clients } from '../support/clients.js';
import type { Frame, RawClient } from '../support/ddp.js';
import { addMember, addPerson, addRoom, type Person } from '../support/people.js';
import { post } from '../support/rest.js';
import { eachSharedData } from '../support/sharedData.js';
import { SharedService } from '../support/sharedService.js';

const SERVERS = 3;
const ROOMS = 3;
const KEY_ID = 'key-id-model';
const RUNS = Number(process.env.ROOMKEY_TEST_PROCESSES_RUNS ?? 4);

const AGREE_TIMEOUT_MS = 30_000;

interface Write {
	/** `topic`: the owner sets the topic of the room. `key`: the owner offers the member a key. */
	readonly what: 'topic' | 'key';
	readonly server: number;
	readonly room: number;
	readonly value: number;
}
type Operation =
	| ({ readonly kind: 'write' } & Write)
	/** The process is killed while it handles the write, and replaced. */
	| ({ readonly kind: 'kill' } & Write)
	| { readonly kind: 'cut' | 'restore'; readonly server: number }
	| { readonly kind: 'revoke'; readonly server: number };

const server = fc.nat(SERVERS - 1);
const write = { what: fc.constantFrom('topic' as const, 'key' as const), server, room: fc.nat(ROOMS - 1) };
const value = fc.nat(999);
const operations = fc.array(
	fc.oneof(
		{ weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), ...write, value }) },
		{ weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'restore' as const), server }) },
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), ...write, value }) },
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), server }) },
	),
	{ minLength: 10, maxLength: 25 },
);

/** `topic <rid>`: the topic of a room. `key <rid>`: the key that `Model.#member` is offered in the room. */
type Shown = Map<string, unknown>;

/** A client of `Model.#member` at one process, and what the client has received. */
interface Watcher {
	readonly client: RawClient;
	readonly shown: Shown;
}

class Model {
	readonly #clients = new Clients();
	readonly #rooms: string[] = [];
	/** The owner of all rooms, who makes all writes. */
	#owner!: Person;
	/** The member of all rooms, whose clients receive the writes. */
	#member!: Person;
	/** A user whose token the operation `revoke` revokes. */
	#leaver!: Person;
	#watchers: Watcher[] = [];
	/** One client of `#leaver` at each process. */
	#leaving: RawClient[] = [];
	#isRevoked = false;
	/** The processes whose connection to NATS is cut. */
	readonly #cut = new Set<number>();
	#meetCount = 0;

	private constructor(private readonly service: SharedService) {}

	static async start(service: SharedService): Promise<Model> {
		const model = new Model(service);
		const { store } = service.open;
		model.#owner = await addPerson(store, { roles: ['user', 'admin'] });
		model.#member = await addPerson(store);
		model.#leaver = await addPerson(store);
		for (let i = 0; i < ROOMS; i++) {
			const rid = await addRoom(store, [model.#member], { encrypted: true, e2eKeyId: KEY_ID });
			await addMember(store, rid, model.#owner, { t: 'p', roles: ['owner'] });
			model.#rooms.push(rid);
		}
		for (let i = 0; i < SERVERS; i++) await model.#connectTo(i);
		return model;
	}

	/** Connects a client of `#member` to a process, and before the revocation also one of `#leaver`. */
	async #connectTo(index: number): Promise<void> {
		const client = await this.#logIn(index, this.#member);
		for (const name of ['rooms-changed', 'subscriptions-changed'])
			await client.subscribe('stream-notify-user', `${this.#member.id}/${name}`, false);
		const shown = await this.#stored();
		this.#watchers[index] = { client, shown };
		client.socket.on('message', (data) => {
			const { msg, fields } = JSON.parse(String(data)) as Frame & { fields?: { args?: unknown[] } };
			const [action, document] = (fields?.args ?? []) as [string?, Record<string, unknown>?];
			if (msg !== 'changed' || action !== 'updated' || !document) return;
			if ('rid' in document) shown.set(`key ${document.rid}`, document.E2ESuggestedKey);
			else shown.set(`topic ${document._id}`, document.topic);
		});
		if (!this.#isRevoked) this.#leaving[index] = await this.#logIn(index, this.#leaver);
	}

	async #logIn(index: number, person: Person): Promise<RawClient> {
		const client = await this.#clients.connect(this.service.at(index).webSocketUrl);
		const { error } = await client.call('login', { resume: person.token });
		if (error) throw new Error(`login: ${error.error}`);
		return client;
	}

	async #stored(): Promise<Shown> {
		const shown: Shown = new Map();
		const { rooms, subscriptions } = this.service.open.store;
		for (const rid of this.#rooms) {
			const membership = await subscriptions.findOne({ rid, 'u._id': this.#member.id });
			shown.set(`topic ${rid}`, (await rooms.findOne({ _id: rid }))?.topic);
			shown.set(`key ${rid}`, membership?.E2ESuggestedKey);
		}
		return shown;
	}

	#write({ what, server, room, value }: Write) {
		const rid = this.#rooms[room] as string;
		const [path, body] =
			what === 'topic'
				? ['rooms.saveRoomSettings', { rid, roomTopic: `topic ${value}` }]
				: ['e2e.updateGroupKey', { rid, uid: this.#member.id, key: `${KEY_ID}-sealed-${value}` }];
		return post(`${this.service.at(server).url}/api/v1/${path}`, this.#owner, body);
	}

	async apply(operation: Operation): Promise<void> {
		switch (operation.kind) {
			case 'write': {
				const { status, text } = await this.#write(operation);
				if (status !== 200) throw new Error(`${operation.what} was refused: ${text}`);
				return;
			}
			case 'cut':
				this.#cut.add(operation.server);
				return this.service.link(operation.server).cut();
			case 'restore':
				return this.#restore(operation.server);
			case 'kill': {
				const { server } = operation;
				await this.#meet(server, operation.room);
				const lost = this.#write(operation).catch(() => {});
				await this.service.at(server).stop('SIGKILL');
				await lost;
				await this.service.replace(server);
				return this.#connectTo(server);
			}
			case 'revoke':
				if (this.#isRevoked) return;
				this.#isRevoked = true;
				// `logout` revokes the token and leaves this session open.
				await this.#leaving[operation.server]?.call('logout');
				await this.#leaving[operation.server]?.close();
		}
	}

	#restore(index: number): void {
		this.#cut.delete(index);
		this.service.link(index).restore();
	}

	/**
	 * Connects a process to NATS, lets it write, and waits until all connected processes have received the write. Without
	 * this, they may not notice that the process ends (docs/operating.md, several processes).
	 */
	async #meet(index: number, room: number): Promise<void> {
		this.#restore(index);
		await this.service.at(index).connected();
		// Operations write values up to 999.
		const value = 1000 + ++this.#meetCount;
		await this.apply({ kind: 'write', what: 'topic', server: index, room, value });
		const what = `topic ${this.#rooms[room]}`;
		await this.#until(async () => {
			const late = this.#watchers.findIndex(
				({ shown }, i) => !this.#cut.has(i) && shown.get(what) !== `topic ${value}`,
			);
			return late < 0 ? undefined : `process ${late} has not received the write of process ${index}`;
		});
	}

	/** Connects all processes to NATS. Resolves when all clients show what is stored. */
	async agree(): Promise<void> {
		for (let i = 0; i < SERVERS; i++) this.#restore(i);
		await this.service.connected();
		await this.#until(() => this.#difference());
	}

	/** Resolves when `find` finds no difference. @throws Error after `AGREE_TIMEOUT_MS` */
	async #until(find: () => Promise<string | undefined>): Promise<void> {
		const end = Date.now() + AGREE_TIMEOUT_MS;
		for (;;) {
			const difference = await find();
			if (difference === undefined) return;
			if (Date.now() > end) throw new Error(`The processes do not agree: ${difference}`);
			await pause(50);
		}
	}

	/** Finds a client that differs from the store, or a session of the revoked token. */
	async #difference(): Promise<string | undefined> {
		const stored = await this.#stored();
		for (const [index, { shown }] of this.#watchers.entries())
			for (const [what, value] of stored)
				if (shown.get(what) !== value) return `process ${index} sent ${what} ${shown.get(what)}, stored is ${value}`;
		const open = this.#leaving.findIndex(({ socket }) => socket.readyState === WebSocket.OPEN);
		return this.#isRevoked && open >= 0 ? `process ${open} keeps a session of a revoked token` : undefined;
	}

	close(): Promise<void> {
		return this.#clients.closeAll();
	}
}

eachSharedData('a model of three processes', (newData) => {
	let service: SharedService;

	before(async () => {
		service = await SharedService.start(newData, '--rate-limit', 'off');
	});
	after(() => service.stop());

	it('shows clients what is stored after random writes, revocations, cut connections and kills', async function () {
		this.timeout(300_000);
		await fc.assert(
			fc.asyncProperty(operations, async (all) => {
				const model = await Model.start(service);
				try {
					for (const operation of all) await model.apply(operation);
					await model.agree();
				} finally {
					await model.close();
				}
			}),
			{ numRuns: RUNS, endOnFailure: true },
		);
	});
});
