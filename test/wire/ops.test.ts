/** Health and metrics of a real server. */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createServer } from '../../server/index.js';
import { openServer } from '../../server/start/openServer.js';
import { type BusyServer, startBusyServer } from '../support/busyServer.js';
import { memoryLog } from '../support/log.js';
import { request } from '../support/rest.js';
import { type Scrape, scrape } from '../support/scrape.js';

/** All labels. Their values come from closed lists, definitions, and the versions of Roomkey and Node. */
const LABELS = [
	'certificate',
	'check',
	'collection',
	'event',
	'kind',
	'lane',
	'le',
	'limit',
	'major',
	'method',
	'minor',
	'node',
	'operation',
	'outcome',
	'patch',
	'reason',
	'refused',
	'space',
	'transport',
	'type',
	'user',
	'version',
];

describe('probes', () => {
	const start = (options = {}) =>
		openServer({ port: 0, store: { memory: true }, log: memoryLog(), grace: 100, ...options });

	it('/livez and /readyz answer 200, in JSON or with one word', async () => {
		const { url, close } = await start();
		const alive = await request(`${url}/livez`);
		expect([alive.status, alive.body.status]).to.deep.equal([200, 'ok']);
		const ready = await request(`${url}/readyz`);
		expect([ready.status, ready.body.status]).to.deep.equal([200, 'ready']);
		expect(ready.body.checks).to.have.all.keys('store', 'disk', 'bus', 'watcher', 'liveQueries');
		expect(ready.headers.get('cache-control')).to.equal('no-store');
		expect((await request(`${url}/livez?plain`)).text).to.equal('ok\n');
		expect((await request(`${url}/readyz`, { headers: { accept: 'text/plain' } })).text).to.equal('ready\n');
		expect((await request(`${url}/readyz`, { method: 'HEAD' })).status).to.equal(200);
		expect((await request(`${url}/readyz`, { method: 'POST' })).status).to.equal(405);
		await close();
	});

	it('/livez, /readyz and /metrics answer only at these paths, so proxies can block them', async () => {
		const { url, close } = await start();
		for (const page of ['livez', 'readyz', 'metrics']) {
			expect((await request(`${url}/${page}?x=1`)).status, page).to.equal(200);
			const encoded = `%${page.charCodeAt(0).toString(16)}${page.slice(1)}`;
			for (const path of [`${page}/`, encoded, `${encoded}/`, `/${page}`])
				expect((await request(`${url}/${path}`)).status, path).to.equal(404);
		}
		await close();
	});

	it('/readyz answers 503 while the store fails, and /livez does not', async () => {
		const { url, store, close } = await start();
		Object.assign(store.settings, { findOne: () => Promise.reject(new Error('secret of the store')) });
		const { status, text, body } = await request(`${url}/readyz`);
		expect(status).to.equal(503);
		expect((body.checks as Record<string, object>).store).to.include({ status: 'failed' });
		expect(text).not.to.include('secret');
		expect((await request(`${url}/readyz?plain`)).text).to.equal('unready\n');
		expect((await request(`${url}/livez`)).status).to.equal(200);
		await close();
	});

	it('/readyz answers 503 when the server has stopped', async () => {
		const { app, close } = await start();
		const application = createHttpServer((incoming, response) => app.handle(incoming, response));
		const port = await new Promise<number>((resolve) => {
			application.listen(0, '127.0.0.1', () => resolve((application.address() as AddressInfo).port));
		});
		const readyz = () => request(`http://127.0.0.1:${port}/readyz?plain`);
		expect((await readyz()).status).to.equal(200);
		await close();
		expect(await readyz()).to.deep.include({ status: 503, text: 'unready\n' });
		application.closeAllConnections();
		application.close();
	});

	it('have no rate limit', async () => {
		const everything = { matcher: { type: () => true, clientAddress: () => true }, calls: 1, per: 60_000 };
		const { url, close } = await start({ rateLimit: 'on', limits: [everything] });
		for (const probe of ['livez', 'readyz'])
			for (let i = 0; i < 20; i++) expect((await request(`${url}/${probe}`)).status).to.equal(200);
		await close();
	});
});

/** The expected numbers are those of the calls and clients in `startBusyServer`. */
describe('metrics', () => {
	let busy: BusyServer;
	let metrics: Scrape;

	before(async () => {
		busy = await startBusyServer();
		metrics = await scrape(busy.url);
	});
	after(() => busy.close());

	const expectSums = (name: string, label: string, sums: Record<string, number>) =>
		expect(
			Object.fromEntries(Object.keys(sums).map((text) => [text, metrics.sum(name, { [label]: text })])),
		).to.deep.equal(sums);

	it('count calls by method, transport and outcome', () => {
		const count = (labels: Record<string, string>) => metrics.sum('roomkey_calls_total', labels);
		expect(count({ method: 'own.once', transport: 'rest', outcome: 'ok' })).to.equal(1);
		expect(count({ method: 'own.once', transport: 'rest', outcome: 'limited' })).to.equal(2);
		expect(count({ method: 'own.broken', outcome: 'error' })).to.equal(1);
		expect(count({ method: 'e2e.setRoomKeyID', outcome: 'ok' })).to.equal(2);
		expect(count({ method: 'login', transport: 'websocket', outcome: 'ok' })).to.equal(1);
	});

	it('count all unknown methods under one label', () => {
		expect(metrics.sum('roomkey_calls_total', { method: '(unknown)', outcome: 'refused' })).to.equal(1);
		expect(metrics.samples.some(({ labels }) => Object.values(labels).includes('own.nobody'))).to.equal(false);
	});

	it('have the durations of calls in a histogram with cumulative buckets', () => {
		const labels = { method: 'login', transport: 'rest' };
		const buckets = metrics.samples.filter(
			({ name, labels: { method, transport } }) =>
				name === 'roomkey_call_duration_seconds_bucket' && method === 'login' && transport === 'rest',
		);
		const counts = buckets.map(({ value }) => value);
		expect(counts).to.deep.equal([...counts].sort((a, b) => a - b));
		expect(buckets.at(-1)).to.deep.include({ value: 2, labels: { ...labels, le: '+Inf' } });
		expect(metrics.sum('roomkey_call_duration_seconds_count', labels)).to.equal(2);
		expect(metrics.sum('roomkey_call_duration_seconds_sum', labels)).to.be.above(0);
	});

	it('count logins by outcome, limits that were hit, and repeated calls', () => {
		expectSums('roomkey_logins_total', 'outcome', { ok: 2, refused: 1 });
		expectSums('roomkey_limits_hit_total', 'limit', { method: 2, connections: 1 });
		expectSums('roomkey_idempotent_replays_total', 'method', { 'e2e.setRoomKeyID': 1 });
	});

	it('count sessions, subscriptions, and connections by transport', () => {
		expectSums('roomkey_connections', 'transport', { websocket: 3, 'sockjs-websocket': 1, 'sockjs-polling': 1 });
		expectSums('roomkey_connections_opened_total', 'transport', { websocket: 3, 'sockjs-polling': 1 });
		expectSums('roomkey_connections_refused_total', 'reason', { limit: 1, origin: 0 });
		expectSums('roomkey_sessions', 'user', { anonymous: 2, logged_in: 1 });
		expect(metrics.sum('roomkey_subscriptions')).to.equal(1);
	});

	it('count unanswered requests and paused clients', () => {
		expect(metrics.sum('roomkey_queued_requests')).to.equal(3);
		expect(metrics.sum('roomkey_queued_requests_max')).to.equal(3);
		expect(metrics.sum('roomkey_paused_clients')).to.equal(1);
		expect(metrics.sum('roomkey_client_pauses_total')).to.equal(1);
		expect(metrics.labelsOf('roomkey_buffered_bytes')).to.not.equal(undefined);
		expect(metrics.sum('roomkey_buffer_overflows_total')).to.equal(0);
	});

	it('count events and their deliveries to clients', () => {
		expect(metrics.sum('roomkey_events_total', { event: 'changed' })).to.be.above(0);
		expect(metrics.sum('roomkey_stream_events_total')).to.be.above(0);
		expect(metrics.sum('roomkey_stream_deliveries_total')).to.equal(metrics.sum('roomkey_stream_events_total'));
	});

	it('count what happened to keys', () => {
		expectSums('roomkey_key_events_total', 'event', {
			room_key_set: 1,
			room_key_reset: 1,
			offered: 2,
			withdrawn: 1,
			accepted: 1,
			identity_set: 1,
			identity_removed: 1,
		});
	});

	it('count operations of the store, by collection, and their failures', () => {
		const labels = { collection: 'rocketchat_room', operation: 'findOne' };
		expect(metrics.sum('roomkey_store_operation_duration_seconds_count', labels)).to.be.above(0);
		expect(metrics.sum('roomkey_store_failures_total')).to.equal(0);
	});

	it('describe the process: event loop, memory, version', () => {
		for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes', 'roomkey_build_info'])
			expect(metrics.sum(name), name).to.be.above(0);
		expect(metrics.sum('roomkey_check', { check: 'store' })).to.equal(1);
	});

	it('have only known labels', () => {
		const labels = new Set(metrics.samples.flatMap((sample) => Object.keys(sample.labels)));
		expect([...labels].filter((label) => !LABELS.includes(label))).to.deep.equal([]);
	});
});

describe('the setting for metrics', () => {
	const start = (metrics: string) =>
		openServer({ port: 0, store: { memory: true }, log: memoryLog(), grace: 100, metrics });

	it('removes the page if it is `off`, but keeps the probes', async () => {
		const server = await start('off');
		expect((await request(`${server.url}/metrics`)).status).to.equal(404);
		expect((await request(`${server.url}/readyz`)).status).to.equal(200);
		await server.close();
	});

	it('moves the metrics to a port, where the probes answer too', async () => {
		const server = await start('0');
		const url = `http://127.0.0.1:${server.ops.port}`;
		expect((await scrape(url)).sum('roomkey_ready')).to.equal(1);
		expect((await request(`${url}/readyz?plain`)).text).to.equal('ready\n');
		const { status, headers } = await request(`${url}/nothing`);
		expect(status).to.equal(404);
		expect(headers.get('x-content-type-options')).to.equal('nosniff');
		expect((await request(`${url}/metrics`, { method: 'POST' })).status).to.equal(405);
		expect((await request(`${server.url}/metrics`)).status).to.equal(404);
		await server.close();
		await request(url).then(
			() => expect.fail('it still listens'),
			() => {},
		);
	});

	it('refuses other values', async () => {
		for (const metrics of ['maybe', '70000']) {
			const error = await createServer({ store: { memory: true }, metrics }).then(
				() => undefined,
				(error: Error) => error,
			);
			expect(error?.message).to.equal(`metrics must be on, off or a port from 0 to 65535, not '${metrics}'`);
		}
	});
});
