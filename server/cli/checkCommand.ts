/** `roomkey check`: looks for faults before clients find them. */

import { OptionError } from '../options/kinds.js';
import type { CheckReport, CheckResult } from './checkResult.js';
import { connectionOf } from './checkServer.js';
import { checkStore } from './checkStore.js';
import type { Input, Io } from './command.js';
import { type Config, readConfig } from './config.js';
import { requireKnownLimits } from './knownLimits.js';
import { storeOf } from './place.js';
import { printResult } from './print.js';
import { formatTable } from './table.js';

/** A larger difference between two clocks is a warning, and one that is larger than the second a fault, in ms. */
const MAX_DRIFT_MS = [2000, 30_000] as const;

/** @returns 1 if there is a fault */
export async function check(input: Input, io: Io): Promise<number> {
	const { config, result } = await readSettings(input, io);
	const explicitUrl = input.text('url');
	const url = explicitUrl ?? serverUrl(config, io.env);
	const { results, time } = await connectionOf(url, explicitUrl !== undefined);
	const store = await checkStore(config?.store ?? storeOf(input));
	const all = [...results, ...store.results, result, checkClock(time ?? store.time)];
	const hasFailed = all.some(({ status }) => status === 'failed');
	printResult(input, io, { status: hasFailed ? 'failed' : 'ok', checks: all }, () =>
		io.line(
			formatTable(
				['part', 'status', 'note'],
				all.map(({ part, status, note }) => [part, status, note]),
			),
		),
	);
	return hasFailed ? 1 : 0;
}

/** The address of the server with these settings, on this machine. */
function serverUrl(config: Pick<Config, 'host' | 'port'> | undefined, env: NodeJS.ProcessEnv): string {
	const host = config?.host ?? '127.0.0.1';
	const isAny = host === '0.0.0.0' || host === '::';
	const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
	return `http://${name}:${config?.port ?? (env.PORT || 3000)}`;
}

/** Reads the settings that a server with this environment would have. `config` is absent if they are wrong. */
async function readSettings(input: Input, { env }: Io): Promise<{ config?: Config; result: CheckResult }> {
	const part = 'settings';
	const flags = (['data', 'mongo-url', 'config'] as const).flatMap((name) => {
		const value = input.given(name);
		return value === undefined ? [] : [`--${name}=${value}`];
	});
	try {
		const request = readConfig(flags, env);
		if (request.kind !== 'serve') throw new Error(`${request.kind} is not expected`);
		await requireKnownLimits(request.config);
		const place = request.settings.find(({ name }) => name === 'config')?.value;
		const note =
			place === undefined ? 'Those in the environment are valid' : `Those in the environment and in ${place} are valid`;
		return { config: request.config, result: { part, status: 'ok', note } };
	} catch (error) {
		if (!(error instanceof OptionError)) throw error;
		return { result: { part, status: 'failed', note: error.message.replace(/\n */g, ' ') } };
	}
}

/** Compares the clock of this machine with another. */
function checkClock(time: CheckReport['time']): CheckResult {
	const part = 'clock';
	if (!time) return { part, status: 'off', note: 'No server or database to compare it with' };
	const drift = Math.abs(time.there - time.here);
	const [warning, fault] = MAX_DRIFT_MS;
	if (drift <= warning) return { part, status: 'ok', note: `It agrees with that of ${time.of}` };
	const note = `It differs from that of ${time.of} by ${Math.round(drift / 1000)} s`;
	return { part, status: drift > fault ? 'failed' : 'warning', note };
}
