/** Reads the settings of the connection to NATS. */
import { readFileSync } from 'node:fs';
import type { NatsCredentials, NatsSettings } from '../cluster/nats.js';
import { explainUnreadable, isDenied } from '../dataFolder/access.js';
import { Faults } from './faults.js';
import { OptionError } from './optionError.js';
import type { OptionValues } from './options.js';

const NKEY_SEED = /^S[UAOCN][A-Z2-7]{56}$/;

const seedOrToken = (text: string): NatsCredentials => (NKEY_SEED.test(text) ? { seed: text } : { token: text });

/** Reads the value of `nats-credentials`: `user:password`, a token, or the seed of an nkey. */
function parseCredentials(text: string): NatsCredentials {
	const colon = text.indexOf(':');
	return colon === -1 ? seedOrToken(text) : { user: text.slice(0, colon), pass: text.slice(colon + 1) };
}

/**
 * Reads the addresses, and the first credentials in them. A user name without a password is a token or the seed of an
 * nkey.
 * @throws OptionError for an invalid address. Its text leaves out the address, which may contain a password
 */
export function parseNatsUrls(urls: string): { servers: string[]; isTls: boolean; credentials?: NatsCredentials } {
	const invalidUrls = () => new OptionError('nats must be a list of addresses such as nats://127.0.0.1:4222');
	const parsed = urls.split(',').map((text) => {
		const address = text.trim();
		try {
			const url = new URL(address.includes('://') ? address : `nats://${address}`);
			const { protocol, hostname, port } = url;
			// `decodeURIComponent` throws for percent signs that encode nothing. `URL` accepts these.
			const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
			return { protocol, hostname, port, username, password };
		} catch {
			throw invalidUrls();
		}
	});
	for (const { protocol, hostname, username, password } of parsed) {
		if (!['nats:', 'tls:'].includes(protocol) || hostname === '') throw invalidUrls();
		if (username === '' && password !== '')
			throw new OptionError(
				'nats must be a list of addresses, each with a user name before its password. A token has no colon before it',
			);
	}
	const { username = '', password = '' } = parsed.find(({ username }) => username !== '') ?? {};
	return {
		servers: parsed.map(({ hostname, port }) => `${hostname}:${port || 4222}`),
		isTls: parsed.some(({ protocol }) => protocol === 'tls:'),
		...(username !== '' && {
			credentials: password === '' ? seedOrToken(username) : { user: username, pass: password },
		}),
	};
}

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
 * The settings of a connection, with the contents of the PEM files. `nats-credentials` take precedence over those in an
 * address.
 * @throws OptionError that lists all faults
 */
export function natsSettings(urls: string, settings: Pick<OptionValues, NatsOptionName>): NatsSettings {
	const faults = new Faults();
	const address = faults.try(() => parseNatsUrls(urls));
	const { 'nats-ca': ca, 'nats-cert': cert, 'nats-key': key, 'nats-credentials': given } = settings;
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
		credentials: given === undefined ? credentials : parseCredentials(given),
		...(usesTls && { tls: { ca: caText, cert: certText, key: keyText } }),
	};
}
