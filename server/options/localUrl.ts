import { type OptionValues, options } from './options.js';

type AddressSettings = Partial<Pick<OptionValues, 'host' | 'tls-cert' | 'path-prefix'>>;

/** Whether a server with this host listens on all addresses of the machine. */
export const isEveryAddress = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** The address of a server with these settings, for clients on the same machine. */
export function localUrl(
	{ host = options.host.default, 'tls-cert': cert, 'path-prefix': prefix = '' }: AddressSettings,
	port: number | string,
): string {
	const scheme = cert === undefined ? 'http' : 'https';
	const address = isEveryAddress(host) ? '127.0.0.1' : host;
	const hostname = address.includes(':') ? `[${address}]` : address;
	return `${scheme}://${hostname}:${port}${prefix}`;
}
