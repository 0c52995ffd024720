/** A real Prometheus scrapes a server: every query of the dashboard has a result, and alerts fire. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { type BusyServer, startBusyServer } from '../support/busyServer.js';
import { freePort } from '../support/freePort.js';
import { request } from '../support/rest.js';

/** Time between two questions to Prometheus, which has no event to wait for. */
const POLL_MS = 200;

interface Answer {
	readonly status: string;
	readonly data: {
		readonly result: readonly unknown[];
		readonly alerts: readonly { labels: Record<string, string> }[];
	};
}

describe('a real Prometheus', () => {
	let folder: string;
	let busy: BusyServer;
	let prometheus: ChildProcess;
	let address: string;

	async function ask(path: string, isWanted: (answer: Answer) => boolean): Promise<Answer> {
		for (;;) {
			const answer = await request(`${address}/api/v1/${path}`).catch(() => undefined);
			if (answer?.status === 200 && isWanted(answer.body as unknown as Answer)) return answer.body as unknown as Answer;
			await setTimeout(POLL_MS);
		}
	}

	before(async () => {
		folder = mkdtempSync(join(tmpdir(), 'roomkey-prometheus-'));
		// The metrics have a port of their own.
		busy = await startBusyServer('0');
		const target = `127.0.0.1:${busy.server.ops.port}`;
		const rules = readFileSync('deploy/prometheus/alerts.yml', 'utf8').replace(/for: \w+/g, 'for: 0s');
		writeFileSync(join(folder, 'alerts.yml'), rules);
		const config = readFileSync('deploy/prometheus/prometheus.yml', 'utf8')
			.replace('127.0.0.1:3000', target)
			.replaceAll('15s', '1s');
		writeFileSync(join(folder, 'prometheus.yml'), config);
		const port = await freePort();
		address = `http://127.0.0.1:${port}`;
		const args = [`--config.file=${resolve(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`];
		prometheus = spawn('prometheus', [...args, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
		await busy.server.ops.census?.refresh();
		await ask('query?query=roomkey_rooms_without_holder', ({ data }) => data.result.length > 0);
	});

	after(async () => {
		await busy.close();
		prometheus.kill();
		await once(prometheus, 'exit');
		rmSync(folder, { recursive: true });
	});

	it('has a result for every query of the dashboard', async () => {
		const dashboard = JSON.parse(readFileSync('deploy/grafana/roomkey.json', 'utf8')) as {
			panels: { title: string; targets?: { expr: string }[] }[];
		};
		for (const { title, targets = [] } of dashboard.panels) {
			for (const { expr } of targets) {
				const query = expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
				const { status } = await ask(`query?query=${encodeURIComponent(query)}`, ({ data }) => data.result.length > 0);
				expect(status, title).to.equal('success');
			}
		}
	});

	it('fires an alert when a certificate expires soon', async () => {
		await ask('alerts', ({ data }) =>
			data.alerts.some(
				({ labels }) => labels.alertname === 'RoomkeyCertificateExpires' && labels.certificate === 'server',
			),
		);
	});

	it('fires an alert when a room has a key that nobody holds', async () => {
		const { data } = await ask('alerts', ({ data }) =>
			data.alerts.some(({ labels }) => labels.alertname === 'RoomkeyLostKeys'),
		);
		expect(data.alerts.map(({ labels }) => labels.alertname)).not.to.include('RoomkeyDown');
	});
});
