/** Settings that exclude or need each other. */
import { OptionError } from './kinds.js';
import type { OptionValues } from './options.js';
import type { Parts } from './serverOptions.js';

type Settings = Pick<OptionValues, 'tls-cert' | 'tls-key' | 'trust-proxy' | 'forwarded-count'>;

/** @throws OptionError that names the settings */
export function refuseContradictions(settings: Settings, { server, listen }: Parts): void {
	const { 'tls-cert': cert, 'tls-key': key } = settings;
	if ((cert === undefined) !== (key === undefined)) throw new OptionError('tls-cert and tls-key need each other');
	if (cert !== undefined && (server || listen === false))
		throw new OptionError('tls-cert is for a server that listens: here the application has the HTTP server');
	if (settings['trust-proxy'] !== undefined && settings['forwarded-count'] > 0)
		throw new OptionError('choose one of trust-proxy and forwarded-count: both say which proxies are trusted');
}
