/** The dashboard and the alert rules in deploy/ fit the metrics of a real server and the pages for operators. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { OUTCOMES } from '../../server/core/observer.js';
import { type BusyServer, startBusyServer } from '../support/busyServer.js';
import { type Scrape, scrape } from '../support/scrape.js';

/** Metrics and labels that Prometheus adds itself. */
const ADDED_METRICS = new Set(['up']);
const ADDED_LABELS = new Set(['job', 'instance']);

const LABEL_VALUES: Readonly<Record<string, readonly string[]>> = {
	outcome: OUTCOMES,
	limit: ['method', 'subscription', 'password', 'connections'],
	method: ['login'],
};

/** Words of the query language that look like names. */
const WORDS = new Set(['by', 'on', 'and', 'or', 'unless', 'without', 'ignoring', 'group_left', 'group_right']);

/** Reads the metrics of a query, the labels that it groups by, and its selectors as metric, label and text. */
function readQuery(query: string): { metrics: string[]; labels: string[]; selected: [string, string, string][] } {
	const selected: [string, string, string][] = [];
	const labels: string[] = [];
	const withoutSelectors = query
		// Durations, such as `[5m]`.
		.replace(/\[[^\]]*\]/g, '')
		// Selectors, such as `{outcome="error"}`.
		.replace(/([a-zA-Z_:]\w*)\{([^}]*)\}/g, (_, metric: string, selectors: string) => {
			for (const [, label, text] of selectors.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)) {
				selected.push([metric, label as string, text as string]);
			}
			return metric;
		})
		// Groups, such as `by (instance)`.
		.replace(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g, (_, names: string) => {
			labels.push(...names.split(',').map((name) => name.trim()));
			return '';
		})
		.replace(/"[^"]*"/g, '');
	// A name before a parenthesis is a function.
	const metrics = [...withoutSelectors.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*(?!\w|\s*\()/g)].map(([name]) => name);
	return { metrics: metrics.filter((name) => !WORDS.has(name)), labels, selected };
}

function dashboardQueries(): string[] {
	const { panels } = JSON.parse(readFileSync('deploy/grafana/roomkey.json', 'utf8')) as {
		panels: { targets?: { expr: string }[] }[];
	};
	return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

function alertQueries(): string[] {
	const text = readFileSync('deploy/prometheus/alerts.yml', 'utf8');
	return [...text.matchAll(/^ +expr: (.+)$/gm)].map(([, query]) => query as string);
}

describe('the pages for operators', () => {
	const rules = readFileSync('deploy/prometheus/alerts.yml', 'utf8');

	it('say for every alert rule what to do', () => {
		const alerts = Array.from(rules.matchAll(/- alert: (\w+)/g), ([, name]) => name);
		const [, table = ''] = /^\| Alert \| Do \|\n(.*?)\n\n/ms.exec(readFileSync('docs/deploying.md', 'utf8')) ?? [];
		const cells = table.split('\n').map((row) => row.split('|')[1] ?? '');
		const named = cells.flatMap((cell) => cell.match(/\w+/g) ?? []);
		expect(alerts).to.have.length.above(20);
		expect(named).to.have.members(alerts);
	});

	it('name the same Prometheus job as the rules and prometheus.yml', () => {
		const jobs = Array.from(rules.matchAll(/job="(\w+)"/g), ([, name]) => name);
		const file = readFileSync('deploy/prometheus/prometheus.yml', 'utf8');
		const [, job] = /job_name: (\w+)/.exec(file) ?? [];
		expect(new Set(jobs)).to.deep.equal(new Set([job]));
		for (const page of ['operating', 'deploying'])
			expect(readFileSync(`docs/${page}.md`, 'utf8').replace(/\s+/g, ' ')).to.include(`the job name \`${job}\``);
	});

	it('list every message of audit events', () => {
		const sources = readdirSync('server', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
		const messages = sources.flatMap((name) => {
			const text = readFileSync(`server/${name}`, 'utf8');
			return Array.from(text.matchAll(/\{ audit: true[^;]*?\},\s*'([^']+)',?\s*\)/g), ([, message]) => message);
		});
		const page = readFileSync('docs/operating.md', 'utf8');
		const listed = Array.from(page.matchAll(/^\| `([A-Z][^`]+)` \|/gm), ([, message]) => message);
		expect(messages).to.have.length.above(3);
		// callLog.ts keeps 'Audit' in a variable, where the pattern does not find it.
		expect(listed).to.include.members(['Audit', ...messages]);
	});
});

describe('the dashboard and the alert rules:', () => {
	let busy: BusyServer;
	let metrics: Scrape;

	before(async () => {
		busy = await startBusyServer();
		// Counts the rooms whose key nobody holds. The first scrape alone would only start the count.
		await busy.server.ops.census?.refresh();
		metrics = await scrape(busy.url);
	});
	after(() => busy.close());

	const check = (query: string) => {
		const read = readQuery(query);
		expect(read.metrics, query).not.to.be.empty;
		const known = read.metrics.filter((name) => !ADDED_METRICS.has(name));
		for (const name of known) expect(metrics.labelsOf(name), `${name} in ${query}`).not.to.equal(undefined);
		for (const label of read.labels.filter((name) => !ADDED_LABELS.has(name))) {
			expect(
				known.some((name) => metrics.labelsOf(name)?.has(label)),
				`${label} in ${query}`,
			).to.equal(true);
		}
		for (const [name, label, text] of read.selected) {
			if (ADDED_LABELS.has(label) || ADDED_METRICS.has(name)) continue;
			expect(metrics.labelsOf(name)?.has(label), `${label} in ${query}`).to.equal(true);
			for (const value of text.split('|')) expect(LABEL_VALUES[label] ?? [], `${label} in ${query}`).to.include(value);
		}
	};

	it('every query of the dashboard finds its metrics and labels', () => {
		const queries = dashboardQueries();
		expect(queries).to.have.length.above(30);
		for (const query of queries) check(query);
	});

	it('every alert rule finds its metrics and labels', () => {
		const queries = alertQueries();
		expect(queries).to.have.length.above(10);
		for (const query of queries) check(query);
	});

	it('a query with an unknown metric, label or value is detected', () => {
		for (const query of [
			'rate(roomkey_cals_total[5m])',
			'sum by (methd) (roomkey_calls_total)',
			'roomkey_calls_total{outcom="ok"}',
			'roomkey_calls_total{outcome="good"}',
		])
			expect(() => check(query), query).to.throw();
	});

	it('the dashboard shows every metric of Roomkey but its version', () => {
		const shown = new Set(dashboardQueries().flatMap((query) => readQuery(query).metrics));
		// A histogram also has a sum and a count, which need not be shown.
		const names = metrics.samples.map(({ name }) => name.replace(/_(sum|count)$/, '_bucket'));
		const missing = [...new Set(names)].filter((name) => name.startsWith('roomkey_') && !shown.has(name));
		expect(missing).to.deep.equal(['roomkey_build_info']);
	});
});
