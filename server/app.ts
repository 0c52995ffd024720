/** A server from its parts: one HTTP server, the two doors on it, and what they share. */
import type { AddressInfo } from 'node:net';
import { sweepTokens } from '../methods/accounts/tokens.js';
import { announce } from '../methods/streams/announce.js';
import type { Log } from '../shared/log.js';
import type { Method, Settings } from '../shared/method.js';
import type { Publication } from '../shared/publication.js';
import type { Store } from '../shared/store.js';
import type { Stream } from '../shared/stream.js';
import { type DdpOptions, serveDdp, WEBSOCKET_PATHS } from './ddp/endpoint.js';
import { createStreamHub } from './ddp/streams.js';
import type { Publications } from './ddp/subscriptions.js';
import { createDeadlines } from './deadlines.js';
import { createBus } from './events/bus.js';
import { createInvoker, type Invoker } from './invoke.js';
import { createRest } from './rest/endpoint.js';

/** Time between two sweeps of expired login tokens, in ms (`contract/ddp.md` 16.2). */
const SWEEP_INTERVAL = 10 * 60 * 1000;

export interface Catalogue {
	readonly methods: readonly Method[];
	readonly publications: readonly Publication[];
	readonly streams: readonly Stream[];
}

export interface AppOptions {
	/** What clients may call and subscribe to. */
	readonly catalogue: Catalogue;
	/** Not closed with the app: whoever opened it closes it. */
	readonly store: Store;
	readonly log: Log;
	readonly settings: Settings;
	readonly ddp: DdpOptions;
	/** Largest body of a request, in bytes. */
	readonly maxBody: number;
	/** Time over which connections are closed at the end, in ms. */
	readonly grace: number;
}

export interface App {
	readonly invoker: Invoker;
	/** Sessions that are open, and listeners for events. */
	counts(): { sessions: number; listeners: number };
	/**
	 * Starts to listen.
	 * @param port 0 picks a free one
	 * @returns the port
	 */
	listen(port: number, host: string): Promise<number>;
	/** Takes no new clients, closes every connection once its calls are answered, and resolves when they are gone. */
	close(): Promise<void>;
}

/**
 * Puts the publications of a catalogue in order.
 * @throws Error where two have one name
 */
function publicationsOf(all: readonly Publication[]): Publications {
	const named = new Map<string, Publication>();
	const universal: Publication[] = [];
	for (const publication of all) {
		if (publication.name === null) universal.push(publication);
		else if (named.has(publication.name)) throw new Error(`There are two publications named '${publication.name}'`);
		else named.set(publication.name, publication);
	}
	return { named, universal, strategyOf: () => 'SERVER_MERGE' };
}

/** Builds a server. It does not listen yet. */
export function createApp({ catalogue, store, log, settings, ddp, maxBody, grace }: AppOptions): App {
	const bus = createBus(log);
	const services = { store, bus, settings, log, deadlines: createDeadlines() };
	const invoker = createInvoker(catalogue.methods, services);
	const http = createRest(catalogue.methods, invoker, services, { maxBody });
	for (const path of WEBSOCKET_PATHS) {
		http.get(path, (_request, reply) => reply.code(400).type('text/plain').send('Not a valid websocket request'));
	}
	const hub = createStreamHub(catalogue.streams);
	bus.on('notify', hub.notify);
	bus.on('changed', (change) => announce(change, store, hub));
	const publications = publicationsOf([...catalogue.publications, ...hub.publications]);
	const sessions = serveDdp(http.server, { ...services, invoker, publications }, ddp);
	const sweeper = setInterval(() => {
		sweepTokens(store, settings).catch((err) => log.error({ err }, 'Expired login tokens could not be removed'));
	}, SWEEP_INTERVAL);
	sweeper.unref();

	return {
		invoker,
		counts: () => ({ sessions: sessions.sessions, listeners: bus.listeners }),
		async listen(port, host) {
			await http.listen({ port, host });
			return (http.server.address() as AddressInfo).port;
		},
		async close() {
			clearInterval(sweeper);
			await Promise.all([sessions.close(grace), http.close()]);
		},
	};
}
