/** A server from its parts: one HTTP server, the two doors on it, and what they share. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sweepTokens } from '../methods/accounts/tokens.js';
import { mayUser } from '../methods/permissions.js';
import { publishChange } from '../methods/streams/publishChange.js';
import type { Log } from '../shared/log.js';
import type { Settings } from '../shared/method.js';
import type { Store } from '../shared/store.js';
import { createBus } from './cluster/bus.js';
import { type Catalogue, connectionListener, publicationsOf } from './core/catalogue.js';
import { createDeadlines } from './core/deadlines.js';
import type { ExpiringCacheOptions } from './core/expiring-cache.js';
import { createIdempotencyCache } from './core/idempotency.js';
import { createInvoker, type Invoker } from './core/invoke.js';
import { clientAddressOf } from './core/limits/address.js';
import { createRateLimits, type RateLimitMode } from './core/limits/rate.js';
import { watchTokens } from './core/token-watcher.js';
import { type DdpOptions, serveDdp } from './ddp/endpoint.js';
import { createStreamHub } from './ddp/publications/streams.js';
import { createResumeChains } from './ddp/resume-chains.js';
import { InFlightCalls } from './rest/caller.js';
import { createRest } from './rest/endpoint.js';
import { DEFAULT_ROCKETCHAT_VERSION } from './rest/info.js';

/** Time between two sweeps of expired login tokens, in ms (`test/contract/ddp.md` 16.2). */
const SWEEP_INTERVAL = 10 * 60 * 1000;

/** Time between looks for idle HTTP connections while the server closes, in ms. */
const IDLE_CHECK_MS = 50;

/** How long HTTP connections may stay after the grace, for the last answers to leave, in ms. */
const LAST_ANSWERS_MS = 250;

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
	/** Origins whose pages may call REST: `*`, or some with commas between them. Default: none but our own. */
	readonly corsOrigin?: string | undefined;
	/** Time over which connections are closed at the end, in ms. */
	readonly grace: number;
	/** Time between looks whether the login tokens in use still exist, in ms. Default 1,000. */
	readonly tokenCheckInterval?: number;
	readonly rateLimit: RateLimitMode;
	/** How long and how many outcomes of calls are remembered for whoever asks again; a lifetime of 0 is never. */
	readonly once: ExpiringCacheOptions;
	/** How many proxies stand before the server; see `clientAddressOf`. */
	readonly forwardedCount: number;
	/** At which level arguments of a wrong type are logged. Default `debug`. */
	readonly argumentLogLevel?: 'debug' | 'info';
	/** The version of Rocket.Chat that `/api/info` names. Default: that of `--rocketchat-version`. */
	readonly rocketChatVersion?: string;
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

/** Builds a server. It does not listen yet. */
export function createApp(options: AppOptions): App {
	const { catalogue, store, log, settings, ddp, maxBody, grace, tokenCheckInterval, rateLimit } = options;
	const bus = createBus(log);
	const { argumentLogLevel = 'debug', rocketChatVersion = DEFAULT_ROCKETCHAT_VERSION } = options;
	const services = { store, bus, settings, log, argumentLogLevel, deadlines: createDeadlines() };
	const hub = createStreamHub(catalogue.streams);
	const offered = { ...catalogue, publications: [...catalogue.publications, ...hub.publications] };
	const limits =
		rateLimit === 'off'
			? undefined
			: createRateLimits(offered, {
					mode: rateLimit,
					log,
					message: catalogue.limitMessage,
					isExempt: (userId) => mayUser(store, userId, 'api-bypass-rate-limit'),
				});
	const once = createIdempotencyCache(options.once);
	const invoker = createInvoker(catalogue.methods, services, limits, once);
	const addressOf = (request: IncomingMessage) => clientAddressOf(request, options.forwardedCount);
	const calls = new InFlightCalls();
	const http = createRest(catalogue.methods, invoker, services, {
		maxBody,
		corsOrigin: options.corsOrigin,
		rocketChatVersion,
		addressOf,
		calls,
	});
	bus.on('notify', hub.notify);
	bus.on('changed', (change) => publishChange(change, store, hub));
	const publications = publicationsOf(offered.publications, catalogue.strategies);
	const onConnection = connectionListener(catalogue, log);
	const resumeChains = once && createResumeChains(options.once);
	const sessions = serveDdp(
		http,
		{ ...services, invoker, publications, limits, resumeChains, addressOf, onConnection },
		ddp,
	);
	const sweeper = setInterval(() => {
		sweepTokens(store).catch((err) => log.error({ err }, 'Expired login tokens could not be removed'));
	}, SWEEP_INTERVAL);
	sweeper.unref();
	const stopWatching = watchTokens(services, () => sessions.tokensInUse(), tokenCheckInterval);

	async function closeHttp(): Promise<void> {
		// Until then they come back for their answers, with connections that are new.
		await sessions.pollsEnded(grace);
		// Connections kept alive that were busy just now: the server would wait for them to time out.
		const idleCloser = setInterval(() => http.server.closeIdleConnections(), IDLE_CHECK_MS);
		await http.close();
		clearInterval(idleCloser);
	}

	return {
		invoker,
		counts: () => ({ sessions: sessions.sessions, listeners: bus.listeners }),
		async listen(port, host) {
			await http.listen({ port, host });
			return (http.server.address() as AddressInfo).port;
		},
		async close() {
			clearInterval(sweeper);
			const giveUp = setTimeout(() => calls.giveUp(), grace);
			// Whoever is silent, or in the middle of a request, would keep the process alive.
			const cut = setTimeout(() => http.server.closeAllConnections(), grace + LAST_ANSWERS_MS);
			await Promise.all([stopWatching(), sessions.close(grace), closeHttp()]);
			clearTimeout(giveUp);
			clearTimeout(cut);
		},
	};
}
