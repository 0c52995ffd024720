import { type OptionValues, options } from './options.js';

type AddressSettings = Partial<Pick<OptionValues, 'host' | 'tls-cert' | 'path-prefix'>>;

/** The address of a server with these settings, for clients on the same machine. */
export function localUrl(
	{ host = options.host.default, 'tls-cert': cert, 'path-prefix': prefix = '' }: AddressSettings,
	port: number | string,
): string {
	const scheme = cert === undefined ? 'http' : 'https';
	const isAny = host === '0.0.0.0' || host === '::';
	const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
	return `${scheme}://${name}:${port}${prefix}`;
}
