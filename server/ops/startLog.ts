/** The log lines about the life of a server: at the start, when it is ready, and at the end. */
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../shared/log.js';
import type { Option } from '../options/kinds.js';
import { type OptionName, options } from '../options/options.js';
import type { StoreChoice } from '../store/open.js';

/** Settings that have facts of their own in the line. */
const SHOWN: ReadonlySet<string> = new Set(['host', 'port', 'data', 'memory', 'mongo-url', 'nats']);

/** The settings that differ from their defaults. Those that may be secret are only named. */
export function changedSettings(settings: Partial<Record<OptionName, unknown>>): Record<string, unknown> {
	const changed = Object.entries(settings).filter(([name, value]) => {
		const option: Option<unknown> | undefined = options[name as OptionName];
		return option !== undefined && !SHOWN.has(name) && !isDeepStrictEqual(value, option.default);
	});
	return Object.fromEntries(
		changed.map(([name, value]) => {
			const { envOnly, format }: Option<unknown> = options[name as OptionName];
			return [name, envOnly ? 'set' : format ? format(value) : value];
		}),
	);
}

/** Where the data is, without a password. */
export function storePlace(choice: StoreChoice): string {
	if (choice.kind === 'files') return choice.folder;
	if (choice.kind === 'memory') return 'memory';
	return choice.url.replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/s, '');
}

/** Facts of the first line. */
export interface Start {
	readonly version: string;
	readonly store: StoreChoice;
	readonly settings: Partial<Record<OptionName, unknown>>;
}

export function logStart(log: Log, { version, store, settings }: Start): void {
	const { host, port, metrics } = settings;
	const facts = {
		version,
		node: process.version,
		host,
		port,
		store: storePlace(store),
		bus: settings.nats === undefined ? 'local' : 'nats',
		metrics,
	};
	log.info({ ...facts, settings: changedSettings(settings) }, 'Roomkey starts');
}

/** @param url empty if the server is mounted on another */
export function logReady(log: Log, url: string, startedAt: number): void {
	log.info({ ...(url && { url }), ms: Math.round(performance.now() - startedAt) }, 'Roomkey is ready');
}

export function logStop(log: Log, sessions: number): void {
	log.info({ sessions }, 'Roomkey stops');
}
