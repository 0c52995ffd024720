/** Settings that exclude or need each other. */
import { isObject } from '../../shared/isObject.js';
import type { Faults } from './faults.js';
import type { OptionValues } from './options.js';
import type { CommandSetting, ServerOptions } from './serverOptions.js';

/**
 * Adds a fault for each contradiction.
 * @param settings with the defaults
 * @param serverOptions as they were given
 */
export function addContradictions(
	settings: Omit<OptionValues, CommandSetting>,
	serverOptions: ServerOptions,
	faults: Faults,
): void {
	const { server, listen, store, demo } = serverOptions;
	// An invalid setting counts as given, because its correction would not remove the contradiction.
	const isGiven = (name: 'tls-cert' | 'tls-key' | 'trust-proxy') =>
		settings[name] !== undefined || faults.isInvalid(name);
	const isMongo = !demo && ((isObject(store) && 'mongoUrl' in store) || faults.isInvalid('mongo-url'));
	const isInMemory = demo || (isObject(store) && 'memory' in store);
	const hasCert = isGiven('tls-cert');
	if (hasCert !== isGiven('tls-key')) faults.add('tls-cert and tls-key need each other');
	const usesOtherServer = server || listen === false;
	if (hasCert && usesOtherServer)
		faults.add('leave out tls-cert and tls-key: the HTTP server of the application needs the certificate, not Roomkey');
	// 0 if no port is known.
	const fixedPort = usesOtherServer || faults.isInvalid('port') ? 0 : settings.port;
	if (fixedPort !== 0 && Number(settings.metrics) === fixedPort) faults.add('port and metrics need different ports');
	const countsProxies = settings['forwarded-count'] > 0 || faults.isInvalid('forwarded-count');
	if (isGiven('trust-proxy') && countsProxies)
		faults.add('choose one of trust-proxy and forwarded-count: both say which proxies are trusted');
	if (demo && store) faults.add('demo keeps its data in memory: leave out store');
	if (settings['no-index'] && !isMongo) faults.add('no-index is for MongoDB: name the database with mongo-url');
	for (const mode of ['read-only', 'shadow'] as const) {
		if (!settings[mode]) continue;
		if (demo) faults.add(`demo writes example users: leave out ${mode}`);
		if (settings['admin-pass'] !== undefined)
			faults.add(`${mode} makes no user, but admin-pass makes the first admin: leave out one of them`);
		if (settings['sign-ups'])
			faults.add(`${mode} makes no user, but sign-ups lets users register: leave out one of them`);
	}
	if (settings.shadow && settings['read-only']) faults.add('choose one of shadow and read-only');
	if (settings.shadow && (settings.nats !== undefined || settings['rocketchat-broker'] !== undefined))
		faults.add('shadow announces nothing: leave out nats and rocketchat-broker');
	if (settings.nats !== undefined && isInMemory)
		faults.add(
			'nats joins processes with the same data, and data in memory belongs to one process: leave out nats, or store the data in a folder or in MongoDB',
		);
	if (!isMongo && ['change-streams', 'polling'].includes(settings.watch))
		faults.add('watch must be off or auto: change-streams and polling are for data in MongoDB');
}
