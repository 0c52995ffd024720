/** The settings of the connection to NATS. */
import { readFileSync } from 'node:fs';
import type { NatsSettings } from '../cluster/nats.js';
import { OptionError } from './kinds.js';
import type { OptionValues } from './options.js';

/** The addresses and the credentials in them. @throws OptionError without the value, which may contain a password */
export function parseNatsUrls(urls: string): { servers: string[]; isTls: boolean; credentials?: string } {
	const bad = () => new OptionError('nats must be a list of addresses such as nats://127.0.0.1:4222');
	const parsed = urls.split(',').map((text) => {
		const url = text.trim();
		try {
			return new URL(url.includes('://') ? url : `nats://${url}`);
		} catch {
			throw bad();
		}
	});
	if (parsed.some(({ protocol, hostname }) => !['nats:', 'tls:'].includes(protocol) || hostname === '')) throw bad();
	const named = parsed.find(({ username }) => username !== '');
	const decoded = named && [named.username, named.password].map(decodeURIComponent);
	return {
		servers: parsed.map(({ hostname, port }) => `${hostname}:${port || 4222}`),
		isTls: parsed.some(({ protocol }) => protocol === 'tls:'),
		...(decoded && { credentials: decoded[1] === '' ? (decoded[0] as string) : decoded.join(':') }),
	};
}

function fileText(file: string | undefined, name: string): string | undefined {
	if (file === undefined) return undefined;
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		throw new OptionError(`${name}: the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
	}
}

type NatsOptionNames = 'nats-credentials' | 'nats-ca' | 'nats-cert' | 'nats-key';

/** @throws OptionError for an invalid address, and for files that cannot be read */
export function natsSettings(urls: string, settings: Pick<OptionValues, NatsOptionNames>): NatsSettings {
	const { servers, isTls, credentials } = parseNatsUrls(urls);
	const { 'nats-ca': ca, 'nats-cert': cert, 'nats-key': key } = settings;
	if ((cert === undefined) !== (key === undefined)) throw new OptionError('nats-cert and nats-key belong together');
	const tls = { ca: fileText(ca, 'nats-ca'), cert: fileText(cert, 'nats-cert'), key: fileText(key, 'nats-key') };
	return {
		servers,
		credentials: settings['nats-credentials'] ?? credentials,
		...((isTls || ca !== undefined || cert !== undefined) && { tls }),
	};
}
