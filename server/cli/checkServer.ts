/** The checks that a running server makes itself. */
import { isDataLost } from '../ops/checks.js';
import type { HealthReport } from '../ops/health.js';
import type { CheckReport, CheckResult } from './checkResult.js';
import { connectionFault, isCertificateRefused, missingApi } from './connectionFault.js';

/** Time limit of the request, in ms. It is longer than that of any check that the server makes. */
const TIMEOUT_MS = 5000;

/**
 * Asks a server for its health.
 * @param isExpected whether it is a fault if no server answers
 */
export async function checkServer(url: string, isExpected: boolean): Promise<CheckReport> {
	let report: HealthReport;
	let date: string | null;
	const here = Date.now();
	try {
		const response = await fetch(`${url.replace(/\/$/, '')}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
		if (response.status === 404)
			return { results: [{ part: 'server', ...withoutAnswer(missingApi(url), undefined, isExpected) }] };
		date = response.headers.get('date');
		report = (await response.json()) as HealthReport;
		if (typeof report?.checks !== 'object') throw new Error('the answer is not that of Roomkey');
	} catch (error) {
		const fault = connectionFault(url, error, 'server');
		return { results: [{ part: 'server', ...withoutAnswer(fault, error, isExpected) }] };
	}
	const isReady = report.status === 'ready';
	const server: CheckResult = {
		part: 'server',
		status: isReady ? 'ok' : 'failed',
		note: `${url} is ${report.status} since ${report.since}${report.reason ? `: ${report.reason}` : ''}`,
	};
	const parts = Object.entries(report.checks).map(
		([name, { status, since, reason }]): CheckResult => ({
			part: `server: ${name}`,
			status: status === 'degraded' ? 'warning' : status,
			note: reason ?? `since ${since}`,
		}),
	);
	const there = date === null ? Number.NaN : Date.parse(date);
	return {
		results: [server, ...parts],
		isDataLost: isDataLost(report.checks.disk?.reason),
		// The `Date` header has whole seconds, so the time here is rounded down too.
		...(!Number.isNaN(there) && { time: { here: Math.floor(here / 1000) * 1000, there, owner: 'the server' } }),
	};
}

/** What it means that no server has answered. */
function withoutAnswer(fault: string, error: unknown, isExpected: boolean): Pick<CheckResult, 'status' | 'note'> {
	if (isExpected) return { status: 'failed', note: fault };
	// A server is there. Its certificate has a name that `check` cannot know.
	if (error !== undefined && isCertificateRefused(error))
		return { status: 'failed', note: `${fault}. Name it as its certificate names it: check --url https://…` };
	return { status: 'off', note: `${fault}. Name the server with --url or PORT` };
}
