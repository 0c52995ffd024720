/** `roomkey check`: looks for faults before clients find them. */

import type { CheckReport, CheckResult } from './checkResult.js';
import { connectionOf } from './checkServer.js';
import { checkFolder, checkMongo } from './checkStore.js';
import type { Input, Io } from './command.js';
import { readConfig } from './config.js';
import { storeOf } from './place.js';
import { printResult } from './print.js';
import { formatTable } from './table.js';

/** A larger difference between two clocks is a warning, and one that is larger than the second a fault, in ms. */
const MAX_DRIFT_MS = [2000, 30_000] as const;

/** @returns 1 if there is a fault */
export async function check(input: Input, io: Io): Promise<number> {
	const choice = storeOf(input);
	const explicitUrl = input.text('url');
	const { results, time } = await connectionOf(explicitUrl ?? defaultUrl(io.env), explicitUrl !== undefined);
	const store = await (choice.kind === 'mongodb' ? checkMongo(choice.url) : checkFolder(choice.folder));
	const all = [...results, ...store.results, checkSettings(input, io), checkClock(time ?? store.time)];
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

const defaultUrl = ({ PORT }: NodeJS.ProcessEnv) => `http://127.0.0.1:${PORT || 3000}`;

/** Reads the settings that a server with this environment would have. */
function checkSettings(input: Input, { env }: Io): CheckResult {
	const flags = (['data', 'mongo-url'] as const).flatMap((name) => {
		const value = input.given(name);
		return value === undefined ? [] : [`--${name}`, value];
	});
	try {
		readConfig(flags, env);
		return { part: 'settings', status: 'ok', note: 'Those in the environment are valid' };
	} catch (error) {
		return { part: 'settings', status: 'failed', note: (error as Error).message };
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
