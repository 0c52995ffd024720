/** A server from its parts: one HTTP server, the two doors on it, and what they share. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sweepTokens } from '../methods/accounts/tokens.js';
import type { Log } from '../shared/log.js';
import type { Method, Settings } from '../shared/method.js';
import type { Store } from '../shared/store.js';
import { type DdpOptions, serveDdp, WEBSOCKET_PATHS } from './ddp/endpoint.js';
import { createBus } from './events/bus.js';
import { createInvoker, type Invoker } from './invoke.js';
import { clientAddressOf } from './limits/address.js';
import { createRateLimits, type RateLimitMode } from './limits/rate.js';
import { createRest } from './rest/endpoint.js';

/** Time between two sweeps of expired login tokens, in ms (`contract/ddp.md` 16.2). */
const SWEEP_INTERVAL = 10 * 60 * 1000;

/** What a client gets of its own `users` document (`contract/ddp.md` 16.4). Never `services`, never `e2e`. */
const OWN_USER = { username: 1, emails: 1, profile: 1 } as const;

export interface AppOptions {
	/** What clients may call. */
	readonly methods: readonly Method[];
	/** Not closed with the app: whoever opened it closes it. */
	readonly store: Store;
	readonly log: Log;
	readonly settings: Settings;
	readonly ddp: DdpOptions;
	/** Largest body of a request, in bytes. */
	readonly maxBody: number;
	readonly rateLimit: RateLimitMode;
	/** How many proxies stand before the server; see `clientAddressOf`. */
	readonly forwardedCount: number;
}

export interface App {
	readonly invoker: Invoker;
	/**
	 * Starts to listen.
	 * @param port 0 picks a free one
	 * @returns the port
	 */
	listen(port: number, host: string): Promise<number>;
	/** Takes no new clients, closes every connection, and resolves when they are gone. */
	close(): Promise<void>;
}

async function findOwnUser(store: Store, userId: string) {
	const user = await store.users.findOne({ _id: userId }, { projection: OWN_USER });
	if (!user) return null;
	const { _id, ...fields } = user;
	return fields;
}

/** Builds a server. It does not listen yet. */
export function createApp(options: AppOptions): App {
	const { methods, store, log, settings, rateLimit } = options;
	const events = createBus(log);
	const services = { store, events, settings, log };
	const limits = rateLimit === 'off' ? undefined : createRateLimits(methods, rateLimit, log);
	const invoker = createInvoker(methods, services, limits);
	const addressOf = (request: IncomingMessage) => clientAddressOf(request, options.forwardedCount);
	const http = createRest(methods, invoker, services, { maxBody: options.maxBody, addressOf });
	for (const path of WEBSOCKET_PATHS) {
		http.get(path, (_request, reply) => reply.code(400).type('text/plain').send('Not a valid websocket request'));
	}
	const sessions = serveDdp(
		http.server,
		{ invoker, log, events, addressOf, findOwnUser: (userId) => findOwnUser(store, userId) },
		options.ddp,
	);
	const sweeper = setInterval(() => {
		sweepTokens(store, settings).catch((err) => log.error({ err }, 'Expired login tokens could not be removed'));
	}, SWEEP_INTERVAL);
	sweeper.unref();

	return {
		invoker,
		async listen(port, host) {
			await http.listen({ port, host });
			return (http.server.address() as AddressInfo).port;
		},
		async close() {
			clearInterval(sweeper);
			await Promise.all([sessions.close(), http.close()]);
		},
	};
}
