/** Logs that a server starts, is ready, and stops. */
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../shared/log.js';
import type { Option } from '../options/optionKinds.js';
import { type OptionName, options } from '../options/options.js';
import type { StoreChoice } from '../store/open.js';

/** Settings that the start message shows elsewhere, or that may contain credentials. */
const LEFT_OUT: ReadonlySet<string> = new Set([
	'host',
	'port',
	'data',
	'memory',
	'mongo-url',
	'nats',
	'rocketchat-broker',
]);

/** The settings that differ from their defaults. A setting that may be secret has the value `set`. */
export function changedSettings(settings: Partial<Record<OptionName, unknown>>): Record<string, unknown> {
	const changed = Object.entries(settings).filter(([name, value]) => {
		const option: Option<unknown> | undefined = options[name as OptionName];
		return option !== undefined && !LEFT_OUT.has(name) && !isDeepStrictEqual(value, option.default);
	});
	return Object.fromEntries(
		changed.map(([name, value]) => {
			const { isSecret, format }: Option<unknown> = options[name as OptionName];
			if (isSecret) return [name, 'set'];
			return [name, format ? format(value) : value];
		}),
	);
}

/** Where the data is stored, without the credentials and the query of an address. */
export function storeLocation(choice: StoreChoice): string {
	if (choice.kind === 'files') return choice.folder;
	if (choice.kind === 'memory') return 'memory';
	// A password may contain `@` and `/` by mistake.
	const withoutCredentials = choice.url.replace(/\/\/.*@/s, '//');
	return withoutCredentials.replace(/\?.*$/s, '');
}

export interface StartFacts {
	readonly version: string;
	readonly store: StoreChoice;
	readonly settings: Partial<Record<OptionName, unknown>>;
}

/** Logs what the server is about to start with. */
export function logStart(log: Log, { version, store, settings }: StartFacts): void {
	const { host, port, metrics } = settings;
	const facts = {
		version,
		node: process.version,
		host,
		port,
		store: storeLocation(store),
		bus: settings.nats === undefined ? 'local' : 'nats',
		metrics,
	};
	log.info({ ...facts, settings: changedSettings(settings) }, 'Roomkey starts');
}

/**
 * @param address absent if the application listens instead of Roomkey
 * @param startedAt by `performance.now`
 */
export function logReady(
	log: Log,
	address: { readonly url: string; readonly host: string } | undefined,
	startedAt: number,
): void {
	log.info({ ...address, ms: Math.round(performance.now() - startedAt) }, 'Roomkey is ready');
}

/** @param sessions number of open sessions */
export function logStop(log: Log, sessions: number): void {
	log.info({ sessions }, 'Roomkey stops');
}
