/** Reads the settings of the connection to NATS. */
import { readFileSync } from 'node:fs';
import type { NatsSettings } from '../cluster/nats.js';
import { explainUnreadable, isDenied } from '../dataFolder/access.js';
import { Faults } from './faults.js';
import { OptionError } from './optionError.js';
import type { OptionValues } from './options.js';

/**
 * Reads the addresses, and the credentials in the first address that has some. A user name without a password is a token.
 * @throws OptionError for an invalid address, or for credentials that `NatsSettings` cannot express. The text does not
 * contain the address, which may contain a password
 */
export function parseNatsUrls(urls: string): { servers: string[]; isTls: boolean; credentials?: string } {
	const invalidUrls = () => new OptionError('nats must be a list of addresses such as nats://127.0.0.1:4222');
	const parsed = urls.split(',').map((text) => {
		const address = text.trim();
		try {
			const url = new URL(address.includes('://') ? address : `nats://${address}`);
			const { protocol, hostname, port } = url;
			// Percent signs that encode nothing are invalid here, although `URL` accepts them.
			const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
			return { protocol, hostname, port, username, password };
		} catch {
			throw invalidUrls();
		}
	});
	for (const { protocol, hostname, username, password } of parsed) {
		if (!['nats:', 'tls:'].includes(protocol) || hostname === '') throw invalidUrls();
		if (username.includes(':')) throw new OptionError('nats must have no colon (%3A) in a user name or a token');
		if (username === '' && password !== '') throw new OptionError('nats must have a user name before each password');
	}
	const { username = '', password = '' } = parsed.find(({ username }) => username !== '') ?? {};
	return {
		servers: parsed.map(({ hostname, port }) => `${hostname}:${port || 4222}`),
		isTls: parsed.some(({ protocol }) => protocol === 'tls:'),
		...(username !== '' && { credentials: password === '' ? username : `${username}:${password}` }),
	};
}

/** Reads a file. @param name the setting that names the file, for the error text */
function fileText(file: string | undefined, name: string): string | undefined {
	if (file === undefined) return undefined;
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		const reason = isDenied(error) ? explainUnreadable(file) : (error as NodeJS.ErrnoException).code;
		throw new OptionError(`${name}: the file ${file} cannot be read (${reason})`);
	}
}

type NatsOptionName = 'nats-credentials' | 'nats-ca' | 'nats-cert' | 'nats-key';

/**
 * The settings of a connection, with the contents of the PEM files. `nats-credentials` is no file: it contains the credentials,
 * which take precedence over those in an address.
 * @throws OptionError that lists all faults: an invalid address, a certificate without a key or a key without a certificate,
 * and each file that cannot be read
 */
export function natsSettings(urls: string, settings: Pick<OptionValues, NatsOptionName>): NatsSettings {
	const faults = new Faults();
	const address = faults.try(() => parseNatsUrls(urls));
	const { 'nats-ca': ca, 'nats-cert': cert, 'nats-key': key } = settings;
	const hasCert = cert !== undefined;
	const hasKey = key !== undefined;
	if (hasCert !== hasKey) faults.add('nats-cert and nats-key need each other');
	const [caText, certText, keyText] = (['nats-ca', 'nats-cert', 'nats-key'] as const).map((name) =>
		faults.try(() => fileText(settings[name], name)),
	);
	faults.throwIfAny();
	const { servers, isTls, credentials } = address as ReturnType<typeof parseNatsUrls>;
	const usesTls = isTls || ca !== undefined || hasCert;
	return {
		servers,
		credentials: settings['nats-credentials'] ?? credentials,
		...(usesTls && { tls: { ca: caText, cert: certText, key: keyText } }),
	};
}
