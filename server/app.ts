/** Builds a server from its parts: one HTTP server for REST and DDP, and their shared services. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Server as TlsServer } from 'node:tls';
import { mayUser } from '../methods/model/permissions/permissions.js';
import { sweepTokens } from '../methods/model/users/tokens.js';
import { publishChange } from '../methods/streams/publishChange.js';
import type { ExpiringCacheOptions } from '../shared/expiringCache.js';
import type { Log } from '../shared/log.js';
import type { Settings } from '../shared/method.js';
import { declareShared, isShared, type Store } from '../shared/store.js';
import { type Catalogue, connectionListener, publicationsOf } from './catalogue.js';
import { type Bus, createBus } from './cluster/bus.js';
import { type ChangedElsewhere, createChangedElsewhere } from './cluster/changedElsewhere.js';
import type { Cluster } from './cluster/cluster.js';
import type { Link } from './cluster/link.js';
import { publishChanges } from './cluster/publishChanges.js';
import { createIdempotencyCache } from './core/idempotency.js';
import { createInvoker, type Invoker } from './core/invoke.js';
import { addressReader } from './core/limits/address.js';
import { createRateLimits, type RateLimitMode } from './core/limits/rate.js';
import { sharedCounters } from './core/limits/sharedCounters.js';
import { repeat } from './core/repeat.js';
import { sweepAtIntervals } from './core/sharedState.js';
import { watchTokens } from './core/token-watcher.js';
import { type DdpOptions, serveDdp } from './ddp/endpoint.js';
import { createStreamHub } from './ddp/publications/streams.js';
import { createResumeChains } from './ddp/resume-chains.js';
import type { OpenSession } from './ddp/transports/transport.js';
import { servePage } from './describe/pageFiles.js';
import { serveDocuments } from './describe/serve.js';
import type { Certificate } from './http/certificate.js';
import type { HttpTimeouts } from './http/httpServer.js';
import { originCheck } from './http/origins.js';
import { belowPrefix } from './http/pathPrefix.js';
import { joinProcesses } from './joinProcesses.js';
import { createLookAgain } from './lookAgain.js';
import type { Ops } from './ops/ops.js';
import { InFlightCalls } from './rest/inFlightCalls.js';
import { DEFAULT_ROCKETCHAT_VERSION } from './rest/info.js';
import { createRest } from './rest/server.js';
import type { OpenStore } from './store/collections.js';
import { unrefServer } from './unref.js';

/** Time between two sweeps of expired login tokens, in ms (`test/contract/ddp.md` 16.2). */
const SWEEP_INTERVAL_MS = 10 * 60 * 1000;

/** Time between checks for idle HTTP connections while the server closes, in ms. */
const IDLE_CHECK_MS = 50;

/** How long HTTP connections may stay open after the grace period, to send the last answers, in ms. */
const LAST_ANSWERS_MS = 250;

export interface AppOptions {
	/** The methods, publications and streams of the server. */
	readonly catalogue: Catalogue;
	/** The app does not close it. */
	readonly store: Store;
	/** Whether other processes of the same service may use the store too: then they share limits and first answers. */
	readonly shared?: boolean;
	/** Whether the store refuses writes: then expired login tokens are not removed. Default false. */
	readonly readOnly?: boolean;
	/** Calls a listener for every write of the store; see `OpenStore`. */
	readonly onChange: OpenStore['onChange'];
	readonly log: Log;
	readonly settings: Settings;
	readonly ddp: DdpOptions;
	/** Largest body of a request, in bytes. */
	readonly maxBody: number;
	/** Origins whose pages may call REST: `*`, or a list separated by commas. Default: only pages from this server. */
	readonly corsOrigin?: string | undefined;
	/** Whether there is a reference page at `/api-docs`. Default true. */
	readonly apiDocs?: boolean;
	/** Time over which connections are closed at shutdown, in ms. */
	readonly grace: number;
	/** Time between checks that the login tokens in use still exist, in ms. Default 1,000. */
	readonly tokenCheckInterval?: number;
	readonly rateLimit: RateLimitMode;
	/** Limits of the idempotency cache: number of outcomes and their lifetime. A ttl of 0 disables it. */
	readonly once: ExpiringCacheOptions;
	/** Number of trusted proxies in front of the server; see `addressReader`. */
	readonly forwardedCount: number;
	/** Networks of trusted proxies instead of their number. */
	readonly trustProxy?: string | undefined;
	/** Origins whose pages may connect over DDP; see `originCheck`. Default `*`. */
	readonly allowedOrigins?: string;
	/** The path below which everything is. Default: none. */
	readonly pathPrefix?: string | undefined;
	/** Default: plain HTTP. */
	readonly certificate?: Certificate | undefined;
	/** Time limits of HTTP. Default: those of the settings. */
	readonly timeouts?: HttpTimeouts;
	/** At which level arguments of a wrong type are logged. Default `debug`. */
	readonly argumentLogLevel?: 'debug' | 'info';
	/** The version of Rocket.Chat that `/api/info` names. Default: that of `--rocketchat-version`. */
	readonly rocketChatVersion?: string;
	/** Whether REST refuses users without a user name. Default true. */
	readonly usernameRequired?: boolean;
	/** The connection to the other processes of the service. Default: there are none. */
	readonly link?: Link | undefined;
	/** Health and metrics. Default: neither. */
	readonly ops?: Ops | undefined;
}

export interface App {
	readonly invoker: Invoker;
	readonly bus: Bus;
	/** Receives which documents others have written to the same database. It is made when it is first used. */
	readonly changedElsewhere: ChangedElsewhere;
	/** Resolves when what other processes may have changed has been looked up. */
	caughtUp(): Promise<void>;
	/**
	 * Reads again what is observed of a collection, because writes of others may have been missed.
	 * @param collection a key of the store
	 */
	lookAgain(collection: string): void;
	/** Looks up soon whether the tokens of a user still exist. */
	checkTokens(userId: string): void;
	/** Begins a DDP session over a transport of any kind. */
	readonly connect: OpenSession;
	/** Resolves when it can handle requests. `listen` includes it. */
	ready(): Promise<void>;
	/** Whether there is something at an address. */
	owns(url: string): boolean;
	/** Answers a request that arrived at another server. */
	handle(request: IncomingMessage, response: ServerResponse): void;
	/** Handles a request to upgrade a connection that arrived at another server. */
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
	/** Replaces the certificate of new connections. @throws Error if it cannot be used */
	setCertificate(certificate: Certificate): void;
	/** Number of open sessions, and of event listeners. */
	counts(): { sessions: number; listeners: number };
	/**
	 * Starts to listen.
	 * @param port 0 picks a free one
	 * @returns the port
	 */
	listen(port: number, host: string): Promise<number>;
	/** Lets the process end although the server is open: for tests. */
	unref(): void;
	/** Refuses new clients, closes every connection once its calls are answered, and resolves when all are closed. */
	close(): Promise<void>;
}

/** Builds a server. It does not listen yet. */
export function createApp(options: AppOptions): App {
	if (options.shared) declareShared(options.store);
	const { catalogue, store, log, settings, ddp, maxBody, grace, tokenCheckInterval, rateLimit, ops } = options;
	const observer = ops?.observer;
	const bus = createBus(log);
	const { argumentLogLevel = 'debug', rocketChatVersion = DEFAULT_ROCKETCHAT_VERSION } = options;
	const services = { store, bus, settings, log, argumentLogLevel, observer };
	const hub = createStreamHub(catalogue.streams, observer);
	const offered = { ...catalogue, publications: [...catalogue.publications, ...hub.publications] };
	const counters = isShared(store) && rateLimit !== 'off' ? sharedCounters(store, log) : undefined;
	const limits =
		rateLimit === 'off'
			? undefined
			: createRateLimits(offered, {
					mode: rateLimit,
					log,
					observer,
					counters,
					message: catalogue.limitMessage,
					isExempt: (userId) => mayUser(store, userId, 'api-bypass-rate-limit'),
				});
	const once = createIdempotencyCache({ ...options.once, observer, store, log });
	const invoker = createInvoker(catalogue.methods, services, limits, once);
	const addressOf = addressReader({ count: options.forwardedCount, networks: options.trustProxy });
	const { pathPrefix = '', certificate, timeouts } = options;
	const pathOf = (url: string) => belowPrefix(pathPrefix, url);
	const calls = new InFlightCalls();
	const rest = createRest(catalogue.methods, invoker, services, {
		maxBody,
		corsOrigin: options.corsOrigin,
		rocketChatVersion,
		addressOf,
		calls,
		pages: ops?.pages,
		usernameRequired: options.usernameRequired,
		pathPrefix,
		certificate,
		timeouts,
	});
	const { app: http } = rest;
	serveDocuments(http, catalogue, pathPrefix);
	if (options.apiDocs ?? true) servePage(http);
	bus.on('notify', hub.notify);
	bus.on('changed', (change) => publishChange(change, store, hub));
	let changedElsewhere: ChangedElsewhere | undefined;
	let cluster: Cluster | undefined;
	const heardElsewhere = () => {
		const onOverflow = () => void cluster?.lookAgain();
		changedElsewhere ??= createChangedElsewhere({ store, onChange: options.onChange, bus, log, onOverflow });
		return changedElsewhere;
	};
	const lookAgain = createLookAgain({
		store,
		bus,
		log,
		changedElsewhere: heardElsewhere,
		reauthorize: () => hub.reauthorize({}),
	});
	const stopListening = publishChanges(options.onChange, bus);
	const publications = publicationsOf(offered.publications, catalogue.strategies);
	const onConnection = connectionListener(catalogue, log);
	const resumeChains = once && createResumeChains({ ...options.once, store, log });
	const allowsOrigin = originCheck(options.allowedOrigins ?? '*');
	const sessions = serveDdp(
		http,
		{ ...services, invoker, publications, limits, resumeChains, addressOf, onConnection, allowsOrigin, pathOf },
		ddp,
	);
	const stopObserving = ops?.attach({ sessions: sessions.openSessions, bus, onChange: options.onChange });
	const stopSweepingTokens = options.readOnly ? undefined : sweepTokensAtIntervals(store, log);
	const stopExchanging = counters?.start();
	const stopSweepingState = sweepAtIntervals(store, log);
	http.server.on('upgrade', sessions.upgrade);
	const tokenWatcher = watchTokens(services, () => sessions.tokensInUse(), tokenCheckInterval);
	if (options.link) {
		const { link } = options;
		cluster = joinProcesses({ link, store, bus, log, hub, tokenWatcher, ops, changedElsewhere: heardElsewhere() });
	}

	async function closeHttp(): Promise<void> {
		// Polling clients need new connections until then to receive their answers.
		await sessions.pollsEnded(grace);
		// Connections that have just become idle would otherwise stay until their keep-alive times out.
		const idleCloser = setInterval(() => http.server.closeIdleConnections(), IDLE_CHECK_MS);
		await http.close();
		clearInterval(idleCloser);
	}

	return {
		invoker,
		bus,
		get changedElsewhere() {
			return heardElsewhere();
		},
		lookAgain,
		checkTokens: tokenWatcher.checkUser,
		caughtUp: async () => cluster?.settled(),
		connect: sessions.connect,
		async ready() {
			await http.ready();
			ops?.health.started();
		},
		owns(url) {
			const path = pathOf(url);
			return path !== undefined && (rest.owns(path) || sessions.owns(path));
		},
		handle: rest.handle,
		upgrade: sessions.upgrade,
		setCertificate: (next) => (http.server as unknown as TlsServer).setSecureContext(next),
		counts: () => ({ sessions: sessions.sessions, listeners: bus.listeners }),
		async listen(port, host) {
			await http.listen({ port, host });
			ops?.health.started();
			return (http.server.address() as AddressInfo).port;
		},
		unref: () => unrefServer(http.server),
		async close() {
			ops?.health.stopping();
			const abortCalls = setTimeout(() => calls.close(), grace);
			// Otherwise a silent client, or one in the middle of a request, would keep the process alive.
			const closeConnections = setTimeout(() => http.server.closeAllConnections(), grace + LAST_ANSWERS_MS);
			await Promise.all([
				tokenWatcher.stop(),
				stopSweepingTokens?.(),
				stopExchanging?.(),
				stopSweepingState(),
				sessions.close(grace),
				closeHttp(),
			]);
			await cluster?.close();
			await changedElsewhere?.close();
			clearTimeout(abortCalls);
			clearTimeout(closeConnections);
			stopListening();
			stopObserving?.();
		},
	};
}

/** Removes expired login tokens at intervals. Returns a function that stops it. */
function sweepTokensAtIntervals(store: Store, log: Log): () => Promise<void> {
	return repeat(
		() => sweepTokens(store),
		SWEEP_INTERVAL_MS,
		(err) => log.error({ err }, 'Expired login tokens could not be removed'),
	);
}
