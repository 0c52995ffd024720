/** The metrics of a server, in the format of Prometheus. All values are read when Prometheus asks for them. */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { ClusterCounts } from '../cluster/clusterCounts.js';
import type { WatcherState } from '../cluster/watch/watcher.js';
import type { Counters } from './counters.js';
import type { Health } from './health.js';
import type { HolderCensus } from './holderCensus.js';
import { histogram, labelled, metric, type Sample, single } from './samples.js';
import { type CountedSession, countSessions } from './sessionCensus.js';

/** How long an answer is reused, in ms, because scrapes have no rate limit. */
const MAX_AGE_MS = 1000;

/** The sources of the values. */
export interface MetricSources {
	readonly counters: Counters;
	readonly health: Health;
	readonly census: HolderCensus | undefined;
	readonly sessions: Iterable<CountedSession>;
	readonly watcher: { readonly state: WatcherState } | undefined;
	readonly cluster: ClusterCounts | undefined;
	/** The number of mirrored requests with each outcome. */
	readonly shadow: Iterable<[string, number]> | undefined;
	/** When each certificate of the server expires, in seconds since 1970. */
	readonly certificates: Iterable<[string, number]>;
	readonly version: string;
}

const CALL_SECONDS = 'roomkey_call_duration_seconds';
const STORE_SECONDS = 'roomkey_store_operation_duration_seconds';

function callMetrics(counters: Counters): Metric[] {
	const { refusedLogins, waitingLogins, wrongTokens, replays, limits } = counters;
	function* outcomes(): Iterable<Sample> {
		for (const { method, transport, calls } of counters.calls())
			for (const [outcome, value] of calls.outcomes()) yield { labels: { method, transport, outcome }, value };
	}
	function* durations(): Iterable<Sample> {
		for (const { method, transport, calls } of counters.calls())
			yield* histogram(CALL_SECONDS, calls.durations, { method, transport });
	}
	function* limitHits(): Iterable<Sample> {
		for (const limit of ['method', 'subscription', 'password', 'connections'] as const)
			for (const refused of [true, false])
				yield { labels: { limit, refused: String(refused) }, value: limits.get(`${limit} ${refused}`) };
	}
	return [
		metric('counter', 'roomkey_calls_total', 'Calls of methods, by how they ended', outcomes),
		metric('histogram', CALL_SECONDS, 'Time from the start of a call to its result', durations),
		metric('counter', 'roomkey_logins_total', 'Calls of the method login, by how they ended', () =>
			labelled(counters.logins(), 'outcome'),
		),
		metric('gauge', 'roomkey_logins_waiting', 'Logins that wait for their turn', () => labelled(waitingLogins, 'lane')),
		metric('counter', 'roomkey_logins_refused_total', 'Logins that were refused because too many waited', () =>
			labelled(refusedLogins, 'lane'),
		),
		metric('counter', 'roomkey_wrong_tokens_total', 'REST requests with a wrong or expired token', () =>
			labelled(wrongTokens, 'reason'),
		),
		metric('counter', 'roomkey_idempotent_replays_total', 'Repeated calls that received the first result', () =>
			labelled(replays, 'method'),
		),
		metric('counter', 'roomkey_limits_hit_total', 'Requests beyond a limit; not refused in a dry run', limitHits),
	];
}

function connectionMetrics(counters: Counters, sessions: Iterable<CountedSession>): Metric[] {
	// One walk over the sessions serves all gauges of a scrape.
	let totals: ReturnType<typeof countSessions> | undefined;
	const count = () => {
		totals ??= countSessions(sessions).finally(() => {
			totals = undefined;
		});
		return totals;
	};
	type NumberKey = 'unanswered' | 'maxUnanswered' | 'paused' | 'bufferedBytes' | 'subscriptions';
	const total = (name: string, help: string, key: NumberKey) =>
		metric('gauge', name, help, async () => single((await count())[key]));
	return [
		metric('gauge', 'roomkey_connections', 'Open connections', async () =>
			labelled((await count()).connections, 'transport'),
		),
		metric('gauge', 'roomkey_sessions', 'Sessions of DDP that have connected', async () =>
			labelled((await count()).sessions, 'user'),
		),
		total('roomkey_queued_requests', 'Unanswered requests of all clients', 'unanswered'),
		total('roomkey_queued_requests_max', 'Unanswered requests of the client with the most', 'maxUnanswered'),
		total('roomkey_paused_clients', 'Clients that are not read from: too many requests are unanswered', 'paused'),
		total('roomkey_buffered_bytes', 'Bytes that wait until clients read them', 'bufferedBytes'),
		total('roomkey_subscriptions', 'Subscriptions of all clients', 'subscriptions'),
		metric('counter', 'roomkey_connections_opened_total', 'Connections since the start', () =>
			labelled(counters.connections, 'transport'),
		),
		metric('counter', 'roomkey_connections_refused_total', 'Refused connections', () =>
			labelled(counters.refusedConnections, 'reason'),
		),
		metric('counter', 'roomkey_connections_held_total', 'New connections that had to wait', () =>
			single(counters.heldConnections),
		),
		metric('gauge', 'roomkey_connections_waiting', 'New connections that wait until they may open', () =>
			single(counters.waitingConnections),
		),
		metric('counter', 'roomkey_client_pauses_total', 'How often reading from a client was paused', () =>
			single(counters.pauses),
		),
		metric('counter', 'roomkey_buffer_overflows_total', 'Clients disconnected because they did not read', () =>
			single(counters.overflows),
		),
	];
}

function eventMetrics(counters: Counters, census: HolderCensus | undefined): Metric[] {
	return [
		metric('counter', 'roomkey_events_total', 'Events within the server', () => labelled(counters.events, 'event')),
		metric('counter', 'roomkey_stream_events_total', 'Events of streams that had readers', () =>
			single(counters.streamEvents),
		),
		metric('counter', 'roomkey_stream_deliveries_total', 'Events of streams, counted once for each reader', () =>
			single(counters.streamDeliveries),
		),
		metric('counter', 'roomkey_key_events_total', 'What happened to keys', () => labelled(counters.keys, 'event')),
		metric(
			'gauge',
			'roomkey_rooms_without_holder',
			'Rooms whose key no member holds; counted every 10 minutes at most',
			() => {
				void census?.refresh();
				return census?.count === undefined ? [] : single(census.count);
			},
		),
	];
}

function storeMetrics({ operations }: Counters): Metric[] {
	function* usedOperations() {
		for (const [collection, countsByOperation] of operations)
			for (const [operation, counts] of Object.entries(countsByOperation))
				if (counts.durations.count > 0) yield { labels: { collection, operation }, counts };
	}
	function* durations(): Iterable<Sample> {
		for (const { labels, counts } of usedOperations()) yield* histogram(STORE_SECONDS, counts.durations, labels);
	}
	function* failures(): Iterable<Sample> {
		for (const { labels, counts } of usedOperations()) yield { labels, value: counts.failures };
	}
	return [
		metric(
			'histogram',
			STORE_SECONDS,
			'Time of operations of the store; of a query until its first document',
			durations,
		),
		metric('counter', 'roomkey_store_failures_total', 'Operations of the store that failed', failures),
	];
}

function watcherMetrics(watcher: { readonly state: WatcherState }): Metric[] {
	return [
		metric(
			'gauge',
			'roomkey_watcher_behind_seconds',
			'All writes of other programs that are older than this have been noticed',
			() => single(watcher.state.behindMs / 1000, { mode: watcher.state.mode }),
		),
		metric(
			'counter',
			'roomkey_watcher_documents_total',
			'Written documents that the watcher has found, including own writes',
			() => labelled(watcher.state.found, 'collection'),
		),
		metric(
			'counter',
			'roomkey_watcher_full_reads_total',
			'How often all observed documents of a collection were read again',
			() => single(watcher.state.refreshes),
		),
	];
}

function clusterMetrics(cluster: ClusterCounts): Metric[] {
	return [
		metric('gauge', 'roomkey_bus_connected', '1 if this process is connected to the others of its service', () =>
			single(Number(cluster.connected)),
		),
		metric('gauge', 'roomkey_bus_processes', 'Processes of the service that this one knows, itself included', () =>
			single(cluster.peers + 1),
		),
		metric('counter', 'roomkey_bus_messages_total', 'Messages between processes; sent includes resent', () => [
			...single(cluster.sent, { direction: 'sent' }),
			...single(cluster.received, { direction: 'received' }),
			...single(cluster.resent, { direction: 'resent' }),
		]),
		metric('counter', 'roomkey_bus_dropped_total', 'Messages and events of others with a wrong form', () =>
			labelled(cluster.dropped, 'reason'),
		),
		metric('counter', 'roomkey_bus_catch_ups_total', 'How often everything was read again, and why', () =>
			labelled(cluster.catchUps, 'reason'),
		),
	];
}

function shadowMetric(shadow: Iterable<[string, number]>): Metric {
	return metric('counter', 'roomkey_shadow_requests_total', 'Mirrored requests, by the result of the comparison', () =>
		labelled(shadow, 'outcome'),
	);
}

/** Answers scrapes. */
export interface Metrics {
	readonly contentType: string;
	text(): Promise<string>;
}

/** Makes the metrics of a server. */
export function createMetrics(sources: MetricSources): Metrics {
	const registry = new Registry();
	const { counters, health, census, sessions, watcher, cluster, shadow, certificates, version } = sources;
	const info = { version, node: process.version };
	const metrics = [
		metric('gauge', 'roomkey_build_info', 'The version of Roomkey and of Node.js', () => single(1, info)),
		metric('gauge', 'roomkey_ready', '1 if /readyz answers 200', async () =>
			single(Number((await health.report()).status === 'ready')),
		),
		metric('gauge', 'roomkey_check', '1 if a part of the server works; parts that are off are left out', async () =>
			Object.entries((await health.report()).checks)
				.filter(([, { status }]) => status !== 'off')
				.flatMap(([check, { status }]) => single(Number(status === 'ok'), { check })),
		),
		metric(
			'gauge',
			'roomkey_certificate_expiry_timestamp_seconds',
			'When a TLS certificate of this process expires, in seconds since 1970',
			() => labelled(certificates, 'certificate'),
		),
		...callMetrics(counters),
		...connectionMetrics(counters, sessions),
		...eventMetrics(counters, census),
		...storeMetrics(counters),
		...(watcher ? watcherMetrics(watcher) : []),
		...(cluster ? clusterMetrics(cluster) : []),
		...(shadow ? [shadowMetric(shadow)] : []),
	];
	for (const ownMetric of metrics) registry.registerMetric(ownMetric);
	collectDefaultMetrics({ register: registry });
	let last: { readonly at: number; readonly text: Promise<string> } | undefined;
	return {
		contentType: registry.contentType,
		text() {
			if (!last || performance.now() - last.at > MAX_AGE_MS) last = { at: performance.now(), text: registry.metrics() };
			return last.text;
		},
	};
}
