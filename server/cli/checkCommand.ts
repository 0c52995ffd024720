/** `roomkey check`: looks for faults of a server, its store and its settings. */

import { statSync } from 'node:fs';
import { Faults } from '../options/faults.js';
import { localUrl } from '../options/localUrl.js';
import type { Option } from '../options/optionKinds.js';
import { options } from '../options/options.js';
import type { CheckReport, CheckResult } from './checkResult.js';
import { checkServer } from './checkServer.js';
import { checkStore } from './checkStore.js';
import type { Input, Io } from './command.js';
import { type Config, readConfig, type Setting } from './config.js';
import { checkConfig } from './configOptions.js';
import { othersHaveAccess } from './fileAccess.js';
import { printResult } from './print.js';
import { withoutUsers } from './printConfig.js';
import { formatTable } from './table.js';
import { serverUrl } from './target.js';

/** Maximum difference of two clocks without a warning, in ms. A server tells its time in whole seconds. */
const WARNING_DRIFT_MS = 2000;

/** Maximum difference of two clocks without a failure, in ms. */
const MAX_DRIFT_MS = 30_000;

/** @returns the exit code: 1 if a check has failed */
export async function check(input: Input, io: Io): Promise<number> {
	const givenUrl = input.flagOrVariable('url');
	const explicitUrl = givenUrl === undefined ? undefined : serverUrl(givenUrl);
	const { config, results: settingsResults } = await readSettings(input, io);
	const server = await checkServer(explicitUrl ?? localUrl(config, config.port), explicitUrl !== undefined);
	const store = await checkStore(config.store, server.isDataLost);
	const clockResult = checkClock(server.time ?? store.time);
	const all = [...server.results, ...store.results, ...settingsResults, clockResult];
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

/** Reads the settings that a server with this environment would have. A setting with a fault has its default value. */
async function readSettings(input: Input, { env }: Io): Promise<{ config: Config; results: readonly CheckResult[] }> {
	const part = 'settings';
	const flags = (['data', 'mongo-url', 'config'] as const).flatMap((name) => {
		const value = input.flag(name);
		return value === undefined ? [] : [`--${name}=${value}`];
	});
	const faults = new Faults();
	const request = readConfig(flags, env, faults);
	if (request.kind !== 'serve') throw new Error(`${request.kind} is not expected`);
	const { config } = request;
	const allFaults = new Faults();
	// The error of `checkConfig` names the faults of `readConfig` too.
	await allFaults.wait(checkConfig(request, faults));
	if (allFaults.texts.length > 0)
		return { config, results: allFaults.texts.map((note) => ({ part, status: 'failed', note }) as const) };
	const configPath = request.settings.find(({ name }) => name === 'config')?.value as string | undefined;
	if (configPath !== undefined && exposesPassword(configPath, request.settings)) {
		const note = `${configPath} holds a password, and other users can read it: chmod 600 ${configPath}. It must belong to the account of the server`;
		return { config, results: [{ part, status: 'warning', note }] };
	}
	const sources = configPath === undefined ? 'the environment' : `the environment and in ${configPath}`;
	return { config, results: [{ part, status: 'ok', note: `Those in ${sources} are valid` }] };
}

/** Whether other users can read a password in a configuration file. */
function exposesPassword(path: string, settings: readonly Setting[]): boolean {
	const hasPassword = ({ name, value }: Setting) => {
		if (name === 'admin-pass' || name === 'nats-credentials') return true;
		const { mayHavePassword }: Option<unknown> = options[name];
		return mayHavePassword && withoutUsers(String(value)) !== String(value);
	};
	const isFromFile = ({ from }: Setting) => from.startsWith(`${path}: `);
	const fileHasPassword = settings.some((setting) => isFromFile(setting) && hasPassword(setting));
	return fileHasPassword && othersHaveAccess(statSync(path).mode);
}

function checkClock(time: CheckReport['time']): CheckResult {
	const part = 'clock';
	if (!time) return { part, status: 'off', note: 'No server or database to compare it with' };
	const drift = Math.abs(time.remote - time.local);
	if (drift <= WARNING_DRIFT_MS) return { part, status: 'ok', note: `It agrees with that of ${time.owner}` };
	const note = `It differs from that of ${time.owner} by ${Math.round(drift / 1000)} s`;
	return { part, status: drift > MAX_DRIFT_MS ? 'failed' : 'warning', note };
}
