/** What operators see of a server: health, metrics and logs. */
import type { Log } from '../../shared/log.js';
import type { Bus } from '../cluster/bus.js';
import type { ClusterCounts } from '../cluster/clusterCounts.js';
import type { PartHealth } from '../cluster/partHealth.js';
import type { WatcherState } from '../cluster/watch/watcher.js';
import type { ServerObserver } from '../core/observer.js';
import type { LiveQueryObserver } from '../ddp/publications/collection-queries.js';
import { expiryOf } from '../http/certificate.js';
import type { OpenStore } from '../store/collections.js';
import { createCallLog, logRevokedTokens } from './callLog.js';
import { diskCheck, storeCheck } from './checks.js';
import { combineObservers } from './combine.js';
import { Counters, EVENTS } from './counters.js';
import { Health } from './health.js';
import { HolderCensus } from './holderCensus.js';
import { keyEventOfChange } from './keyEvents.js';
import { observeLiveQueries } from './liveQueryHealth.js';
import { healthPages, metricsPage, type Page, type PageServer, servePages } from './pages.js';
import type { CountedSession } from './sessionCensus.js';
import type { Traces } from './traces.js';

export interface OpsOptions {
	readonly log: Log;
	/** Where the metrics are served. `on`: at the port of the server; a number: at that port; `off`: nowhere. */
	readonly metrics: string;
	readonly version: string;
	/** The folder of the data, if it is in files. */
	readonly folder?: string | undefined;
	readonly traces?: Traces | undefined;
	/** Whether calls are replays of mirrored requests. */
	readonly isShadow?: boolean | undefined;
}

/** The parts of a server that are observed. */
export interface ObservedParts {
	readonly sessions: Iterable<CountedSession>;
	readonly bus: Bus;
	/** Calls the listener for each document that this process has changed. Changes of other processes are only on `bus`. */
	readonly onChange: OpenStore['onChange'];
}

export class Ops {
	readonly health: Health;
	/** The health of the connection to other processes. */
	readonly busHealth: PartHealth;
	/** The health of the watcher of a database that other programs write to. */
	readonly watcherHealth: PartHealth;
	readonly liveQueryObserver: LiveQueryObserver;
	/** Set by `observe`. */
	observer: ServerObserver | undefined;
	readonly #counters: Counters | undefined;
	watcher: { readonly state: WatcherState } | undefined;
	cluster: ClusterCounts | undefined;
	/** The number of mirrored requests with each outcome. */
	shadow: Iterable<[string, number]> | undefined;
	/** When the certificates for clients and for NATS expire, in seconds since 1970. */
	readonly #certificates = new Map<'server' | 'nats', number>();
	census: HolderCensus | undefined;
	#sessions: Iterable<CountedSession> = [];
	#server: PageServer | undefined;

	constructor(private readonly options: OpsOptions) {
		this.health = new Health(options.log);
		this.health.addPart('store', 'It is not open yet');
		this.busHealth = this.health.addPart('bus', 'This process is not connected to others');
		this.watcherHealth = this.health.addPart('watcher', 'Writes of other programs are not watched');
		this.liveQueryObserver = observeLiveQueries(this.health.addPart('liveQueries', 'There are none'));
		const { folder } = options;
		if (folder === undefined) this.health.addPart('disk', 'The data is not in a folder');
		else this.health.addCheck('disk', diskCheck(folder));
		if (options.metrics !== 'off') this.#counters = new Counters();
	}

	/**
	 * Observes the operations of the store for metrics and traces, and adds its health check. Makes `census`, and
	 * `observer` with the log of calls.
	 */
	observe(opened: Pick<OpenStore, 'store' | 'observe'>): void {
		const counters = this.#counters;
		const { traces, log, isShadow } = this.options;
		const storeObserver = traces ? traces.observeStore(counters) : counters;
		if (storeObserver) opened.observe(storeObserver);
		this.health.addCheck('store', storeCheck(opened.store));
		this.census = new HolderCensus(opened.store, log);
		this.observer = combineObservers(
			[...(counters ? [counters] : []), createCallLog(log, opened.store, isShadow)],
			traces?.runCall,
		);
	}

	/** Sets a certificate whose expiry the metrics show. */
	setCertificate(use: 'server' | 'nats', pem: string): void {
		const expiry = expiryOf(pem);
		if (expiry === undefined) this.#certificates.delete(use);
		else this.#certificates.set(use, expiry);
	}

	/** The pages at the port for clients. */
	get pages(): readonly Page[] {
		return this.options.metrics === 'on' ? this.#allPages() : healthPages(this.health);
	}

	/** Begins to observe these parts. @returns a function that stops observing them */
	attach({ sessions, bus, onChange }: ObservedParts): () => void {
		const { log } = this.options;
		const stopLog = logRevokedTokens(bus, log);
		const counters = this.#counters;
		if (!counters) return stopLog;
		this.#sessions = sessions;
		const stopFunctions = EVENTS.map((event) => bus.on(event, () => counters.events.add(event)));
		stopFunctions.push(
			stopLog,
			onChange((change) => {
				const event = keyEventOfChange(change);
				if (event) counters.keys.add(event);
				return undefined;
			}),
		);
		return () => {
			for (const stop of stopFunctions) stop();
		};
	}

	/** Serves the pages at a port of their own, if one is set. */
	async listen(host: string): Promise<void> {
		const { metrics, log } = this.options;
		if (!/^\d+$/.test(metrics)) return;
		this.#server = await servePages(this.#allPages(), host, Number(metrics), log);
	}

	/** The port of the pages, if they have their own. */
	get port(): number | undefined {
		return this.#server?.port;
	}

	async close(): Promise<void> {
		await this.#server?.close();
	}

	#allPages(): readonly Page[] {
		const { health } = this;
		const counters = this.#counters as Counters;
		const load = async () => {
			const { createMetrics } = await import('./metrics.js');
			const { version } = this.options;
			return createMetrics({
				counters,
				health,
				version,
				sessions: this.#sessions,
				census: this.census,
				watcher: this.watcher,
				cluster: this.cluster,
				shadow: this.shadow,
				certificates: this.#certificates,
			});
		};
		return [...healthPages(health), metricsPage(load)];
	}
}
