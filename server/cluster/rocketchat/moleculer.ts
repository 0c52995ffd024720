/**
 * Connects to Rocket.Chat's broker as a node of Moleculer 0.14, the framework of Rocket.Chat. Packets are EJSON. The
 * data of an event is the list of its arguments.
 */
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerOptions as MoleculerOptions } from 'moleculer';
import { parse, stringify } from '../../../shared/ejson.js';
import { randomId } from '../../../shared/ids.js';
import type { Log } from '../../../shared/log.js';
import { StoreError } from '../../../shared/storeErrors.js';
import type { OpenBroker } from './broker.js';

/** Rocket.Chat's intervals, in seconds. */
const HEARTBEAT_INTERVAL_S = 10;
const HEARTBEAT_TIMEOUT_S = 30;

/** How long the start waits for the first connection, in ms. */
const FIRST_CONNECTION_MS = 2000;

/** How long `close` lets Moleculer notify other nodes, in ms. */
const MAX_STOP_MS = 1000;

/** No service of Rocket.Chat has this name. */
const SERVICE = 'roomkey';

/** Maximum length of Moleculer's texts in the log, in characters. */
const MAX_LOGGED_LENGTH = 200;

type Moleculer = typeof import('moleculer');

/**
 * Loads Moleculer, and checks that the client of NATS is there. @throws StoreError if one of the two packages is
 * missing
 */
export async function loadMoleculer(require = createRequire(import.meta.url)): Promise<Moleculer> {
	try {
		// Without the package `nats`, Moleculer would end the process.
		createRequire(require.resolve('moleculer')).resolve('nats');
	} catch {
		throw new StoreError(
			'unusable',
			"To join Rocket.Chat's broker, add two packages: npm install moleculer@0.14 nats@2",
		);
	}
	return (await import('moleculer')).default as unknown as Moleculer;
}

/** The first credentials in the addresses. A name without a password is a token. */
function credentialsIn(addresses: readonly URL[]) {
	const address = addresses.find(({ username }) => username !== '');
	if (!address) return {};
	const username = decodeURIComponent(address.username);
	return address.password === '' ? { token: username } : { user: username, pass: decodeURIComponent(address.password) };
}

function natsOptions(urls: string) {
	const addresses = urls.split(',').map((url) => new URL(url.trim()));
	return {
		servers: addresses.map(({ host }) => host),
		...credentialsIn(addresses),
		...(addresses.some(({ protocol }) => protocol === 'tls:') && { tls: {} }),
		// -1: no limit.
		maxReconnectAttempts: -1,
		waitOnFirstConnect: false,
	};
}

/** Logs the texts of warnings and errors, but not the values after them, which may be packets. */
function loggerOf({ Loggers }: Moleculer, log: Log) {
	const Base = Loggers.Base as unknown as new (options?: object) => object;
	return new (class extends Base {
		getLogHandler() {
			return (level: string, args: readonly unknown[]) => {
				if (level !== 'warn' && level !== 'error' && level !== 'fatal') return;
				const facts = { broker: String(args[0]).slice(0, MAX_LOGGED_LENGTH) };
				log[level === 'warn' ? 'warn' : 'error'](facts, "Moleculer reports a problem with Rocket.Chat's broker");
			};
		}
	})();
}

interface NatsClient {
	status(): AsyncIterable<{ readonly type: string }>;
	close(): Promise<void>;
}

export const openMoleculer: OpenBroker = async ({ url, namespace, events, onEvent, onReconnect, log }) => {
	const moleculer = await loadMoleculer();
	const { ServiceBroker, Serializers } = moleculer;
	const Base = Serializers.Base as unknown as new () => object;
	const serializer = new (class extends Base {
		serialize(packet: unknown): Buffer {
			return Buffer.from(stringify(packet) as string);
		}

		// Unlike the package ejson, this parser limits the nesting and the number of values.
		deserialize(packet: Buffer): unknown {
			return parse(String(packet));
		}
	})();
	const nodeID = `roomkey-${hostname()}-${process.pid}-${randomId()}`;
	let isConnected = false;
	const broker = new ServiceBroker({
		namespace,
		nodeID,
		transporter: { type: 'NATS', options: natsOptions(url) },
		serializer: serializer as never,
		logger: loggerOf(moleculer, log),
		heartbeatInterval: HEARTBEAT_INTERVAL_S,
		heartbeatTimeout: HEARTBEAT_TIMEOUT_S,
		skipProcessEventRegistration: true,
		internalServices: false,
		validator: false,
		metrics: false,
		tracing: false,
	} as unknown as MoleculerOptions);
	broker.createService({
		name: SERVICE,
		events: Object.fromEntries(
			events.map((event) => [
				event,
				(context: { nodeID?: string | null; params: unknown }) => {
					// A node receives its own events too.
					if (context.nodeID !== nodeID) onEvent(event, context.params);
				},
			]),
		),
	});

	const transporter = (broker.transit as unknown as { tx: { client: NatsClient | null; connect(): Promise<void> } }).tx;

	async function followConnection(): Promise<void> {
		isConnected = true;
		for await (const { type } of (transporter.client as NatsClient).status()) {
			if (type === 'disconnect') isConnected = false;
			if (type !== 'reconnect') continue;
			isConnected = true;
			onReconnect();
		}
		isConnected = false;
	}

	let isClosed = false;
	const started = broker
		.start()
		.then(async () => {
			if (isClosed) await broker.stop();
			else void followConnection().catch(() => {});
		})
		.catch((err: unknown) => log.error({ err }, "Rocket.Chat's broker cannot be joined"));
	let timer: NodeJS.Timeout | undefined;
	await Promise.race([
		started,
		new Promise((resolve) => {
			timer = setTimeout(resolve, FIRST_CONNECTION_MS);
		}),
	]);
	clearTimeout(timer);
	return {
		get isConnected() {
			return isConnected;
		},
		get nodes() {
			const { registry } = broker as unknown as { registry: { getNodeList(options: object): { id: string }[] } };
			return registry.getNodeList({ onlyAvailable: true }).filter(({ id }) => id !== nodeID).length;
		},
		broadcast(event, args) {
			// Without a connection the event is dropped. Rocket.Chat reads the database when it is connected again.
			if (isConnected) void broker.broadcast(event, args).catch(() => {});
		},
		async close() {
			isClosed = true;
			// Otherwise Moleculer would go on trying to connect.
			if (!isConnected) transporter.connect = () => new Promise(() => {});
			const { client } = transporter;
			await Promise.race([broker.stop().catch(() => {}), delay(MAX_STOP_MS, undefined, { ref: false })]);
			// Moleculer does not close a client that is not connected.
			await client?.close().catch(() => {});
		},
	};
};
