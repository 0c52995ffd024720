/** Builds a server: an HTTP server for REST and DDP, and the services that both use. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Server as TlsServer } from 'node:tls';
import { hasPermissionById } from '../../methods/model/permissions/permissions.js';
import { removeExpiredTokens } from '../../methods/model/users/revokeTokens.js';
import { publishChange } from '../../methods/streams/publishChange.js';
import type { Log } from '../../shared/log.js';
import { declareShared, isShared, type Store } from '../../shared/store.js';
import { type Catalogue, connectionListener, publicationsOf } from '../catalogue.js';
import { type Bus, createBus } from '../cluster/bus.js';
import { publishChanges } from '../cluster/publishChanges.js';
import { createIdempotencyCache } from '../core/idempotency.js';
import { createInvoker, type Invoker } from '../core/invoke.js';
import { addressReader } from '../core/limits/address.js';
import type { Counters } from '../core/limits/counters.js';
import { createRateLimits, type RateLimits } from '../core/limits/rate.js';
import { sharedCounters } from '../core/limits/sharedCounters.js';
import { repeat } from '../core/repeat.js';
import { sweepAtIntervals } from '../core/sweepSharedState.js';
import { watchTokens } from '../core/token-watcher.js';
import { serveDdp } from '../ddp/endpoint.js';
import { createStreamHub } from '../ddp/publications/streams.js';
import { createResumeChains } from '../ddp/resume-chains.js';
import type { OpenSession } from '../ddp/transports/transport.js';
import { servePage } from '../describe/pageFiles.js';
import { serveDocuments } from '../describe/serve.js';
import type { Certificate } from '../http/certificate.js';
import { originCheck } from '../http/origins.js';
import { withoutPrefix } from '../http/pathPrefix.js';
import { unrefServer } from '../http/unref.js';
import { InFlightCalls } from '../rest/inFlightCalls.js';
import { DEFAULT_ROCKETCHAT_VERSION } from '../rest/info.js';
import { createRest } from '../rest/server.js';
import { closeHttp, interruptAfter } from '../rest/shutdown.js';
import type { AppOptions } from './appOptions.js';
import { followOtherWriters, type OtherWriters } from './otherWriters.js';

/** Time between two sweeps of expired login tokens, in ms (`test/contract/ddp.md` 16.2). */
const SWEEP_INTERVAL_MS = 10 * 60 * 1000;

/** A server without its store, which the caller opens and closes. */
export interface App extends Omit<OtherWriters, 'close'> {
	readonly invoker: Invoker;
	readonly bus: Bus;
	/** Checks soon whether the login tokens of a user still exist. */
	checkTokens(userId: string): void;
	/** Begins a DDP session over a transport of any kind. */
	readonly connect: OpenSession;
	/** Resolves when the app can handle requests. Not needed before `listen`. */
	ready(): Promise<void>;
	/** Whether a URL belongs to this server, not to the application around it. */
	owns(url: string): boolean;
	/** Answers a request that arrived at another server. */
	handle(request: IncomingMessage, response: ServerResponse): void;
	/** Upgrades a connection of another server to WebSocket. */
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
	/** Sets the certificate for new connections. @throws Error if the certificate cannot be used */
	setCertificate(certificate: Certificate): void;
	counts(): { sessions: number; listeners: number };
	/**
	 * Starts to listen.
	 * @param port 0 picks a free one
	 * @returns the port
	 */
	listen(port: number, host: string): Promise<number>;
	/** Lets the process end while the server is open. For tests. */
	unref(): void;
	/** Refuses new clients, and closes each connection once its calls are answered. Resolves when all are closed. */
	close(): Promise<void>;
}

/** Builds a server. It does not listen yet. */
export function createApp(options: AppOptions): App {
	if (options.shared) declareShared(options.store);
	const { catalogue, store, onChange, log, settings, ddp, maxBody, grace, tokenCheckInterval, rateLimit, ops } =
		options;
	const observer = ops?.observer;
	const bus = createBus(log);
	const { argumentLogLevel = 'debug', rocketChatVersion = DEFAULT_ROCKETCHAT_VERSION } = options;
	const services = { store, bus, settings, log, argumentLogLevel, observer };
	const hub = createStreamHub(catalogue.streams, observer);
	const catalogueWithStreams = { ...catalogue, publications: [...catalogue.publications, ...hub.publications] };
	const counters = isShared(store) && rateLimit !== 'off' ? sharedCounters(store, log) : undefined;
	const limits = rateLimitsOf(catalogueWithStreams, options, counters);
	const idempotency = createIdempotencyCache({ ...options.once, observer, store, log });
	// Only the shadow mode sets `preParsing`. The events of replayed requests must not reach clients.
	const isShadow = options.preParsing !== undefined;
	const callServices = isShadow ? { ...services, bus: { publish: () => undefined } } : services;
	const invoker = createInvoker(catalogue.methods, callServices, limits, idempotency);
	const addressOf = addressReader({ count: options.forwardedCount, networks: options.trustProxy });
	const { pathPrefix = '', certificate, timeouts } = options;
	const pathOf = (url: string) => withoutPrefix(pathPrefix, url);
	const restCalls = new InFlightCalls();
	const rest = createRest(catalogue.methods, invoker, services, {
		maxBody,
		corsOrigin: options.corsOrigin,
		rocketChatVersion,
		addressOf,
		calls: restCalls,
		pages: ops?.pages,
		usernameRequired: options.usernameRequired,
		pathPrefix,
		certificate,
		timeouts,
		preParsing: options.preParsing,
		onUnknownRoute: options.onUnknownRoute,
	});
	const { app: fastify } = rest;
	serveDocuments(fastify, catalogue, pathPrefix);
	if (options.apiDocs ?? true) servePage(fastify);
	bus.on('notify', hub.notify);
	bus.on('changed', (change) => publishChange(change, store, hub));
	const stopPublishing = publishChanges(onChange, bus);
	const publications = publicationsOf(catalogueWithStreams.publications, catalogue.strategies);
	const onConnection = connectionListener(catalogue, log);
	const resumeChains = idempotency && createResumeChains({ ...options.once, store, log });
	const allowsOrigin = originCheck(options.allowedOrigins ?? '*');
	const endpoint = serveDdp(
		fastify,
		{
			...services,
			invoker,
			publications,
			limits,
			resumeChains,
			addressOf,
			onConnection,
			allowsOrigin,
			pathOf,
			liveQueryObserver: ops?.liveQueryObserver,
		},
		ddp,
	);
	const stopObserving = ops?.attach({ sessions: endpoint.sessions, bus, onChange });
	const stopSweepingTokens = options.readOnly ? undefined : sweepTokensAtIntervals(store, log);
	const stopSharingCounters = counters?.start();
	const stopSweepingState = sweepAtIntervals(store, log);
	fastify.server.on('upgrade', endpoint.upgrade);
	const tokenWatcher = watchTokens(services, () => endpoint.tokensInUse(), tokenCheckInterval);
	const otherWriters = followOtherWriters({ link: options.link, onChange, store, bus, log, hub, tokenWatcher, ops });

	return {
		invoker,
		bus,
		get changedElsewhere() {
			return otherWriters.changedElsewhere;
		},
		refreshCollection: otherWriters.refreshCollection,
		caughtUp: otherWriters.caughtUp,
		checkTokens: tokenWatcher.checkUser,
		connect: endpoint.connect,
		async ready() {
			await fastify.ready();
			ops?.health.markStarted();
		},
		owns(url) {
			const path = pathOf(url);
			return path !== undefined && (rest.owns(path) || endpoint.owns(path));
		},
		handle: rest.handle,
		upgrade: endpoint.upgrade,
		// Only a server with TLS has a certificate to replace.
		setCertificate: (next) => (fastify.server as unknown as TlsServer).setSecureContext(next),
		counts: () => ({ sessions: endpoint.sessions.size, listeners: bus.listenerCount }),
		async listen(port, host) {
			await fastify.listen({ port, host });
			ops?.health.markStarted();
			return (fastify.server.address() as AddressInfo).port;
		},
		unref: () => unrefServer(fastify.server),
		async close() {
			ops?.health.markStopping();
			const cancelInterruption = interruptAfter(grace, restCalls, fastify.server);
			await Promise.all([
				tokenWatcher.stop(),
				stopSweepingTokens?.(),
				stopSharingCounters?.(),
				stopSweepingState(),
				endpoint.close(grace),
				// Polling clients open new connections to receive their last answers. So HTTP closes when the polls have ended.
				endpoint.whenPollsEnded(grace).then(() => closeHttp(fastify, restCalls)),
			]);
			await otherWriters.close();
			cancelInterruption();
			stopPublishing();
			stopObserving?.();
		},
	};
}

function rateLimitsOf(
	catalogue: Catalogue,
	{ rateLimit: mode, store, log, ops }: AppOptions,
	counters: Counters | undefined,
): RateLimits | undefined {
	if (mode === 'off') return undefined;
	return createRateLimits(catalogue, {
		mode,
		log,
		observer: ops?.observer,
		counters,
		message: catalogue.limitMessage,
		isExempt: (userId) => hasPermissionById(store, userId, 'api-bypass-rate-limit'),
	});
}

function sweepTokensAtIntervals(store: Store, log: Log): () => Promise<void> {
	return repeat(
		() => removeExpiredTokens(store),
		SWEEP_INTERVAL_MS,
		(err) => log.error({ err }, 'Expired login tokens could not be removed'),
	);
}
