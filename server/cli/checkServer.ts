/** The part of `roomkey check` that asks a running server for the results of its own checks. */
import { isObject } from '../../shared/isObject.js';
import { isDataLossReason } from '../ops/checks.js';
import type { HealthReport } from '../ops/health.js';
import type { CheckReport, CheckResult } from './checkResult.js';
import { certificateFault, connectionFault, missingApi } from './connectionFault.js';

/** In ms. Longer than the time limit of a check in the server. */
const TIMEOUT_MS = 5000;

/**
 * Asks a server for its health.
 * @param isRequired whether the check fails if there is no Roomkey server at this address
 */
export async function checkServer(url: string, isRequired: boolean): Promise<CheckReport> {
	const noReport = (fault: string, error?: unknown): CheckReport => ({
		results: [{ part: 'server', ...resultWithoutReport(url, fault, error, isRequired) }],
	});
	let response: Response;
	let text: string;
	let localTime: number;
	try {
		response = await fetch(`${url.replace(/\/$/, '')}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
		localTime = Date.now();
		text = await response.text();
	} catch (error) {
		return noReport(connectionFault(url, error, 'server'), error);
	}
	if (response.status === 404) return noReport(missingApi(url));
	const report = parseReport(text);
	if (!report) return noReport(`The server at ${url} is not Roomkey: its answer is no health report`);
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
	const serverTime = Date.parse(response.headers.get('date') ?? '');
	return {
		results: [server, ...parts],
		isDataLost: isDataLossReason(report.checks.disk?.reason),
		// The `Date` header has whole seconds, so the local time is rounded down too.
		...(!Number.isNaN(serverTime) && {
			time: { local: Math.floor(localTime / 1000) * 1000, remote: serverTime, owner: 'the server' },
		}),
	};
}

/** The health report in an answer. Undefined if the answer is not that of a Roomkey server. */
function parseReport(text: string): HealthReport | undefined {
	try {
		const report: unknown = JSON.parse(text);
		const isReport = isObject(report) && isObject(report.checks) && Object.values(report.checks).every(isObject);
		return isReport ? (report as unknown as HealthReport) : undefined;
	} catch {
		return undefined;
	}
}

/** @param error the error of the request, if it failed */
function resultWithoutReport(
	url: string,
	fault: string,
	error: unknown,
	isRequired: boolean,
): Pick<CheckResult, 'status' | 'note'> {
	if (isRequired) return { status: 'failed', note: fault };
	// A certificate shows that a server answers at this address, which `check` has guessed.
	const refused = error !== undefined && certificateFault(error);
	if (refused === 'out-of-date') return { status: 'failed', note: fault };
	if (refused) {
		const example = url.replace(new URL(url).hostname, 'HOST');
		return {
			status: 'failed',
			note: `${fault}. Give the host name in the certificate: roomkey check --url ${example}`,
		};
	}
	return {
		status: 'off',
		note: `${fault}. If the server has another address, give it with --url, or its port with PORT`,
	};
}
