/** A node of Moleculer with the settings of Rocket.Chat, in place of a real Rocket.Chat. */
import { EventEmitter, once } from 'node:events';
import ejson from 'ejson';
import moleculer from 'moleculer';

export interface ReceivedEvent {
	readonly event: string;
	readonly data: unknown;
}

const EVENTS = [
	'watch.rooms',
	'watch.subscriptions',
	'watch.users',
	'watch.settings',
	'watch.roles',
	'permission.changed',
	'user.forceLogout',
	'notify.e2e.keyRequest',
	'stream',
	'broadcast',
];

class Serializer extends moleculer.Serializers.Base {
	override serialize(packet: unknown): Buffer {
		return Buffer.from(ejson.stringify(packet as never));
	}

	override deserialize(packet: Buffer): Record<string, unknown> {
		return ejson.parse(packet.toString()) as never;
	}
}

/** The client of NATS. */
interface Client {
	close(): Promise<void>;
	rtt(): Promise<number>;
}

export class RocketChatNode {
	readonly #received: ReceivedEvent[] = [];
	/** The events that `next` has passed over. */
	readonly dropped: ReceivedEvent[] = [];
	readonly #events = new EventEmitter();
	readonly #broker: moleculer.ServiceBroker;

	constructor(transporter: string, namespace = '') {
		this.#broker = new moleculer.ServiceBroker({
			namespace,
			transporter,
			serializer: new Serializer() as never,
			logger: false,
			heartbeatInterval: 10,
			heartbeatTimeout: 30,
			skipProcessEventRegistration: true,
		});
		const record = (event: string) => (context: moleculer.Context) => {
			if (context.nodeID === this.#broker.nodeID) return;
			this.#received.push({ event, data: context.params });
			this.#events.emit('received');
		};
		this.#broker.createService({
			name: 'meteor',
			events: Object.fromEntries(EVENTS.map((event) => [event, record(event)])),
		});
	}

	async start(): Promise<this> {
		await this.#broker.start();
		return this;
	}

	/** Resolves when this node knows a node with a service. */
	knows(service: string): Promise<unknown> {
		return this.#broker.waitForServices(service);
	}

	/** Sends an event as Rocket.Chat does. */
	broadcast(event: string, ...args: unknown[]): Promise<void> {
		return this.#broker.broadcast(event, args);
	}

	/** Sends an event with any data. */
	send(event: string, data: unknown): Promise<void> {
		return this.#broker.broadcast(event, data);
	}

	/** Waits for the next event with a name. Puts the events before it into `dropped`. */
	async next(event: string): Promise<unknown> {
		for (;;) {
			for (let received = this.#received.shift(); received; received = this.#received.shift()) {
				if (received.event === event) return received.data;
				this.dropped.push(received);
			}
			await once(this.#events, 'received');
		}
	}

	/** The received events that `next` has not returned. */
	get received(): readonly ReceivedEvent[] {
		return [...this.dropped, ...this.#received];
	}

	get #client(): Client {
		return (this.#broker.transit as unknown as { tx: { client: Client } }).tx.client;
	}

	async reconnected(): Promise<void> {
		await this.#client.rtt();
	}

	/** Disconnects without notice, like a process that is killed. */
	die(): Promise<void> {
		return this.#client.close();
	}

	async stop(): Promise<void> {
		const client = this.#client;
		await this.#broker.stop().catch(() => {});
		// Moleculer does not close a client that is not connected.
		await client.close();
	}
}
