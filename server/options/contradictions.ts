/** Settings that exclude or need each other. */
import { isObject } from '../../shared/isObject.js';
import type { Faults } from './kinds.js';
import type { OptionValues } from './options.js';
import type { CommandSetting, ServerOptions } from './serverOptions.js';

/** Adds a fault for each contradiction. The fault names the settings. */
export function addContradictions(
	settings: Omit<OptionValues, CommandSetting>,
	serverOptions: ServerOptions,
	faults: Faults,
): void {
	const { 'tls-cert': cert, 'tls-key': key } = settings;
	const { server, listen, store, demo } = serverOptions;
	const isMongo = !demo && isObject(store) && 'mongoUrl' in store;
	const isInMemory = demo || (isObject(store) && 'memory' in store);
	const hasCert = cert !== undefined;
	const hasKey = key !== undefined;
	if (hasCert !== hasKey) faults.add('tls-cert and tls-key need each other');
	if (hasCert && (server || listen === false))
		faults.add('tls-cert is for a server that listens: here the application has the HTTP server');
	if (settings['trust-proxy'] !== undefined && settings['forwarded-count'] > 0)
		faults.add('choose one of trust-proxy and forwarded-count: both say which proxies are trusted');
	if (demo && store) faults.add('demo keeps its data in memory: leave out store');
	if (serverOptions.noIndex && !isMongo) faults.add('no-index is for MongoDB: name the database with mongo-url');
	for (const mode of ['read-only', 'shadow'] as const) {
		if (!settings[mode]) continue;
		if (demo) faults.add(`demo writes example users: leave out ${mode}`);
		if (settings['admin-pass'] !== undefined)
			faults.add(`admin-pass makes the first admin, which ${mode} does not: leave out one of them`);
		if (settings['sign-ups']) faults.add(`sign-ups makes accounts, which ${mode} does not: leave out one of them`);
	}
	if (settings.shadow && settings['read-only']) faults.add('choose one of shadow and read-only');
	if (settings.shadow && (settings.nats !== undefined || settings['rocketchat-broker'] !== undefined))
		faults.add('shadow announces nothing: leave out nats and rocketchat-broker');
	if (settings.nats !== undefined && isInMemory)
		faults.add('nats joins processes that use the same data: store them in a folder or in MongoDB');
	if (!isMongo && ['change-streams', 'polling'].includes(settings.watch))
		faults.add('watch must be off or auto, because the data is not in MongoDB: nobody else writes to it');
}
